"""DuckDB sessions as the stages use them: out of core, in UTC, no extension downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import machine
from plumbline.core.errors import PlumblineError

BESIDE = 500_000_000
"""Bytes that Python and Arrow take in a stage, beside DuckDB."""
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


def memory(whole: int | None = None) -> str:
    """What DuckDB may use before it spills, of the memory of the `whole` process (None: as the machine says).

    What Python and Arrow take is left to them; a tenth of the rest is what DuckDB does not count itself.
    """
    size = machine.memory() if whole is None else whole
    share = max((size - BESIDE) * 9 // 10, size // 2)
    return f"{share // 1_000_000}MB"


@contextmanager
def connect(scratch: Path, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in `scratch`, a folder that is the caller's to remove.

    `threads`: None for all processors. Raises PlumblineError where files cannot be written or read, and where the
    machine's memory is too small for a step that cannot be spilled.
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
    """Raise DuckDB's errors with files (often a full disk) and with memory as one PlumblineError."""
    try:
        yield
    except duckdb.IOException as error:
        raise PlumblineError(
            f"DuckDB: {str(error).splitlines()[0]}; free disk space there or set TMPDIR to a "
            "larger disk, then run again"
        ) from None
    except duckdb.OutOfMemoryException as error:
        raise PlumblineError(
            f"DuckDB: {str(error).splitlines()[0]}: `memory` of this machine is too small for a step that cannot be "
            f"spilled to disk; raise it in {machine.FILE} or {machine.VARIABLES['memory']} ({machine.MEMORY} where "
            "neither is set)"
        ) from None


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of the result; a result read in part would block the connection."""
    return connection.execute(sql).fetchall()
