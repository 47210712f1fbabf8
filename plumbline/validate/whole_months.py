"""Which days of a series lie in whole months, whose counts are kept: of them only a new month's are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np

from plumbline.core.declarations import Array
from plumbline.validate import orphans
from plumbline.validate.check import TableName
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File


@dataclass(frozen=True)
class Stretch:
    """Days of a series, from the place `first` to before `end`. `files`: of a whole month, its events' and outcomes'."""

    first: int
    end: int
    kept: KeptMonths
    files: tuple[File, ...] = ()

    @property
    def inside(self) -> str:
        """SQL: whether a row's day is one of them."""
        return f"__day >= {self.first} AND __day < {self.end}"

    def counts(self, connection: duckdb.DuckDBPyConnection, rows: str) -> list[list[int]]:
        """Of each of these days that has rows: its place among them, and `n` and `k` of the query `rows`."""
        listed = f"SELECT __day - {self.first}, n, k FROM ({rows}) WHERE {self.inside} ORDER BY 1"
        return [[int(v) for v in row] for row in connection.sql(listed).fetchall()]

    def value(self, name: str, compute: Callable[[], Any], *parts: Any) -> Any:
        """The JSON value called `name`: of a whole month kept or computed, otherwise computed."""
        return self.kept.value(name, self.files, compute, *parts) if self.files else compute()


def stretches(
    connection: duckdb.DuckDBPyConnection,
    kept: KeptMonths,
    tables: Mapping[TableName, Sequence[File]],
    first: date,
    end: date,
) -> list[Stretch]:
    """The days from `first` to before `end`, month by month; in one where nothing is kept."""
    days = (end - first).days
    if kept.cache.folder is None:
        return [Stretch(0, days, kept)]
    listed, place = [], 0
    for file in tables["events"]:
        start = date(file.month // 100, file.month % 100, 1)
        after = (start + timedelta(days=31)).replace(day=1)
        if start < first or after > end:
            continue
        low, high = (start - first).days, (after - first).days
        listed += [Stretch(place, low, kept)] if place < low else []
        files = (file, *_late(connection, kept, tables["outcomes"], file.month))
        listed.append(Stretch(low, high, kept, files))
        place = high
    return [*listed, *([Stretch(place, days, kept)] if place < days else [])]


def _late(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, outcomes: Sequence[File], month: int
) -> list[File]:
    """The files with outcomes of events of a month."""
    spans = [(f, orphans.event_span(connection, kept, f)) for f in outcomes]
    return [f for f, span in spans if span[0] is not None and span[2] <= month <= span[3]]


def joined(
    stretches: Sequence[Stretch], parts: Sequence[Sequence[Sequence[int]]], days: int
) -> Array:
    """The counts of all stretches, as `Stretch.counts` gives them: n and k, float64 (2, days)."""
    counts = np.zeros((2, days))
    for stretch, listed in zip(stretches, parts, strict=True):
        for place, rows, hits in listed:
            counts[:, stretch.first + place] = rows, hits
    return counts
