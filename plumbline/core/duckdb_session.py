"""DuckDB sessions as the stages use them: out of core, in UTC, no extension downloaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core.errors import PlumblineError

MEMORY = "PLUMBLINE_MEMORY"
"""Environment variable: how much memory DuckDB may use before it spills to disk."""
DEFAULT = "2GB"
AMOUNT = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[KMGT]i?B", re.IGNORECASE)

SESSION = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
"""SQL that every connection runs first."""
SessionSettings = dict[str, str | bool | int | float | list[str]]


def settings(spill: Path, threads: int | None = None) -> SessionSettings:
    """DuckDB's settings: bounded memory, spilling to `spill`, rows in order, no extension fetched.

    `threads`: None for all processors.
    """
    return {
        "memory_limit": memory(),
        "temp_directory": str(spill),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **({"threads": threads} if threads else {}),
    }


def memory() -> str:
    """How much memory DuckDB may use; PlumblineError where the variable says no amount."""
    amount = os.environ.get(MEMORY, DEFAULT)
    if not AMOUNT.fullmatch(amount.strip()):
        raise PlumblineError(
            f"{MEMORY}: got {amount!r}, expected an amount like 500MB or 4GB; correct it, or unset it "
            f"for {DEFAULT}"
        )
    return amount.strip()


@contextmanager
def connect(scratch: Path, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in `scratch`, a folder that is the caller's to remove.

    `threads`: None for all processors. Raises PlumblineError where files cannot be written or read.
    """
    with file_errors():
        connection = duckdb.connect(
            str(scratch / "work.duckdb"), config=settings(scratch / "spill", threads)
        )
        try:
            connection.execute(SESSION)
            yield connection
        finally:
            connection.close()


@contextmanager
def file_errors() -> Iterator[None]:
    """Raise DuckDB's errors with files (often a full disk) as one PlumblineError."""
    try:
        yield
    except duckdb.IOException as error:
        raise PlumblineError(
            f"DuckDB: {str(error).splitlines()[0]}; free disk space there or set TMPDIR to a "
            "larger disk, then run again"
        ) from None


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of the result; a result read in part would block the connection."""
    return connection.execute(sql).fetchall()
