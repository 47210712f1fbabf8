"""The edge that reads a folder of monthly files with DuckDB: their structure, and frames of their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import machine
from plumbline.core.errors import ContractError
from plumbline.core.sql import literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.validate.check import ROWS, ContractCheck, TableName, clock, layout

BATCH_ROWS = 600_000
"""Rows that are in memory at once, unless a single file has more."""

SCARCE = 10**9
"""Bytes of memory below which one batch at a time is held."""
BESIDE, LEAST = 500_000_000, 0.32
"""Bytes that Great Expectations, its frames and Python take beside DuckDB, and the share that is DuckDB's at least."""

EXACT = 2**53
"""The largest whole number up to which float64 has them all."""

TABLES: tuple[TableName, TableName] = ("events", "outcomes")


@dataclass(frozen=True)
class File:
    """One Parquet file of a table. `number` is its place among them, `month` yyyymm (0 for none).

    `columns` are those of the contract, `types` those found, by DuckDB's names.
    """

    table: TableName
    path: Path
    number: int
    month: int
    rows: int
    columns: tuple[str, ...]
    types: Mapping[str, str]


def leave_room(connection: duckdb.DuckDBPyConnection) -> None:
    """Bound DuckDB so that the stage, with Great Expectations and its frames, keeps to the machine's `memory`."""
    size = machine.memory()
    share = max((size - BESIDE) * 9 // 10, int(size * LEAST))
    connection.execute(f"SET memory_limit = '{share // 1_000_000}MB'")


def scan(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, folder: Path
) -> dict[TableName, list[File]]:
    """The files of each table in `folder`, by name. ContractError where one cannot be read."""
    if not folder.is_dir():
        raise ContractError(f"{folder}: no such folder; run `dvc repro` so that `data` writes it")
    return {
        table: [
            _file(connection, usecase, table, path, number)
            for number, path in enumerate(sorted(folder.glob(f"{table}-*.parquet")))
        ]
        for table in TABLES
    }


def structure(files: Sequence[File], columns: Sequence[str]) -> Any:
    """A frame with one row per file: ROWS, and per column its type (None where it is missing)."""
    import pandas as pd

    extra = sorted({name for f in files for name in f.types} - set(columns))
    types: dict[str, list[Any]] = {n: [f.types.get(n) for f in files] for n in (*columns, *extra)}
    return pd.DataFrame({ROWS: [f.rows for f in files], **types})


def batches(files: Iterable[File]) -> Iterator[list[File]]:
    """The files in order, as many at once as fit BATCH_ROWS."""
    batch: list[File] = []
    for file in files:
        if batch and sum(f.rows for f in batch) + file.rows > BATCH_ROWS:
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def source(files: Sequence[File]) -> str:
    """SQL for the rows of `files` in order, with __file, __row (place in the file) and __month."""
    parts = [
        f"SELECT {f.number} AS __file, file_row_number AS __row, {f.month} AS __month, "
        f"{', '.join(quote(c) for c in f.columns)} "
        f"FROM read_parquet({literal_path(f.path)}, file_row_number = true, hive_partitioning = false)"
        for f in files
    ]
    return " UNION ALL ".join(parts)


def frames(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[File],
    checks: Iterable[ContractCheck],
    given: str = "",
) -> Iterator[Any]:
    """Frames of at most BATCH_ROWS with the values that the row checks look at, a row per row of `files`, in order.

    Columns that no check looks at are in them too, so that damage to them is noticed. `given`: SQL that stands before
    the query, as `orphans.event_keys` gives it.
    """
    yield from stream(connection, looked_at(files, checks, given), files)


def looked_at(files: Sequence[File], checks: Iterable[ContractCheck], given: str = "") -> str:
    """The query of `frames`."""
    values = {c: quote(c) for c in files[0].columns} | {c.shown: c.value for c in checks}
    select = ", ".join(f"{value} AS {quote(shown)}" for shown, value in values.items())
    return f"{given} SELECT {select} FROM ({source(files)})"


def stream(
    connection: duckdb.DuckDBPyConnection, query: str, files: Sequence[File]
) -> Iterator[Any]:
    """The query's rows as frames of at most BATCH_ROWS; ContractError for one of the `files` that cannot be read."""
    import pyarrow as pa

    with reading(connection, files):
        if sum(f.rows for f in files) <= BATCH_ROWS:
            yield whole(connection.cursor(), query)
            return
        waiting: list[Any] = []
        for batch in connection.cursor().sql(query).to_arrow_reader(BATCH_ROWS):
            waiting.append(batch)
            if sum(b.num_rows for b in waiting) > BATCH_ROWS - batch.num_rows:
                yield _pandas(pa.Table.from_batches(waiting))
                waiting = []
        if waiting:
            yield _pandas(pa.Table.from_batches(waiting))


def whole(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """All of the query's rows as one frame."""
    return _pandas(connection.sql(query).to_arrow_table())


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The items in order; the next is made while the caller works on one, where memory is not scarce."""
    if machine.memory() < SCARCE:
        yield from items
        return
    end = object()
    with ThreadPoolExecutor(1) as maker:
        waiting = maker.submit(next, items, end)
        while (item := waiting.result()) is not end:
            waiting = maker.submit(next, items, end)
            yield item


def _pandas(table: Any) -> Any:
    import pandas as pd

    frame = table.to_pandas(strings_to_categorical=True)
    for name in (n for n in table.column_names if _inexact(table.column(n))):
        frame[name] = table.column(name).to_pandas(types_mapper=lambda _: pd.Int64Dtype())
    return frame


def _inexact(column: Any) -> bool:
    """Whether float64, in which pandas has integers beside nulls, would change one of the values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_integer(column.type) and 0 < column.null_count < len(column)):
        return False
    ends = pc.min_max(column).as_py()
    return max(abs(ends["min"]), abs(ends["max"])) > EXACT


@contextmanager
def reading(connection: duckdb.DuckDBPyConnection, files: Sequence[File]) -> Iterator[None]:
    """Say which of the files it was when DuckDB cannot read them."""
    try:
        yield
    except duckdb.OutOfMemoryException:  # of no file
        raise
    except duckdb.Error:
        for file in files:
            _readable(connection, file.path)
        raise


def _readable(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        connection.sql(f"SELECT * FROM read_parquet({literal_path(path)})").to_arrow_table()
    except duckdb.Error as error:
        raise ContractError(_damaged(path, error)) from None


def _file(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    table: TableName,
    path: Path,
    number: int,
) -> File:
    columns = tuple(c.name for c in layout(usecase, table))
    month = _month(table, path) if clock(usecase, table) else 0
    try:
        described = connection.sql(
            f"DESCRIBE SELECT * FROM read_parquet({literal_path(path)})"
        ).fetchall()
        counted = connection.sql(
            f"SELECT count(*) FROM read_parquet({literal_path(path)})"
        ).fetchall()
    except duckdb.Error as error:
        raise ContractError(_damaged(path, error)) from None
    types = {str(row[0]): str(row[1]) for row in described}
    return File(table, path, number, month, int(counted[0][0]), columns, types)


def _month(table: str, path: Path) -> int:
    name = re.fullmatch(rf"{table}-(\d{{4}})-(\d{{2}})\.parquet", path.name)
    if not name:
        raise ContractError(
            f"{path}: expected one file per month, like {table}-2025-01.parquet; "
            "remove it, or run `dvc repro --force data`."
        )
    return int(name[1] + name[2])


def _damaged(path: Path, error: Exception) -> str:
    reason = str(error).split("\n")[0].replace(f"{path.parent.as_posix()}/", "")
    return (
        f"{path}: not a readable Parquet file ({reason}). Expected a whole file as the data stage "
        "writes it: run `dvc checkout`, or `dvc repro --force data`."
    )
