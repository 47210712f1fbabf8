"""How a table's rows lie in time: days without one, and, in a regular series, times that are missing or repeated.

A first run has no accepted profile to compare its days with; this is looked at without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.sql import quote
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source

FEWEST = 10
"""Days with rows, or steps, below which nothing is expected of the others."""
USUAL = 0.8
"""Share of the steps from one time to the next that are equal in a regular series."""
SERIES = 1.2
"""Rows per time, at most, where a table is one series."""
PAUSE = 0.2
"""Share of the days from which on a gap after one time of day is a usual pause."""
MICROSECOND = timedelta(microseconds=1)
SHOWN = 5


@dataclass(frozen=True)
class TimeCoverage:
    """What is there of the time from `first` to `last`. `step`: between two times, None where it varies."""

    rows: int
    first: datetime
    last: datetime
    days: int  # with a row
    missing_days: tuple[date, ...]  # without one, of the weekdays that have some
    repeated: int  # rows whose time an earlier row has, in a regular series
    step: timedelta | None
    missing_steps: int  # times that a regular series lacks, in days that are there

    @property
    def span(self) -> int:
        """Days from the first to the last, both counted."""
        return (self.last.date() - self.first.date()).days + 1


def coverage(connection: duckdb.DuckDBPyConnection, rows: str, time: str) -> TimeCoverage | None:
    """Of the rows of the query `rows`; None where no row has a time."""
    name = quote(time)
    query = f"SELECT CAST({name} AS TIMESTAMP) AS t FROM ({rows}) WHERE {name} IS NOT NULL"
    count, first, last = duckdb_session.rows(
        connection, f"SELECT count(*), min(t), max(t) FROM ({query})"
    )[0]
    if not count:
        return None
    days = [
        row[0]
        for row in duckdb_session.rows(
            connection, f"SELECT DISTINCT CAST(t AS DATE) AS d FROM ({query}) ORDER BY d"
        )
    ]
    step, times, lacking = _regular(connection, query)
    series = step is not None and count <= SERIES * times
    return TimeCoverage(
        rows=count,
        first=first,
        last=last,
        days=len(days),
        missing_days=tuple(_missing(days)),
        repeated=count - times if series else 0,
        step=step if series else None,
        missing_steps=lacking if series else 0,
    )


def per_day(connection: duckdb.DuckDBPyConnection, time: str, rows: str) -> list[tuple[date, int]]:
    """The days that have rows, ascending, each with how many."""
    query = f"SELECT CAST({quote(time)} AS DATE), count(*) FROM ({rows}) WHERE {quote(time)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    return connection.sql(query).fetchall()


def days(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, files: Sequence[File]
) -> list[tuple[date, int]]:
    """`per_day` of files of events."""
    counts: Counter[date] = Counter()
    for file in files:
        for day, rows in kept.value("days", [file], partial(_days, connection, kept, file)):
            counts[date.fromisoformat(day)] += rows
    return sorted(counts.items())


def of_files(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, files: Sequence[File]
) -> TimeCoverage | None:
    """`coverage` of files of events, each of a month of its own; None where they may be one regular series."""
    parts = [kept.value("times", [f], partial(_times, connection, kept, f)) for f in files]
    parts = [p for p in parts if p["rows"]]
    times = sum(p["times"] for p in parts)
    often = sum(p["often"] for p in parts) + len(parts) - 1
    if not parts or often >= USUAL * (times - 1):
        return None
    there = [day for day, _ in days(connection, kept, files)]
    return TimeCoverage(
        rows=sum(p["rows"] for p in parts),
        first=min(datetime.fromisoformat(p["first"]) for p in parts),
        last=max(datetime.fromisoformat(p["last"]) for p in parts),
        days=len(there),
        missing_days=tuple(_missing(there)),
        repeated=0,
        step=None,
        missing_steps=0,
    )


def _days(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, file: File
) -> list[tuple[str, int]]:
    counted = per_day(connection, str(kept.usecase.time), source([file]))
    return [(day.isoformat(), rows) for day, rows in counted]


def _times(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, file: File
) -> dict[str, str | int | None]:
    """Rows, the first and the last time, different times, how often the most frequent step comes; rows are sorted."""
    name = quote(str(kept.usecase.time))
    times = f"SELECT {name} AS t FROM ({source([file])}) WHERE {name} IS NOT NULL"
    steps = f"SELECT t, t - lag(t) OVER () AS s FROM ({times})"
    counted = f"SELECT s, count(*) AS n, min(t) AS first, max(t) AS last FROM ({steps}) GROUP BY s"
    same, other = "s = INTERVAL 0 SECOND", "s <> INTERVAL 0 SECOND"
    rows, different, often, first, last = duckdb_session.rows(
        connection,
        f"SELECT coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (({same}) IS NOT TRUE), 0)::BIGINT, "
        f"coalesce(max(n) FILTER ({other}), 0), min(first), max(last) FROM ({counted})",
    )[0]
    ends = {"first": str(first), "last": str(last)} if rows else {}
    return {"rows": rows, "times": different, "often": often, **ends}


def sentences(seen: TimeCoverage, time: str) -> list[str]:
    """What is odd, each with what to do; nothing where all is as expected."""
    lines = []
    if seen.missing_days:
        shown = ", ".join(str(d) for d in seen.missing_days[:SHOWN])
        more = (
            f" and {len(seen.missing_days) - SHOWN:,} more"
            if len(seen.missing_days) > SHOWN
            else ""
        )
        lines.append(
            f"no row on {len(seen.missing_days):,} of {seen.span:,} days from {seen.first.date()} to "
            f"{seen.last.date()}: {shown}{more}; is the export complete, and is every '{time}' read as it is meant?"
        )
    if seen.repeated:
        lines.append(
            f"{seen.repeated:,} rows repeat a time of '{time}', in a series with one row every {seen.step}; remove "
            "copies in the source"
        )
    if seen.missing_steps:
        lines.append(
            f"{seen.missing_steps:,} times of '{time}' are missing on days that have others, in a series with one "
            f"row every {seen.step}"
        )
    return lines


def _missing(days: Sequence[date]) -> list[date]:
    """Days without a row, where rows come day by day; weekdays that never have one are not expected."""
    if len(days) < FEWEST:
        return []
    there, weekdays = set(days), {d.weekday() for d in days}
    every = (days[0] + timedelta(days=i) for i in range((days[-1] - days[0]).days + 1))
    expected = [d for d in every if d.weekday() in weekdays]
    absent = [d for d in expected if d not in there]
    return absent if len(absent) < len(expected) / 2 else []


def _regular(
    connection: duckdb.DuckDBPyConnection, query: str
) -> tuple[timedelta | None, int, int]:
    """The usual step of the distinct times, how many there are, and how many steps below a day are lacking."""
    counted = duckdb_session.rows(
        connection,
        "SELECT s, count(*) FROM (SELECT t - lag(t) OVER (ORDER BY t) AS s FROM "
        f"(SELECT DISTINCT t FROM ({query}))) GROUP BY s ORDER BY count(*) DESC, s LIMIT 1000",
    )
    steps = Counter({step: n for step, n in counted if step is not None})
    total = duckdb_session.rows(connection, f"SELECT count(DISTINCT t) FROM ({query})")[0][0]
    if sum(steps.values()) < FEWEST:
        return None, total, 0
    step, often = steps.most_common(1)[0]
    if often < USUAL * (total - 1):
        return None, total, 0
    return step, total, _lacking(connection, query, step)


def _lacking(connection: duckdb.DuckDBPyConnection, query: str, step: timedelta) -> int:
    """Steps below a day that are lacking; a pause that comes on many days at one time (the night) is usual."""
    gaps = duckdb_session.rows(
        connection,
        "SELECT s, count(*) FROM (SELECT t - lag(t) OVER (ORDER BY t) AS s, lag(t) OVER (ORDER BY t) AS before "
        f"FROM (SELECT DISTINCT t FROM ({query}))) WHERE s > to_microseconds({step // MICROSECOND}) "
        "AND s < INTERVAL 1 DAY GROUP BY s, CAST(before AS TIME) "
        f"HAVING count(*) < {PAUSE} * (SELECT count(DISTINCT CAST(t AS DATE)) FROM ({query}))",
    )
    return sum(n * (round(s / step) - 1) for s, n in gaps)
