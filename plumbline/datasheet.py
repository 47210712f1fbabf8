"""The datasheet: what was read, as small JSON for git. No path of this machine, no password."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from plumbline.casts import quote
from plumbline.ingest import Window
from plumbline.sources import Source
from plumbline.usecase import Column, UseCase


def describe(
    connection: duckdb.DuckDBPyConnection,
    usecase: UseCase,
    source: Source,
    window: Window,
    unused: Sequence[str],
    raw: Path,
) -> dict[str, Any]:
    """Counts and span of the visible rows, each column's type, nulls and range, and the source.

    Reads the views of `ingest.views`; `raw` holds the files written from them.
    """
    rows = _one(connection, "SELECT count(*) FROM visible")
    seen = f"{quote(usecase.time or '')} >= {_text(window.as_of)}"
    return {
        "usecase": usecase.name,
        "source": {"kind": source.kind, **source.sheet, "sha256": source.hash or _result(source, raw)},
        "as_of": str(window.as_of) if window.as_of else None,
        "start": str(window.start) if window.start else None,
        "rows": rows,
        "outcomes": _one(connection, "SELECT count(*) FROM outcomes"),
        "rows_after_as_of": _one(connection, f"SELECT count(*) FROM events WHERE {seen}") if usecase.time else 0,
        "rows_before_start": _before(connection, usecase, window),
        "span": _span(connection, usecase),
        "ignored_columns": list(unused),
        "columns": {c.name: _column(connection, c) for c in usecase.columns},
    }


def _before(connection: duckdb.DuckDBPyConnection, usecase: UseCase, window: Window) -> int:
    if not usecase.time or not window.start:
        return 0
    early = f"{quote(usecase.time)} < {_text(window.start)}"
    return _one(connection, f"SELECT count(*) FROM events WHERE {early}")


def _text(day: object) -> str:
    return f"TIMESTAMP '{day} 00:00:00'" if day else "TIMESTAMP 'infinity'"


def _span(connection: duckdb.DuckDBPyConnection, usecase: UseCase) -> list[str] | None:
    if not usecase.time:
        return None
    time = quote(usecase.time)
    row = connection.execute(f"SELECT min({time}), max({time}) FROM visible").fetchone()
    return [_plain(v) for v in row or ()]


def _column(connection: duckdb.DuckDBPyConnection, column: Column) -> dict[str, Any]:
    """Type, unit, nulls; and the range, or for texts how many differ."""
    name, table = quote(column.name), "visible" if column.known else "outcomes"
    said: dict[str, Any] = {"type": column.type, "unit": column.unit}
    said["nulls"] = _one(connection, f"SELECT count(*) - count({name}) FROM {table}")
    if column.type == "string":
        return {**said, "distinct": _one(connection, f"SELECT count(DISTINCT {name}) FROM {table}")}
    row = connection.execute(f"SELECT min({name}), max({name}) FROM {table}").fetchone() or (None, None)
    return {**said, "min": _plain(row[0]), "max": _plain(row[1])}


def _plain(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value


def _result(source: Source, raw: Path) -> str:
    """A query has no bytes of its own: the SHA-256 of its text and of what was written."""
    digest = hashlib.sha256(str(source.sheet.get("query")).encode())
    for path in sorted(raw.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
