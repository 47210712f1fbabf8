"""The files of a log for reading: what sequences each holds. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from plumbline.serve.log import day_files, schema
from plumbline.serve.log.day_files import DayFile
from plumbline.serve.protocols import LogError


@dataclass(frozen=True)
class Extent:
    """A file that has rows, and its first and last sequence."""

    file: DayFile
    first: int
    last: int


def connect(file: DayFile) -> sqlite3.Connection:
    """The file; LogError where it is none of a log."""
    try:
        return schema.readable(file.path)
    except sqlite3.Error as error:
        raise unreadable(file, error) from error


def unreadable(file: DayFile, error: sqlite3.Error) -> LogError:
    """What to do about a file that SQLite refuses."""
    return LogError(
        f"{file.path}: expected a day of a prediction log, found: {error}. Restore the file from a copy, or move it "
        "elsewhere: its rows are then missing"
    )


def extents(folder: Path) -> list[Extent]:
    """The files that have rows, by first sequence. Up to the last of these sequences no row is missing.

    The newest file is read first: what stands in it was written after all that an older one will ever hold.
    """
    found = [(file, _bounds(file)) for file in reversed(day_files.listed(folder))]
    held = [Extent(file, *bounds) for file, bounds in found if bounds is not None]
    return sorted(held, key=lambda e: (e.first, e.last))


def _bounds(file: DayFile) -> tuple[int, int] | None:
    connection = connect(file)
    try:
        return schema.bounds(connection)
    except sqlite3.Error as error:
        raise unreadable(file, error) from error
    finally:
        connection.close()
