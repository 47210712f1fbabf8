"""Outcomes with a table of their own as labels: of each event the latest that was known, a file per month. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from plumbline.core.declarations import KNOWN_AT
from plumbline.core.sql import PARQUET, literal, quote
from plumbline.core.usecase import Contract
from plumbline.validate import months
from plumbline.validate.check import TableName
from plumbline.validate.months import File

Tables = Mapping[TableName, list[File]]


@contextmanager
def tables(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, every: Tables, own: bool
) -> Iterator[Tables]:
    """`every`; where outcomes have a table of their `own`, with the latest of each event alone, in files that end
    with the block."""
    if not (own and every["outcomes"]):
        yield every
        return
    files = every["outcomes"]
    latest = known(usecase, files)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE latest_outcomes AS {latest}")
    with TemporaryDirectory() as folder:
        for file in files:
            _write(connection, file, Path(folder))
        yield {**every, "outcomes": months.scan(connection, usecase, Path(folder))["outcomes"]}


def known(usecase: Contract, files: Sequence[File], before: date | None = None) -> str:
    """SQL for the latest outcome of each event that was known before midnight of that day (None: of all)."""
    inside = f"{KNOWN_AT} < TIMESTAMP '{before}'" if before else "true"
    return (
        f"SELECT * FROM ({months.source(files)}) WHERE {inside} QUALIFY row_number() "
        f"OVER (PARTITION BY {quote(usecase.key)} ORDER BY {KNOWN_AT} DESC) = 1"
    )


def _write(connection: duckdb.DuckDBPyConnection, file: File, folder: Path) -> None:
    """The rows of the file that no other outcome of their event follows; no file where there is none."""
    columns = ", ".join(quote(c) for c in file.columns)
    rows = f"SELECT {columns} FROM latest_outcomes WHERE __file = {file.number} ORDER BY __row"
    if connection.sql(f"SELECT 1 FROM ({rows}) LIMIT 1").fetchall():
        connection.execute(f"COPY ({rows}) TO {literal(folder / file.path.name)} ({PARQUET})")
