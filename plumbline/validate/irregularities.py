"""What looks wrong in a table without another to compare it with: empty columns, gaps and repeats in time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from plumbline.core import event_days
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate.check import TableName, layout
from plumbline.validate.months import File, source

ABSENT = 0.2
"""Largest share of the days without a row that is a gap in a table; beyond, it has rows now and then."""
SINGLE = 0.9
"""Share of the rows with a time of their own from which a table is a series."""
STEADY = 0.8
"""Share of the steps of a series that have one length."""
SHOWN = 3
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Irregularity:
    """One thing that looks wrong: `size` rows, days or times of it, and what it is in words."""

    column: str
    kind: str
    size: int
    detail: str

    @property
    def words(self) -> str:
        """As validate's warnings say it."""
        return f"column '{self.column}', check '{self.kind}': {self.detail}"


def find(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    tables: Mapping[TableName, Sequence[File]],
) -> list[Irregularity]:
    """What looks wrong in the valid files."""
    listed = [
        i
        for table, held in tables.items()
        if held
        for i in _empty(connection, usecase, table, held)
    ]
    if usecase.time is None or not tables["events"]:
        return listed
    return [*listed, *of_times(connection, usecase.time, source(tables["events"]))]


def of_times(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> list[Irregularity]:
    """What looks wrong in the event times of the column `name`; `rows`: SQL that has it."""
    listed = []
    days = per_day(connection, name, rows)
    seen = event_days.of(days)
    if seen.apart:
        size = sum(n for _, n in (*seen.early, *seen.late))
        words = f"{seen.apart}; correct them, or set data.start and data.as_of in params.yaml"
        listed.append(Irregularity(name, "apart", size, words))
    inside = [(d, n) for d, n in days if seen.first <= d <= seen.last]
    return [*listed, *_absent(name, inside), *_series(connection, name, rows)]


def per_day(connection: duckdb.DuckDBPyConnection, time: str, rows: str) -> list[tuple[date, int]]:
    """The days that have rows, ascending, each with how many."""
    query = f"SELECT CAST({quote(time)} AS DATE), count(*) FROM ({rows}) WHERE {quote(time)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    return connection.sql(query).fetchall()


def _empty(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, table: TableName, held: Sequence[File]
) -> list[Irregularity]:
    """Columns without any value."""
    names = [c.name for c in layout(usecase, table) if c.null]
    if not names:
        return []
    counts = ", ".join(f"count({quote(n)})" for n in names)
    total, *filled = connection.sql(f"SELECT count(*), {counts} FROM ({source(held)})").fetchall()[
        0
    ]
    words = f"null in all {total} rows; fill it in the source, or remove the column"
    return [
        Irregularity(n, "empty", total, words)
        for n, some in zip(names, filled, strict=True)
        if total and not some
    ]


def _absent(name: str, days: event_days.Days) -> list[Irregularity]:
    """Days without a row, on weekdays that mostly have some, in a table that has rows on most days."""
    first, length = days[0][0], (days[-1][0] - days[0][0]).days + 1
    there = {day for day, _ in days}
    every = [first + i * DAY for i in range(length)]
    usual = Counter(d.weekday() for d in every)
    seen = Counter(d.weekday() for d in there)
    working = [d for d in every if seen[d.weekday()] >= usual[d.weekday()] / 2]
    absent = [d for d in working if d not in there]
    if (
        not absent
        or len(absent) > ABSENT * len(working)
        or _by_chance(days, len(working), len(absent))
    ):
        return []
    shown = ", ".join(map(str, absent[:SHOWN])) + (", …" if len(absent) > SHOWN else "")
    words = (
        f"no row on {len(absent)} of {len(working)} days from {first} to {days[-1][0]}: {shown}; see whether rows are "
        "missing, or dates were misread"
    )
    return [Irregularity(name, "gaps", len(absent), words)]


def _by_chance(days: event_days.Days, length: int, absent: int) -> bool:
    """Whether rows that fall on days at random leave as many days without one."""
    counts = [n for _, n in days] + [0] * absent
    mean = sum(counts) / length
    spread = sum((n - mean) ** 2 for n in counts) / length
    expected = length * math.exp(-mean)
    return spread > mean / 2 and absent <= expected + 3 * math.sqrt(expected)


def _series(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> list[Irregularity]:
    """Repeated times and absent steps of a series: nearly every row has its own time, at one distance."""
    column = quote(name)
    times = f"SELECT {column} AS moment, count(*) AS n FROM ({rows}) WHERE {column} IS NOT NULL GROUP BY 1"
    total, distinct, repeated = connection.sql(
        f"SELECT coalesce(sum(n), 0), count(*), count(*) FILTER (WHERE n > 1) FROM ({times})"
    ).fetchall()[0]
    if distinct < 3 or distinct - repeated < SINGLE * total:
        return []
    steps = connection.sql(
        f"SELECT step, count(*) FROM (SELECT moment - lag(moment) OVER (ORDER BY moment) AS step FROM ({times})) "
        "WHERE step IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    step, often = steps[0]
    if often < STEADY * (distinct - 1):
        return []
    twice = connection.sql(
        f"SELECT moment, n FROM ({times}) WHERE n > 1 ORDER BY 1 LIMIT {SHOWN}"
    ).fetchall()
    return [*_repeated(name, step, repeated, twice), *_steps(name, step, steps)]


def _repeated(
    name: str, step: timedelta, repeated: int, twice: Sequence[tuple[datetime, int]]
) -> list[Irregularity]:
    if not repeated:
        return []
    shown = ", ".join(f"{at} in {n} rows" for at, n in twice) + (", …" if repeated > SHOWN else "")
    words = f"{repeated} times stand in several rows of a series with one each {_span(step)}: {shown}; see which row is right"
    return [Irregularity(name, "repeated", repeated, words)]


def _steps(
    name: str, step: timedelta, steps: Sequence[tuple[timedelta, int]]
) -> list[Irregularity]:
    """Absent steps shorter than a day; absent days are told as such."""
    if step >= DAY:
        return []
    absent = sum((length // step - 1) * n for length, n in steps if DAY >= length > step)
    if not absent:
        return []
    words = (
        f"{absent} steps of {_span(step)} are absent from a series; see whether rows are missing"
    )
    return [Irregularity(name, "steps", absent, words)]


def _span(step: timedelta) -> str:
    """A step in its largest whole unit.

    >>> _span(timedelta(hours=1)), _span(timedelta(minutes=90)), _span(timedelta(days=2))
    ('1 hour', '90 minutes', '2 days')
    """
    units: Any = ((DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))
    for unit, word in units:
        if step % unit == timedelta(0):
            count = step // unit
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{step.total_seconds():g} seconds"
