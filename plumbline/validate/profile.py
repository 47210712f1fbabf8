"""The edge that measures the statistical profile of a window of days, with DuckDB and numpy.

The profile is small JSON: per column nulls, shares of values, mean, standard deviation, quantiles;
rows per day and weekday. `plumbline accept` makes it the reference for later windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from pydantic import ValidationError

from plumbline.core import event_days, files
from plumbline.core.declarations import Array, Column
from plumbline.core.errors import ContractError
from plumbline.core.sql import no_rows, quote
from plumbline.core.usecase import Contract
from plumbline.validate import label_history, time_coverage
from plumbline.validate.check import TableName, clock, layout
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source
from plumbline.validate.profile_document import ColumnProfile, DayRows, Profile, RowRates
from plumbline.validate.profile_shifts import CUT, UNIT_QUANTILES, ColumnDay

QUANTILES = (0.01, 0.05, *UNIT_QUANTILES, 0.95, 0.99)
SQUARED = 1e150
"""Numbers beyond are scaled before they are squared, which would overflow."""
FEW = 20
"""A number with at most so many distinct values is described by their shares, too."""

Span = tuple[date, date] | None
"""First day and the day after the last; None for a plain table."""


def accepted(path: Path) -> Profile | None:
    """The accepted profile in `path`, None where none is accepted yet; ContractError for anything else."""
    content = files.read_json(path)
    if content == {}:
        return None
    try:
        return Profile.model_validate(content)
    except ValidationError:
        raise ContractError(
            f"{path}: not a profile; write {{}} into it, or run `plumbline accept` again"
        ) from None


def window(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    events: Sequence[File],
    as_of: date | None,
    days: int,
    kept: KeptMonths | None = None,
) -> Span:
    """The last `days` days before `as_of` (by default the day after the last event), as far as they go."""
    if usecase.time is None:
        return None
    seen = event_days.of(time_coverage.days(connection, kept or KeptMonths(usecase), events))
    end = as_of or seen.last + timedelta(days=1)
    return max(end - timedelta(days=days), min(seen.first, end)), end


def measure(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    tables: Mapping[TableName, Sequence[File]],
    span: Span,
    kept: KeptMonths | None = None,
) -> Profile:
    """The profile of the events and outcomes of `tables` in the window `span`."""
    columns: dict[str, ColumnProfile] = {}
    for table, column in _described(usecase):
        rows = _rows(usecase, table, tables[table], span)
        columns[column.name] = _column(connection, usecase, column, rows)
    events = _rows(usecase, "events", tables["events"], span)
    total = int(connection.sql(f"SELECT count(*) FROM ({events})").fetchall()[0][0])
    counts = _per_day(connection, usecase, events, span)
    own: dict[str, Any] = {"window": None}
    if span:
        kept = kept or KeptMonths(usecase)
        months = label_history.of_files(connection, kept, tables["outcomes"], span[1])
        own = {"window": [str(span[0]), str(span[1])], "months": months}
    return Profile(columns=columns, days=counts, per_day=_rates(counts), rows=total, **own)


def by_day(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    tables: Mapping[TableName, Sequence[File]],
    span: Span,
) -> dict[str, list[ColumnDay]]:
    """Each column (but the key) day by day in the window, days without a value left out.

    Numbers that are measured come with UNIT_QUANTILES. A plain table is one day.
    """
    days: dict[str, list[ColumnDay]] = {}
    for table, column in _described(usecase):
        if column.name != usecase.key:
            rows = _rows(usecase, table, tables[table], span)
            time = clock(usecase, table)
            day = f"CAST({quote(time)} AS DATE)" if time else "'the table'"
            days[column.name] = _by_day(connection, column, day, rows, _number(usecase, column))
    return days


def _by_day(
    connection: duckdb.DuckDBPyConnection, column: Column, day: str, rows: str, number: bool
) -> list[ColumnDay]:
    name = quote(column.name)
    quantiles = f"quantile_disc({name}, {list(UNIT_QUANTILES)})" if number else "NULL"
    query = (
        f"SELECT CAST({day} AS VARCHAR), count({name}), min({name}) = max({name}), {quantiles} "
        f"FROM ({rows}) WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY 1"
    )
    return [
        ColumnDay(
            str(when), int(count), bool(same), tuple(float(q) for q in levels) if levels else None
        )
        for when, count, same, levels in connection.sql(query).fetchall()
    ]


def _described(usecase: Contract) -> list[tuple[TableName, Column]]:
    """The contract's columns, each with the table that holds it; the times say nothing new."""
    own = {usecase.time}
    pairs: list[tuple[TableName, Column]] = [
        ("events", c) for c in usecase.known if c.name not in own
    ]
    return pairs + [("outcomes", c) for c in usecase.unknown]


def _number(usecase: Contract, column: Column) -> bool:
    """Whether the values are amounts: no ids, no codes."""
    ids = {usecase.key, *usecase.entity_columns}
    return column.type in ("int", "float") and column.name not in ids and not column.allowed


def _rows(usecase: Contract, table: TableName, held: Sequence[File], span: Span) -> str:
    """SQL for the table's rows in the window; only the files that can hold some are read."""
    if span is not None:
        first, last = (d.year * 100 + d.month for d in span)
        held = [f for f in held if first <= f.month <= last]
    if not held:
        return no_rows(layout(usecase, table))
    if span is None:
        return source(held)
    time = quote(clock(usecase, table) or "")
    inside = f"{time} >= TIMESTAMP '{span[0]}' AND {time} < TIMESTAMP '{span[1]}'"
    return f"SELECT * FROM ({source(held)}) WHERE {inside}"


def _column(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, column: Column, rows: str
) -> ColumnProfile:
    name = quote(column.name)
    query = f"SELECT count(*), count({name}), count(DISTINCT {name}) FROM ({rows})"
    total, there, kinds = connection.sql(query).fetchall()[0]
    figures: dict[str, Any] = {"rows": total, "null": 1 - there / total if total else 0.0}
    number = _number(usecase, column)
    if number and there:
        values = connection.sql(f"SELECT {name} AS v FROM ({rows}) WHERE {name} IS NOT NULL")
        figures |= summary(values.fetchnumpy()["v"])
    named = column.type in ("string", "bool") or bool(column.allowed) or (number and kinds <= FEW)
    if named and there and column.name != usecase.key and not column.forbidden:
        figures["shares"] = _shares(connection, name, rows, there)
    return ColumnProfile.model_validate(figures)


def summary(values: Array) -> dict[str, Any]:
    """Mean, standard deviation and quantiles of n > 0 numbers; the same for any order of them."""
    ordered = np.sort(values.astype(np.float64))
    n = len(ordered)
    scale = 2.0**512 if max(-ordered[0], ordered[-1]) > SQUARED else 1.0
    mean = math.fsum(ordered / scale) / n
    sd = scale * math.sqrt(math.fsum((ordered / scale - mean) ** 2) / n)
    mean *= scale
    quantiles = {str(p): float(ordered[min(n - 1, math.ceil(p * n) - 1)]) for p in QUANTILES}
    ends = {"min": float(ordered[0]), "max": float(ordered[-1])}
    return {"mean": mean, "sd": sd, "quantiles": quantiles, **ends}


def _shares(
    connection: duckdb.DuckDBPyConnection, name: str, rows: str, there: int
) -> dict[str, float]:
    query = (
        f"SELECT CAST({name} AS VARCHAR), count(*) AS n FROM ({rows}) WHERE {name} IS NOT NULL "
        f"GROUP BY ALL HAVING n >= {CUT * there} ORDER BY 1"
    )
    return {str(value): n / there for value, n in connection.sql(query).fetchall()}


def _per_day(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, rows: str, span: Span
) -> list[DayRows]:
    if span is None:
        return []
    day = f"CAST({quote(usecase.time or '')} AS DATE)"
    counted = dict(connection.sql(f"SELECT {day}, count(*) FROM ({rows}) GROUP BY ALL").fetchall())
    every = [span[0] + timedelta(days=i) for i in range((span[1] - span[0]).days)]
    return [DayRows(day=str(d), weekday=d.weekday(), rows=counted.get(d, 0)) for d in every]


def _rates(days: Sequence[DayRows]) -> RowRates:
    if not days:
        return RowRates()
    groups = [[d.rows for d in days if d.weekday == w] for w in range(7)]
    weekdays = [sum(g) / len(g) if g else None for g in groups]
    return RowRates(mean=sum(d.rows for d in days) / len(days), weekdays=weekdays)
