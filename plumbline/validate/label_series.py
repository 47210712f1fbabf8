"""The edge that counts, day by day, what poisoned data would move: labels, near copies, values far out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import duckdb
import numpy as np

from plumbline.core.declarations import Column
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate import label_values, near_copies, whole_months
from plumbline.validate.bursts import DailyCounts
from plumbline.validate.check import TableName
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source
from plumbline.validate.series_span import Span
from plumbline.validate.whole_months import Stretch

FEW = 30
"""Different values of a column, at most, that make segments."""
FAR = 0.0005
"""Share of the values on either side that are far out, in the middle month."""
EXTREME = 0.05
"""Share of a regression's labels on either side that count as extreme."""
MEMORY = 28
"""Days before a hit in which another of its entities makes it one of a cluster."""
SHOWN = 3
"""Keys of rows that a message names."""
HOT_ROWS, HOT_SHARE = 3, 0.5
"""Hits of an entity on a day, and share of its rows, from which the day is suspicious."""


class LabelSeries:
    """Counts of the events of `tables` and their labels over the days of `days`, as views of `connection`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        usecase: Contract,
        tables: Mapping[TableName, Sequence[File]],
        days: Span,
        kept: KeptMonths | None = None,
    ) -> None:
        self.connection = connection
        self.usecase = usecase
        self.days = days
        self._view(tables)
        end = days.first + timedelta(days=days.labelled)
        kept = kept or KeptMonths(usecase)
        self.stretches = whole_months.stretches(connection, kept, tables, days.first, end)

    def _view(self, tables: Mapping[TableName, Sequence[File]]) -> None:
        case, days = self.usecase, self.days
        time, key, label = (quote(n) for n in (str(case.time), case.key, case.label))
        inside = f"{time} >= TIMESTAMP '{days.first}' AND {time} < TIMESTAMP '{days.end}'"
        place = f"datediff('day', DATE '{days.first}', CAST({time} AS DATE))"
        names = ", ".join(label_values.event(c) for c in case.known)
        first = days.first.year * 100 + days.first.month
        held, late = ([f for f in tables[t] if f.month >= first] for t in ("events", "outcomes"))
        labels = (
            f"SELECT {key} AS __key, {time} AS __time, "
            f"{label_values.number(case, label)} AS __label "
            f"FROM ({source(late)}) WHERE {inside}"
        )
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE labelled AS SELECT {place} AS __day, {names}, __label "
            f"FROM (SELECT * FROM ({source(held)}) WHERE {inside}) e LEFT JOIN ({labels}) l "
            f"ON e.{key} = l.__key AND e.{time} = l.__time"
        )
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW hit AS SELECT *, {self._hit()} AS __hit FROM labelled "
            f"WHERE __label IS NOT NULL AND __day < {days.labelled}"
        )

    def _hit(self) -> str:
        """Whether a label counts: a positive, or of a regression an extreme one. Of several classes which it is."""
        if self.usecase.classes:
            return "__label"
        if self.usecase.problem == "classification":
            return "__label > 0"
        low, high = self._quantiles("__label", EXTREME)
        return f"(__label < {low!r} OR __label > {high!r})"

    def rate(self) -> DailyCounts:
        """All rows with a label, and those that count."""
        rows = "SELECT __day, count(*) AS n, count(*) FILTER (__hit) AS k FROM hit GROUP BY __day"
        return self._counts(self.usecase.label, rows, self.days.labelled)

    def rates(self) -> list[DailyCounts]:
        """`rate`, or of several classes that of each."""
        if not self.usecase.classes:
            return [self.rate()]
        return [
            self._counts(str(name), _of_class(code), self.days.labelled)
            for code, name in enumerate(self.usecase.classes)
        ]

    def lone(self) -> DailyCounts | None:
        """Rows that count and whose entities had no other such row on the day or in the MEMORY days before."""
        if not self.usecase.entity_columns:
            return None
        rows = (
            f"SELECT __day - {MEMORY} AS __day, n, coalesce(k, 0) AS k FROM (SELECT __day, count(*) AS n "
            f"FROM hit GROUP BY __day) LEFT JOIN (SELECT __day, count(*) AS k FROM ({self._lone()}) "
            f"WHERE __alone GROUP BY __day) USING (__day) WHERE __day >= {MEMORY}"
        )
        return self._counts(self.usecase.label, rows, max(0, self.days.labelled - MEMORY))

    def _lone(self) -> str:
        """SQL for the rows that count, with whether each is without company."""
        recent = f"RANGE BETWEEN {MEMORY} PRECEDING AND CURRENT ROW"
        alone = " AND ".join(
            f"({n} IS NULL OR count(*) OVER (PARTITION BY {n} ORDER BY __day {recent}) = 1)"
            for n in map(quote, self.usecase.entity_columns)
        )
        return f"SELECT *, {alone} AS __alone FROM hit WHERE __hit"

    def segments(self) -> Iterator[tuple[Column, list[DailyCounts]]]:
        """By column of few values, of all rows that count those of each value."""
        for column in self.usecase.known:
            if column.forbidden or column.name == self.usecase.key:
                continue
            if not (column.allowed or column.type in ("bool", "string")):
                continue
            listed = self._by_value(column)
            if listed:
                yield column, listed

    def entities(self) -> Iterator[tuple[Column, DailyCounts]]:
        """By entity of many ids, the rows that count on an id's days of mostly such rows, of all rows."""
        for column in map(self.usecase.column, self.usecase.entity_columns):
            name = quote(column.name)
            if self._different(name) <= FEW:
                continue
            days = (
                f"SELECT __day, count(*) AS n, count(*) FILTER (__hit) AS k FROM hit "
                f"WHERE {name} IS NOT NULL GROUP BY __day, {name}"
            )
            rows = (
                f"SELECT __day, sum(n) AS n, coalesce(sum(k) FILTER (k >= {HOT_ROWS} AND k >= "
                f"{HOT_SHARE} * n), 0) AS k FROM ({days}) GROUP BY __day"
            )
            yield column, self._kept_counts(column.name, "hot entities", rows)

    def copies(self) -> DailyCounts | None:
        """Rows that have a near copy on their day whose label counts otherwise; None where none are looked for."""
        if not self._pairs:
            return None
        parts = [s.value("copies", partial(self._copies, s), self._hit()) for s in self.stretches]
        if sum(p["pairs"] for p in parts) > near_copies.MOST_PAIRS:
            return None
        return self._joined(self.usecase.label, [p["days"] for p in parts])

    def _copies(self, days: Stretch) -> dict[str, Any]:
        """How many pairs of rows are compared on these days, and what `copies` counts of them, if they are not too many."""
        compared = self._number(days.inside)
        if compared > near_copies.MOST_PAIRS:
            return {"pairs": compared, "days": []}
        rows = (
            f"SELECT __day, n, coalesce(k, 0) AS k FROM (SELECT __day, count(*) AS n FROM hit GROUP BY __day) "
            f"LEFT JOIN (SELECT __day, count(DISTINCT __row) AS k FROM (SELECT a.* FROM {self._pairs}) "
            "GROUP BY __day) USING (__day)"
        )
        return {"pairs": compared, "days": days.counts(self.connection, rows)}

    def _number(self, inside: str) -> int:
        """Make the table `numbered` of the rows on some days that may have a near copy; pairs that are to be compared."""
        rows = f"(SELECT * FROM hit WHERE {inside})"
        groups = near_copies.groups(self.usecase, rows)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE near_groups AS {groups}")
        mixed = near_copies.inside(self.usecase, "FROM near_groups WHERE mixed")
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE numbered AS SELECT row_number() OVER () AS __row, * FROM {rows} r WHERE {mixed}"
        )
        compared = f"(SELECT count(*) FROM {rows}) + coalesce(sum(n * n - n), 0)"
        return int(self.connection.sql(f"SELECT {compared} FROM near_groups").fetchall()[0][0])

    @property
    def _pairs(self) -> str:
        """SQL for rows a and their near copies b whose label counts otherwise; empty without entities."""
        same = near_copies.same(self.usecase)
        return f"numbered a JOIN numbered b ON a.__hit <> b.__hit AND {same}" if same else ""

    def outliers(self) -> Iterator[tuple[Column, DailyCounts]]:
        """By number, the rows beyond what nearly all values of the middle month lie in."""
        for column in self.usecase.known:
            if not near_copies.number(self.usecase, column):
                continue
            rows = (
                f"SELECT __day, count({quote(column.name)}) AS n, count(*) FILTER ({self._far(column)}) AS k "
                "FROM labelled GROUP BY __day"
            )
            yield column, self._counts(column.name, rows, self.days.days)

    def copied(self, first: int, end: int) -> list[str]:
        """Keys of SHOWN rows with such a near copy on the days from `first` to before `end`."""
        self._number(f"__day >= {first} AND __day < {end}")
        return self._keys(self._pairs, first, end)

    def alone(self, first: int, end: int) -> list[str]:
        """Keys of SHOWN rows of `lone` on the days from `first` to before `end`."""
        return self._keys(f"(SELECT * FROM ({self._lone()}) WHERE __alone) a", first, end)

    def far_out(self, column: Column, first: int, end: int) -> list[str]:
        """Keys of SHOWN rows whose value of `column` is far out on the days from `first` to before `end`."""
        return self._keys(f"(SELECT * FROM labelled WHERE {self._far(column)}) a", first, end)

    def _keys(self, rows: str, first: int, end: int) -> list[str]:
        key = self.usecase.column(self.usecase.key)
        if key.forbidden:
            return []
        query = (
            f"SELECT DISTINCT a.{quote(key.name)} AS key FROM {rows} WHERE a.__day >= {first} "
            f"AND a.__day < {end} ORDER BY key LIMIT {SHOWN}"
        )
        return [str(k) for (k,) in self.connection.sql(query).fetchall()]

    def _far(self, column: Column) -> str:
        name = quote(column.name)
        low, high = self._quantiles(name, FAR)
        return f"({name} < {low!r} OR {name} > {high!r})"

    def _quantiles(self, name: str, share: float) -> tuple[float, float]:
        """The middle one of the 28-day parts' lower and upper quantile: a burst moves neither."""
        parts = self.connection.sql(
            f"SELECT quantile_disc({name}, {share})::DOUBLE, quantile_disc({name}, {1 - share})::DOUBLE "
            f"FROM labelled WHERE {name} IS NOT NULL GROUP BY __day // 28"
        ).fetchall()
        if not parts:
            return 0.0, 0.0
        low, high = (sorted(side)[len(parts) // 2] for side in zip(*parts, strict=True))
        return float(low), float(high)

    def _different(self, name: str) -> int:
        return int(
            self.connection.sql(f"SELECT count(DISTINCT {name}) FROM labelled").fetchall()[0][0]
        )

    def _by_value(self, column: Column) -> list[DailyCounts]:
        name = quote(column.name)
        values = self.connection.sql(
            f"SELECT CAST({name} AS VARCHAR) AS v FROM hit WHERE {name} IS NOT NULL GROUP BY v "
            f"ORDER BY v LIMIT {FEW + 1}"
        ).fetchall()
        if not 2 <= len(values) <= FEW:
            return []
        query = (
            f"SELECT CAST({name} AS VARCHAR) AS v, __day, count(*) AS k FROM hit "
            f"WHERE __hit AND {name} IS NOT NULL GROUP BY v, __day"
        )
        found = self.connection.sql(query).fetchnumpy()
        every = self.rate().hits
        return [DailyCounts(str(v), every, _of_value(found, v, len(every))) for (v,) in values]

    def _kept_counts(self, name: str, kind: str, rows: str) -> DailyCounts:
        """`_counts` of rows whose days do not depend on each other, over the days with labels."""
        made, hit = (
            [(s, partial(s.counts, self.connection, rows)) for s in self.stretches],
            self._hit(),
        )
        parts = [days.value(kind, compute, name, hit) for days, compute in made]
        return self._joined(name, parts)

    def _joined(self, name: str, parts: Sequence[Sequence[Sequence[int]]]) -> DailyCounts:
        return DailyCounts(name, *whole_months.joined(self.stretches, parts, self.days.labelled))

    def _counts(self, name: str, rows: str, days: int) -> DailyCounts:
        found = self.connection.sql(rows).fetchnumpy()
        counts = np.zeros((2, days))
        for into, column in zip(counts, ("n", "k"), strict=True):
            into[found["__day"]] = np.asarray(found[column], np.float64)
        return DailyCounts(name, *counts)


def _of_class(code: int) -> str:
    counted = f"count(*) AS n, count(*) FILTER (__label = {code}) AS k"
    return f"SELECT __day, {counted} FROM hit GROUP BY __day"


def _of_value(found: Mapping[str, np.ndarray], value: str, days: int) -> np.ndarray:
    counts, own = np.zeros(days), found["v"] == value
    counts[found["__day"][own]] = found["k"][own]
    return counts
