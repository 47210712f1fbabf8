"""The datasheet's figures of a source that is read month by month, from those of each month's files. An edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import Column
from plumbline.core.sql import literal_path, quote
from plumbline.data import partition
from plumbline.data.datasheet import ColumnSheet, TableFigures, json_value
from plumbline.data.month_files import MonthFiles
from plumbline.data.visible_days import VisibleDays


def of(
    files: MonthFiles, folder: Path, keys: Mapping[str, str], window: VisibleDays
) -> TableFigures:
    """What `datasheet.figures` gives of the whole; `keys`: of the files in `folder`, as `MonthFiles.write` returns."""
    case, connection = files.usecase, files.connection
    tables = {partition.EVENTS: list(case.known), partition.OUTCOMES: list(case.unknown)}
    counted: dict[str, list[dict[str, Any]]] = {table: [] for table in tables}
    columns: dict[str, ColumnSheet] = {}
    for table, listed in tables.items():
        paths = sorted(p for p in folder.glob(f"{table}-*.parquet"))
        for path in paths:
            key = files.cache.key("figures", keys[path.name])
            counted[table].append(
                files.cache.value(key, partial(_of_file, connection, listed, path))
            )
        columns |= {c.name: _column(connection, c, counted[table], paths) for c in listed}
    time = columns[str(case.time)]
    return TableFigures(
        columns={c.name: columns[c.name] for c in case.columns},
        rows=_total(counted[partition.EVENTS], "rows"),
        outcomes=_total(counted[partition.OUTCOMES], "rows"),
        rows_after_as_of=files.rows(window.as_of, None),
        rows_before_start=files.rows(None, window.start) if window.start else 0,
        span=[str(time.min), str(time.max)],
    )


def _of_file(
    connection: duckdb.DuckDBPyConnection, columns: Iterable[Column], path: Path
) -> dict[str, Any]:
    """Its rows, and of each column the values that are not null, the least and the greatest but of texts."""
    result: dict[str, Any] = {"rows": _rows(connection, "count(*)", [path])[0]}
    for column in columns:
        name = quote(column.name)
        ends = "NULL, NULL" if column.type == "string" else f"min({name}), max({name})"
        count, *values = _rows(connection, f"count({name}), {ends}", [path])
        result[f"column {column.name}"] = [count, *map(json_value, values)]
    return result


def _column(
    connection: duckdb.DuckDBPyConnection,
    column: Column,
    counted: Iterable[Mapping[str, Any]],
    paths: list[Path],
) -> ColumnSheet:
    parts = [(one["rows"], *one[f"column {column.name}"]) for one in counted]
    nulls = sum(rows - there for rows, there, _, _ in parts)
    sheet: dict[str, Any] = {"type": column.type, "unit": column.unit, "nulls": nulls}
    if column.type == "string":
        different = (
            _rows(connection, f"count(DISTINCT {quote(column.name)})", paths)[0] if paths else 0
        )
        return ColumnSheet(**sheet, distinct=different)
    low, high = ([p[i] for p in parts if p[i] is not None] for i in (2, 3))
    return ColumnSheet(**sheet, min=min(low, default=None), max=max(high, default=None))


def _rows(connection: duckdb.DuckDBPyConnection, values: str, paths: list[Path]) -> tuple[Any, ...]:
    listed = ", ".join(literal_path(p) for p in paths)
    query = f"SELECT {values} FROM read_parquet([{listed}], hive_partitioning = false)"
    return duckdb_session.rows(connection, query)[0]


def _total(counted: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(one[name]) for one in counted)
