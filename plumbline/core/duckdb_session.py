"""DuckDB as the stages use it: out of core, in UTC, nothing fetched from anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core.errors import PlumblineError

MEMORY = "PLUMBLINE_MEMORY"
"""Environment variable: how much memory DuckDB may use before it spills ("2GB" by default)."""

SESSION = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
"""What every connection runs first."""
Settings = dict[str, str | bool | int | float | list[str]]


def settings(spill: Path, threads: int | None = None) -> Settings:
    """DuckDB's settings: bounded memory, spilling to `spill`, rows in order, no extension fetched.

    `threads`: None for all processors.
    """
    return {
        "memory_limit": os.environ.get(MEMORY, "2GB"),
        "temp_directory": str(spill),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **({"threads": threads} if threads else {}),
    }


@contextmanager
def connect(scratch: Path, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in `scratch`, a folder that is the caller's to remove.

    `threads`: None for all processors. Raises PlumblineError where files cannot be written or read.
    """
    with mendable():
        connection = duckdb.connect(
            str(scratch / "work.duckdb"), config=settings(scratch / "spill", threads)
        )
        try:
            connection.execute(SESSION)
            yield connection
        finally:
            connection.close()


@contextmanager
def mendable() -> Iterator[None]:
    """DuckDB's trouble with files (a full disk, above all) as one message."""
    try:
        yield
    except duckdb.IOException as error:
        raise PlumblineError(
            f"DuckDB: {str(error).splitlines()[0]}; make room there, or set TMPDIR to a larger disk, "
            "and run it again"
        ) from None


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of the answer: one left half read would block the connection."""
    return connection.execute(sql).fetchall()
