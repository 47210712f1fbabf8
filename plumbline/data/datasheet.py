"""The datasheet: what was read, as small JSON for git. No path of this machine, no password."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import Column
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.data.partition import VisibleDays, end, start
from plumbline.data.sources import Source


def describe(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: Source,
    window: VisibleDays,
    unused: Sequence[str],
    raw: Path,
) -> dict[str, Any]:
    """Counts and span of the visible rows, each column's type, nulls and range, and the source.

    Reads the table `events` and the views of `partition.views`; `raw` holds the files written from them.
    """
    rows = _one(connection, "SELECT count(*) FROM visible")
    seen = f"{quote(usecase.time or '')} >= {end(window)}"
    return {
        "usecase": usecase.name,
        "source": {
            "kind": source.kind,
            **source.sheet,
            "sha256": source.hash or _result(source, raw),
        },
        "as_of": str(window.as_of) if window.as_of else None,
        "start": str(window.start) if window.start else None,
        "rows": rows,
        "outcomes": _one(connection, "SELECT count(*) FROM outcomes"),
        "rows_after_as_of": _one(connection, f"SELECT count(*) FROM events WHERE {seen}")
        if usecase.time
        else 0,
        "rows_before_start": _before(connection, usecase, window),
        "span": _span(connection, usecase),
        "ignored_columns": list(unused),
        "columns": {c.name: _column(connection, c) for c in usecase.columns},
    }


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


def _column(connection: duckdb.DuckDBPyConnection, column: Column) -> dict[str, Any]:
    """Type, unit, nulls; and the range, or for texts how many differ."""
    name, table = quote(column.name), "visible" if column.known else "outcomes"
    said: dict[str, Any] = {"type": column.type, "unit": column.unit}
    said["nulls"] = _one(connection, f"SELECT count(*) - count({name}) FROM {table}")
    if column.type == "string":
        return {**said, "distinct": _one(connection, f"SELECT count(DISTINCT {name}) FROM {table}")}
    low, high = duckdb_session.rows(connection, f"SELECT min({name}), max({name}) FROM {table}")[0]
    return {**said, "min": _plain(low), "max": _plain(high)}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, datetime) else value


def _result(source: Source, raw: Path) -> str:
    """A query has no bytes of its own: the SHA-256 of its text and of what was written."""
    digest = hashlib.sha256(str(source.sheet.get("query")).encode())
    for path in sorted(raw.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(duckdb_session.rows(connection, sql)[0][0])
