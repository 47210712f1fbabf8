"""How a column's values are spread: histograms of numbers and times, frequent values of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.sql import quote
from plumbline.ops.infer.typed_table import TYPED, TypedColumn
from plumbline.ops.table_profile.table_document import HistogramBin, ProfiledColumn

BINS = 20
FREQUENT = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def column(connection: duckdb.DuckDBPyConnection, one: TypedColumn) -> ProfiledColumn:
    """The profile of a typed column of the table TYPED."""
    ordered = one.type in ("int", "float", "timestamp")
    return ProfiledColumn(
        name=one.source,
        type=one.type,
        reason=one.reason,
        missing=one.nulls,
        distinct=one.facts.distinct,
        low=_end(one, one.low),
        high=_end(one, one.high),
        histogram=_histogram(connection, one) if ordered else [],
        frequent=[] if ordered else _frequent(one),
    )


def sparkline(bins: list[HistogramBin]) -> str:
    """The bins as blocks, empty ones as a dot.

    >>> sparkline([HistogramBin(name="", rows=n) for n in (1, 0, 8)])
    '▁·█'
    """
    most = max((b.rows for b in bins), default=0)
    steps = "▁▂▃▄▅▆▇█"
    return "".join(steps[min(7, (8 * b.rows - 1) // most)] if b.rows else "·" for b in bins)


def _histogram(connection: duckdb.DuckDBPyConnection, one: TypedColumn) -> list[HistogramBin]:
    """Rows in BINS bins of equal width, or by value where those are few whole numbers."""
    if one.low is None or one.high is None or one.high <= one.low:
        return []
    value = f"epoch_us({quote(one.name)})" if one.type == "timestamp" else quote(one.name)
    whole = one.type == "int" and one.high - one.low < BINS
    count = int(one.high - one.low) + 1 if whole else BINS
    width = 1.0 if whole else (one.high - one.low) / BINS
    place = f"least({count - 1}, greatest(0, floor(({value}::DOUBLE - {one.low!r}) / {width!r})))"
    query = f"SELECT {place}, count(*) FROM {TYPED} WHERE {value} IS NOT NULL GROUP BY ALL"
    counted = {int(p): int(n) for p, n in duckdb_session.rows(connection, query)}
    edges = [_end(one, one.low + i * width) for i in range(count + 1)]
    names = edges[:-1] if whole else [f"{a} to {b}" for a, b in pairwise(edges)]
    return [HistogramBin(name=name, rows=counted.get(i, 0)) for i, name in enumerate(names)]


def _frequent(one: TypedColumn) -> list[HistogramBin]:
    return [HistogramBin(name=value, rows=rows) for value, rows in one.facts.top[:FREQUENT]]


def _end(one: TypedColumn, value: float | None) -> str:
    if value is None:
        return ""
    if one.type == "timestamp":
        return str((EPOCH + timedelta(microseconds=int(value))).replace(microsecond=0))
    return f"{value:,.0f}" if one.type == "int" else f"{value:.6g}"
