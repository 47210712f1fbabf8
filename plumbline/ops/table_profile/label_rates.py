"""How often the label is positive, or its mean: over time, and in each segment of the rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.sql import quote
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.label_choice import Label
from plumbline.ops.infer.table_file import TABLE
from plumbline.ops.infer.typed_table import TYPED, TypedColumn
from plumbline.ops.table_profile.table_document import LabelRate, LabelRates

MOST_VALUES = 20
"""Values of a column, at most, that are segments; a number of more is cut into quarters."""
MOST_COLUMNS = 15
STEPS = ((120, "day"), (900, "week"))
"""Days that are shown by day, and by week; more are shown by month."""
Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True)
class _Labelled:
    """The rows with a label: SQL that gives each its value `v`, 0 or 1 for a `share`."""

    connection: duckdb.DuckDBPyConnection
    value: str
    share: bool

    def grouped(self, by: str, source: str = TYPED) -> list[tuple[object, LabelRate]]:
        """By each value of the expression `by`, ascending, the label's rate."""
        query = (
            f"SELECT g, count(*), count(v), avg(v), stddev_samp(v) FROM (SELECT {by} AS g, {self.value} AS v "
            f"FROM {source}) WHERE g IS NOT NULL GROUP BY g ORDER BY g"
        )
        found = duckdb_session.rows(self.connection, query)
        return [(g, self._rate(str(g), *figures)) for g, *figures in found]

    def _rate(
        self, name: str, rows: int, known: int, mean: float | None, spread: float | None
    ) -> LabelRate:
        low = high = None
        if known and mean is not None:
            low, high = wilson(mean, known) if self.share else _normal(mean, spread, known)
        return LabelRate(
            name=name, rows=rows, labelled=known, mean=_r(mean), low=_r(low), high=_r(high)
        )


def of(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: Label,
    when: EventTime | None,
    hidden: Collection[str],
) -> LabelRates | None:
    """The rates in the table TYPED; none where no row has a label. `hidden`: columns that make no segments."""
    own = next(c for c in columns if c.source == label.source)
    name = quote(own.name)
    value = f"({name} = 0)::DOUBLE" if label.classes else f"{name}::DOUBLE"
    share = bool(label.classes) or label.problem == "classification"
    rows = _Labelled(connection, value, share)
    every = rows.grouped("'all rows'")
    if not every or not every[0][1].labelled:
        return None
    others = [c for c in columns if c is not own and c.source not in hidden]
    step, over_time = _over_time(rows, when) if when else ("", [])
    return LabelRates(
        label=label.source,
        what=f"share of {label.classes[0]}" if label.classes else "share" if share else "mean",
        overall=every[0][1],
        step=step,
        over_time=over_time,
        segments=dict(_segments(rows, others)),
    )


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share of `rows` (Wilson 1927).

    >>> [round(end, 3) for end in wilson(0.5, 100)]
    [0.404, 0.596]
    """
    centre = (share + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z * math.sqrt(share * (1 - share) / rows + (Z / (2 * rows)) ** 2) / (1 + Z * Z / rows)
    return max(0.0, centre - half), min(1.0, centre + half)


def _normal(mean: float, spread: float | None, rows: int) -> tuple[float | None, float | None]:
    if spread is None or rows < 2:
        return None, None
    half = Z * spread / math.sqrt(rows)
    return mean - half, mean + half


def _over_time(rows: _Labelled, when: EventTime) -> tuple[str, list[LabelRate]]:
    days = (when.last.date() - when.first.date()).days + 1
    step = next((name for most, name in STEPS if days <= most), "month")
    time = f"SELECT {when.expression} AS __time FROM {TABLE}"
    source = f"{TYPED} POSITIONAL JOIN ({time})"
    return step, [
        one for _, one in rows.grouped(f"CAST(date_trunc('{step}', __time) AS DATE)", source)
    ]


def _segments(
    rows: _Labelled, columns: Sequence[TypedColumn]
) -> Iterator[tuple[str, list[LabelRate]]]:
    """Of each column that makes segments, those segments."""
    left = MOST_COLUMNS
    for column in columns:
        by = _parts(rows, column)
        if by is None or not left:
            continue
        left -= 1
        yield column.source, [one for _, one in rows.grouped(by)]


def _parts(rows: _Labelled, column: TypedColumn) -> str | None:
    """SQL that names a row's segment; None for a column that has none."""
    name = quote(column.name)
    if column.facts.distinct < 2:
        return None
    if column.facts.distinct <= MOST_VALUES and column.type not in ("float", "timestamp"):
        return name
    if column.type not in ("int", "float") or column.facts.distinct == column.facts.values:
        return None  # texts, times, and ids of one row each
    edges = duckdb_session.rows(
        rows.connection, f"SELECT quantile_disc({name}, [0.25, 0.5, 0.75]) FROM {TYPED}"
    )[0][0]
    if not edges or len(set(edges)) < 3:
        return None
    a, b, c = (f"{edge:.6g}" for edge in edges)
    low, middle, high = (repr(edge) for edge in edges)
    return (
        f"CASE WHEN {name} <= {low} THEN '1: up to {a}' WHEN {name} <= {middle} THEN '2: {a} to {b}' "
        f"WHEN {name} <= {high} THEN '3: {b} to {c}' WHEN {name} > {high} THEN '4: above {c}' END"
    )


def _r(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
