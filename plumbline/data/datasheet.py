"""The datasheet: what was read, as small JSON for git. No path of this machine, no password."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from pydantic import Field

from plumbline.core import data_plan, duckdb_session
from plumbline.core.data_plan import PlanGap
from plumbline.core.declarations import Column, ColumnType
from plumbline.core.documents import SparseDocument
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.data import outcome_counts
from plumbline.data.outcome_counts import OutcomeCounts
from plumbline.data.outcome_table import ReadOutcomes
from plumbline.data.sources import EventSource
from plumbline.data.visible_days import VisibleDays, end, start


class SourceSheet(SparseDocument):
    """Where the rows come from: the keys of its kind, and the SHA-256 of what was read."""

    kind: str
    sha256: str
    path: str = ""  # csv, parquet
    manifest: str = (
        ""  # of files that are read in place: what lists them, how many, and their bytes
    )
    files: int = 0
    bytes: int = 0
    url: str = ""
    address: str = ""  # sql
    query: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)  # simulate: as params.yaml has them
    first: str = ""  # served: the first and the last sealed day that was read
    last: str = ""
    seed_source: dict[str, Any] = Field(default_factory=dict)  # served: the same of the seed
    start: str = ""
    seed: int = 0


class ColumnSheet(SparseDocument):
    """A column over the visible rows, or the known outcomes: nulls; its range, or of texts how many."""

    type: ColumnType
    unit: str
    nulls: int
    distinct: int = 0
    min: bool | int | float | str | None = None
    max: bool | int | float | str | None = None


class TermsSheet(SparseDocument):
    """Under which licence the data are used, what they were collected for, and whose they are."""

    licence: str
    purpose: str
    persons: str
    consent: str = ""


class Datasheet(SparseDocument):
    """metrics/<usecase>/data.json."""

    usecase: str
    source: SourceSheet
    as_of: str | None
    start: str | None
    rows: int
    outcomes: int
    rows_after_as_of: int
    rows_before_start: int
    span: list[str] | None  # the first and the last event's time
    ignored_columns: list[str]
    columns: dict[str, ColumnSheet]
    rows_forgotten: int = 0
    rows_left_out: dict[str, int] = Field(default_factory=dict)  # by rule of the contract's `only`
    terms: TermsSheet | None = None  # as the contract declares them
    plan: PlanGap | None = None  # where the contract has optional or planned columns
    # where outcomes have a table of their own: where they come from, and what became of its rows
    outcome_source: SourceSheet | None = None
    outcome_rows: OutcomeCounts | None = None
    ignored_outcome_columns: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class TableFigures:
    """What the datasheet says of the rows that were read and written."""

    columns: dict[str, ColumnSheet]
    rows: int
    outcomes: int
    rows_after_as_of: int
    rows_before_start: int
    span: list[str] | None


def figures(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, window: VisibleDays
) -> TableFigures:
    """Of the table `events` and the views of `partition.views`."""
    return TableFigures(
        columns={c.name: _column(connection, c) for c in usecase.columns},
        rows=_one(connection, "SELECT count(*) FROM visible"),
        outcomes=_one(connection, "SELECT count(*) FROM outcomes"),
        rows_after_as_of=_after(connection, usecase, window),
        rows_before_start=_before(connection, usecase, window),
        span=_span(connection, usecase),
    )


def describe(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    window: VisibleDays,
    unused: Sequence[str],
    raw: Path,
    late: ReadOutcomes | None = None,
    counted: TableFigures | None = None,
) -> Datasheet:
    """Counts and span of the visible rows, each column's type, nulls and range, and the source.

    Reads the table `events` and the views of `partition.views`; `raw` holds the files written from them. `late`:
    outcomes that have a table of their own. `counted`: where the figures are known already.
    """
    counted = counted or figures(connection, usecase, window)
    columns = counted.columns
    empty = [name for name, column in columns.items() if not column.distinct and column.max is None]
    plan = data_plan.gap(usecase, empty, unused)
    terms = TermsSheet(**asdict(usecase.terms)) if usecase.terms else None
    declared: dict[str, Any] = {"terms": terms, "plan": plan}
    if late:
        declared |= _late(connection, usecase, window, raw, late)
    return Datasheet(
        usecase=usecase.name,
        source=_source(source, raw),
        as_of=str(window.as_of) if window.as_of else None,
        start=str(window.start) if window.start else None,
        rows=counted.rows,
        outcomes=counted.outcomes,
        rows_after_as_of=counted.rows_after_as_of,
        rows_before_start=counted.rows_before_start,
        span=counted.span,
        ignored_columns=list(unused),
        columns=columns,
        **{name: value for name, value in declared.items() if value},
    )


def _source(source: EventSource, raw: Path) -> SourceSheet:
    digest = source.hash or _result(source, raw)
    return SourceSheet.model_validate({"kind": source.kind, **source.sheet, "sha256": digest})


def _late(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    window: VisibleDays,
    raw: Path,
    late: ReadOutcomes,
) -> dict[str, Any]:
    return {
        "outcome_source": _source(late.source, raw),
        "outcome_rows": outcome_counts.of(connection, usecase, window),
        "ignored_outcome_columns": late.unused,
    }


def _after(connection: duckdb.DuckDBPyConnection, usecase: Contract, window: VisibleDays) -> int:
    if not usecase.time:
        return 0
    late = f"{quote(usecase.time)} >= {end(window)}"
    return _one(connection, f"SELECT count(*) FROM events WHERE {late}")


def _before(connection: duckdb.DuckDBPyConnection, usecase: Contract, window: VisibleDays) -> int:
    if not usecase.time or not window.start:
        return 0
    early = f"{quote(usecase.time)} < {start(window)}"
    return _one(connection, f"SELECT count(*) FROM events WHERE {early}")


def _span(connection: duckdb.DuckDBPyConnection, usecase: Contract) -> list[str] | None:
    if not usecase.time:
        return None
    time = quote(usecase.time)
    return [
        str(t)
        for t in duckdb_session.rows(connection, f"SELECT min({time}), max({time}) FROM visible")[0]
    ]


def _column(connection: duckdb.DuckDBPyConnection, column: Column) -> ColumnSheet:
    name, table = quote(column.name), "visible" if column.known else "outcomes"
    nulls = _one(connection, f"SELECT count(*) - count({name}) FROM {table}")
    if column.type == "string":
        distinct = _one(connection, f"SELECT count(DISTINCT {name}) FROM {table}")
        return ColumnSheet(type=column.type, unit=column.unit, nulls=nulls, distinct=distinct)
    low, high = duckdb_session.rows(connection, f"SELECT min({name}), max({name}) FROM {table}")[0]
    ends = {"min": json_value(low), "max": json_value(high)}
    return ColumnSheet(type=column.type, unit=column.unit, nulls=nulls, **ends)


def json_value(value: Any) -> Any:
    """A value of a column as the datasheet has it; of the two zeros of floats the one without a sign."""
    if isinstance(value, float):
        return value + 0.0
    return str(value) if isinstance(value, datetime) else value


def _result(source: EventSource, raw: Path) -> str:
    """A query has no bytes of its own: the SHA-256 of its text and of what was written."""
    digest = hashlib.sha256(str(source.sheet.get("query")).encode())
    for path in sorted(raw.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(duckdb_session.rows(connection, sql)[0][0])
