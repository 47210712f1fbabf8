"""When an event happened: which column says it, or which columns together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.sql import quote
from plumbline.ops.infer import date_parts
from plumbline.ops.infer.column_types import words
from plumbline.ops.infer.date_parts import TimeChoice
from plumbline.ops.infer.guess import Notes
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.table_file import TABLE
from plumbline.ops.infer.typed_table import TYPED, TypedColumn

HINTS = frozenset({"time", "date", "at", "timestamp", "ts", "datetime", "when", "day", "on"})
EARLIER = frozenset({"birth", "born", "birthday", "dob", "signup", "since", "opened", "first"})
"""Words of dates that lie long before an event."""
NO_TIME = "none"
"""What `time` is called where the table is to be a plain one."""
LONGER = 1.2
"""Times the middle gap from which a gap says that something is missing."""
FEWEST_DAYS, LEAST_DAYS = 8, 7
"""Days with events that a guessed event time needs, and one that was named."""


@dataclass(frozen=True)
class EventTime:
    """The event time: a typed column, or an expression over parts. `first`, `last`: its ends."""

    name: str
    expression: str
    reason: str
    first: datetime
    last: datetime
    days: int  # with an event
    whole_days: bool  # every time is a midnight
    distinct: int
    gap: int  # days from one with events to the next, at most, but for what is missing
    parts: tuple[str, ...] = ()  # the source's columns that it is made of, where they are several

    @property
    def span(self) -> int:
        """Days from the first to the last, both counted."""
        return (self.last.date() - self.first.date()).days + 1


def guess(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: str,
    wanted: str | None,
    notes: Notes,
) -> EventTime | None:
    """The event time, if there is one; refused ones are noted."""
    if wanted == NO_TIME and all(c.source != NO_TIME for c in columns):
        notes.add("time", NO_TIME, "given: a plain table")
        return None
    if wanted:
        return _wanted(connection, columns, wanted)
    for choice in _choices(columns, label):
        time = _measured(connection, choice)
        if time is None:
            why = "some rows have none; every event needs one"
        elif time.days < FEWEST_DAYS:
            why = f"events on {time.days} days alone; windows of whole days need {FEWEST_DAYS}"
        else:
            return time
        notes.refuse(choice.name, "the event time", why)
    return None


def instant(column: TypedColumn) -> str:
    """A column of times as SQL of type TIMESTAMP, over the source's columns."""
    return column.expression or f"CAST({quote(column.source)} AS TIMESTAMP)"


def day_after(time: EventTime) -> date:
    """The as-of date: the day after the last event."""
    return time.last.date() + timedelta(days=1)


def _choices(columns: Sequence[TypedColumn], label: str) -> list[TimeChoice]:
    """The likeliest first: one time alone, else a date's parts, else times by their names."""
    able = [c for c in columns if c.name != label]
    times = [c for c in able if c.type == "timestamp"]
    times.sort(key=lambda c: (bool(EARLIER.intersection(words(c.source))), not _hinted(c)))
    single = [TimeChoice(c.name, instant(c), f"its type: {c.reason}", (c.source,)) for c in times]
    parts = date_parts.choice(able)
    return single if parts is None or len(times) == 1 else [parts, *single]


def _hinted(column: TypedColumn) -> bool:
    return bool(HINTS.intersection(words(column.source)))


def _wanted(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[TypedColumn], wanted: str
) -> EventTime:
    """The event time that was named; PlumblineError where it is none."""
    by_source = {c.source: c for c in columns}
    if wanted not in by_source:
        raise PlumblineError(f"time '{wanted}': no such column; {suggest(wanted, by_source)}")
    column = by_source[wanted]
    time = _measured(connection, _named(column, [c.name for c in columns]))
    if time is None:
        raise PlumblineError(
            f"time '{wanted}': {column.nulls:,} rows have none, and every event needs one; fill them in the "
            f"source, or choose another column (`--time {NO_TIME}`: a plain table)"
        )
    if time.days < LEAST_DAYS:
        raise PlumblineError(
            f"time '{wanted}': events on {time.days} days alone, expected {LEAST_DAYS} or more, for windows to "
            f"train, validate, test and judge on; use `--time {NO_TIME}` for a plain table"
        )
    return time


def _named(column: TypedColumn, taken: Sequence[str]) -> TimeChoice:
    """The named column as a time, or as years."""
    reason, parts = f"given as the event time: {column.source}", (column.source,)
    if column.type == "timestamp":
        return TimeChoice(column.name, instant(column), reason, parts)
    if date_parts.is_year(column):
        start = date_parts.start_of_year(column)
        return TimeChoice(free(f"{column.name}_start", taken), start, reason, parts)
    shown = ", ".join(repr(v) for v, _ in column.facts.top[:3])
    either = column.reason
    if column.facts.formats:
        either = f"which fit {' and '.join(map(repr, list(column.facts.formats)[:2]))} alike"
    raise PlumblineError(
        f"time '{column.source}': expected times like 2025-01-31 23:59:59, or years, found {shown} ({either}); "
        "write them year first in the source"
    )


def _measured(connection: duckdb.DuckDBPyConnection, choice: TimeChoice) -> EventTime | None:
    """With its ends and days; None where a row has no time."""
    columns = {row[0]: row[1] for row in duckdb_session.rows(connection, f"DESCRIBE {TYPED}")}
    typed = columns.get(choice.name) == "TIMESTAMP"
    time = quote(choice.name) if typed else f"TRY({choice.expression})"
    query = (
        "SELECT count(*) - count(t), min(t), max(t), count(DISTINCT CAST(t AS DATE)), "
        "bool_and(t = date_trunc('day', t)), count(DISTINCT t) "
        f"FROM (SELECT CAST({time} AS TIMESTAMP) AS t FROM {TYPED if typed else TABLE})"
    )
    nulls, first, last, days, whole, distinct = duckdb_session.rows(connection, query)[0]
    if nulls:
        return None
    several = () if typed else choice.parts
    gap = _gap(connection, f"SELECT {time} AS t FROM {TABLE if not typed else TYPED}")
    ends = (choice.name, choice.expression, choice.reason, first, last)
    return EventTime(*ends, days, whole, distinct, gap, several)


def _gap(connection: duckdb.DuckDBPyConnection, times: str) -> int:
    """The usual days from one with events to the next: 7 of weeks, 31 of months, 366 of years."""
    steps = (
        "SELECT CAST(d - lag(d) OVER (ORDER BY d) AS BIGINT) AS g "
        f"FROM (SELECT DISTINCT CAST(t AS DATE) AS d FROM ({times}))"
    )
    usual = f"(SELECT median(g) FROM ({steps}))"
    query = f"SELECT max(g) FROM ({steps}) WHERE g <= {LONGER} * {usual}"
    return int(duckdb_session.rows(connection, query)[0][0] or 1)
