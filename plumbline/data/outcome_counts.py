"""What became of each row of the outcomes' table, counted: for the datasheet, and in words for the run's log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.documents import SparseDocument
from plumbline.core.sql import delayed, quote
from plumbline.core.usecase import Contract
from plumbline.data.outcome_rows import PLACED, RECEIVED, TABLE, UNKNOWN
from plumbline.data.visible_days import VisibleDays, end

WORDS = {
    "duplicates": "of the outcomes' table are copies of another row; each counts once",
    "after_as_of": "are known, or happen, on the as-of date or later: not visible yet",
    "before_start": "are of an event before data.start",
    "of_removed_events": "are of an event that was forgotten or left out",
    "unknown": f"are of no event: kept apart ({UNKNOWN}), and taken up once their event comes",
    "moved": "arrived after an outcome of the same event that was known later: they count from then on",
    "corrections": "correct an earlier outcome of their event; the latest counts as its label",
    "repeated": "repeat the outcome before of their event",
    "late": "became known later than the label delay after their event",
    "waiting": "are waited for: the label delay of their event has passed",
}
"""What is said of so many rows."""


class OutcomeCounts(SparseDocument):
    """Rows of the outcomes' table, each counted by the first that holds of it up to `unknown`; the others are visible."""

    rows: int  # in the source
    duplicates: int  # equal to another row in all columns
    after_as_of: int  # known on the as-of date or later, or of an event of then
    before_start: int  # of an event before data.start
    of_removed_events: int  # of an event that was forgotten or left out
    unknown: int  # of no event
    corrections: int  # visible, and another outcome than the one before of their event
    repeated: int  # visible, and the same one
    late: int  # visible, the first of their event, and later than the label delay
    waiting: int  # events without one although the label delay has passed
    moved: int  # known_at was before that of an outcome of the same event that arrived earlier


def of(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, window: VisibleDays
) -> OutcomeCounts:
    """The counts, after `partition.views` with outcomes of their own."""
    rows = _one(connection, f"SELECT n FROM {RECEIVED}")
    places = f"SELECT __place, count(*) FROM {PLACED} GROUP BY 1"
    placed: dict[str, Any] = dict(duckdb_session.rows(connection, places))
    others = ("after_as_of", "before_start", "of_removed_events", "unknown")
    corrections, repeated = duckdb_session.rows(connection, _changes(usecase))[0]
    return OutcomeCounts(
        rows=rows,
        duplicates=rows - _one(connection, f"SELECT count(*) FROM {TABLE}"),
        **{name: placed.get(name, 0) for name in others},
        corrections=corrections,
        repeated=repeated,
        late=_one(connection, _late(usecase)),
        waiting=_one(connection, _waiting(usecase, window)),
        moved=_one(connection, f"SELECT count(*) FROM {TABLE} WHERE __moved"),
    )


def lines(counts: OutcomeCounts | None) -> Iterator[str]:
    """A line for each kind that there is."""
    for name, words in WORDS.items() if counts else ():
        number = getattr(counts, name)
        if number:
            yield f"{number:,} outcome{'s' if number > 1 else ''} {words}"


def _changes(usecase: Contract) -> str:
    """SQL for how many outcomes differ from the one before of their event, and how many do not."""
    key = quote(usecase.key)
    values = f"row({', '.join(quote(c.name) for c in usecase.unknown)})"
    before = f"OVER (PARTITION BY {key} ORDER BY {KNOWN_AT})"
    numbered = (
        f"SELECT row_number() {before} AS n, {values} IS DISTINCT FROM lag({values}) {before} AS changed "
        "FROM due"
    )
    counts = "count(*) FILTER (changed), count(*) FILTER (NOT changed)"
    return f"SELECT {counts} FROM ({numbered}) WHERE n > 1"


def _late(usecase: Contract) -> str:
    key, time = quote(usecase.key), quote(str(usecase.time))
    expected = delayed(time, *usecase.delay_parts)
    first = f"SELECT {time}, min({KNOWN_AT}) AS first FROM due GROUP BY {key}, {time}"
    return f"SELECT count(*) FROM ({first}) WHERE first > {expected}"


def _waiting(usecase: Contract, window: VisibleDays) -> str:
    key, time = quote(usecase.key), quote(str(usecase.time))
    expected = delayed(time, *usecase.delay_parts)
    return f"SELECT count(*) FROM visible WHERE {expected} < {end(window)} AND {key} NOT IN (SELECT {key} FROM due)"


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(duckdb_session.rows(connection, sql)[0][0])
