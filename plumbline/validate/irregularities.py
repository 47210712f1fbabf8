"""What looks wrong in a table without another to compare it with: empty columns, gaps and repeats in time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from plumbline.core import event_days
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate import time_coverage
from plumbline.validate.check import TableName, layout
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source
from plumbline.validate.time_coverage import TimeCoverage, per_day


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
    *,
    accepted: bool,
    kept: KeptMonths | None = None,
) -> list[Irregularity]:
    """What looks wrong in the valid files; where a profile is `accepted`, only what moves windows."""
    listed: list[Irregularity] = []
    for table, held in tables.items():
        listed += _empty(connection, usecase, table, held) if held and not accepted else []
    if usecase.time is None or not tables["events"]:
        return listed
    times = _of_files(connection, kept or KeptMonths(usecase), tables["events"])
    return [*listed, *(one for one in times if one.kind == "apart" or not accepted)]


def of_times(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> list[Irregularity]:
    """What looks wrong in the event times of the column `name`; `rows`: SQL that has it."""
    days = per_day(connection, name, rows)
    seen = event_days.of(days)
    listed = []
    if seen.apart:
        size = sum(n for _, n in (*seen.early, *seen.late))
        words = f"{seen.apart}; correct them, or set data.start and data.as_of in params.yaml"
        listed.append(Irregularity(name, "apart", size, words))
    inside = f"CAST({quote(name)} AS DATE) BETWEEN DATE '{seen.first}' AND DATE '{seen.last}'"
    covered = time_coverage.coverage(connection, f"SELECT * FROM ({rows}) WHERE {inside}", name)
    return listed + _of_coverage(name, covered, days, seen)


def _of_files(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, files: Sequence[File]
) -> list[Irregularity]:
    """`of_times` of files that each have a month: from what is known of each, where that says enough."""
    name = str(kept.usecase.time)
    days = time_coverage.days(connection, kept, files)
    seen = event_days.of(days)
    covered = None if seen.apart else time_coverage.of_files(connection, kept, files)
    if covered is None:
        return of_times(connection, name, source(files))
    return _of_coverage(name, covered, days, seen)


def _of_coverage(
    name: str,
    covered: TimeCoverage | None,
    days: event_days.Days,
    seen: event_days.EventDays,
) -> list[Irregularity]:
    """Gaps and repeats between the first and the last of the days that belong together."""
    if covered is None:
        return []
    together = [(day, n) for day, n in days if seen.first <= day <= seen.last]
    if _by_chance(together, len(covered.missing_days)):
        covered = replace(covered, missing_days=())
    sizes = (
        ("gaps", len(covered.missing_days)),
        ("repeated", covered.repeated),
        ("steps", covered.missing_steps),
    )
    kinds = [(kind, size) for kind, size in sizes if size]
    sentences = time_coverage.sentences(covered, name)
    return [
        Irregularity(name, kind, size, words)
        for (kind, size), words in zip(kinds, sentences, strict=True)
    ]


def _empty(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, table: TableName, held: Sequence[File]
) -> list[Irregularity]:
    """Columns without any value."""
    names = [c.name for c in layout(usecase, table) if c.null and c.name not in usecase.optional]
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


def _by_chance(days: event_days.Days, absent: int) -> bool:
    """Whether rows that fall on days at random leave as many days without one."""
    counts = [n for _, n in days] + [0] * absent
    length, mean = len(counts), sum(counts) / len(counts)
    spread = sum((n - mean) ** 2 for n in counts) / length
    expected = length * math.exp(-mean)
    return spread > mean / 2 and absent <= expected + 3 * math.sqrt(expected)
