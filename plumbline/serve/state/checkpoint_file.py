"""A checkpoint's file: cumulative sums, recent events and waiting outcomes, each with a checksum. An edge: SQLite.

Everything of one slice is written in one transaction with the watermark: all rows of the log up to there are in
the file. A cumulative sums's own sequence says which rows beyond that it holds.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.serve.state.memory import BEFORE_ALL

FORMAT, DAY = 2, 86_400_000_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cumulative_sums (tile_table INTEGER, id, sequence INTEGER, at, sums, crc INTEGER, PRIMARY KEY (tile_table, id));
CREATE TABLE IF NOT EXISTS events (key PRIMARY KEY, day INTEGER, sequence INTEGER, settled INTEGER, "values" TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS outcomes (key PRIMARY KEY, sequence INTEGER, known_at INTEGER, "values" TEXT, crc INTEGER);
CREATE INDEX IF NOT EXISTS event_days ON events (day);
"""
NUMBERS = ("watermark", "sequence", "newest", "newest_time")
COLUMNS = {"cumulative_sums": 6, "events": 6, "outcomes": 5}

Row = tuple[Any, ...]


class CheckpointError(PlumblineError):
    """A checkpoint cannot be used: it is damaged, or of something else."""


@dataclass(frozen=True)
class Slice:
    """What one transaction writes: rows without checksums.

    `watermark`: all rows of the log up to this one are in the file with the slice. `sequence`: the last row that
    anything in it holds. `newest`, `newest_time`: the newest event's day and time. `oldest`: of the days that are kept.
    """

    cumulative_sums: list[Row]
    events: list[Row]
    outcomes: list[Row]
    days: list[int]
    watermark: int
    sequence: int
    newest: int
    newest_time: int
    oldest: int


class CheckpointFile:
    """The file, open for writing. `identity`: of what its rows are; a file of something else is emptied."""

    def __init__(self, path: Path, identity: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._database = self._opened(identity)

    def write(self, part: Slice) -> None:
        """Write a slice, whole or not at all."""
        about = _about(part)
        with self._database as database:
            for table in COLUMNS:
                _replace(database, table, getattr(part, table))
            database.execute("DELETE FROM events WHERE day < ?", (part.oldest,))
            database.execute("DELETE FROM outcomes WHERE known_at < ?", (part.oldest * DAY,))
            database.executemany("REPLACE INTO about VALUES (?, ?)", about.items())

    def close(self) -> None:
        self._database.close()

    def _opened(self, identity: str) -> sqlite3.Connection:
        try:
            return _prepared(self.path, identity)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "disk" not in str(error):
                raise
            remove(self.path)
            return _prepared(self.path, identity)


def remove(path: Path) -> None:
    """Remove a checkpoint and its journal."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds. See `Slice`."""

    cumulative_sums: list[Row]
    events: list[Row]
    outcomes: list[Row]
    days: list[int]
    watermark: int
    sequence: int
    newest: int
    newest_time: int


def read(path: Path, identity: str, last: int) -> Saved | None:
    """What the file holds; None where there is none. `last`: the last row of the log.

    CheckpointError where it is damaged, of other features or tiles, or ahead of the log.
    """
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("BEGIN")
            _check_pages(database)
            about = dict(database.execute("SELECT name, value FROM about"))
            _check(about, identity, last)
            cumulative_sums, events, outcomes = (list(_rows(database, name)) for name in COLUMNS)
            days = [int(day) for day in about["days"].split()]
        numbers = (about[name] for name in NUMBERS)
        return Saved(cumulative_sums, events, outcomes, days, *numbers)
    except (sqlite3.Error, KeyError, ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"it is damaged: {error}") from None


def _check(about: dict[str, Any], identity: str, last: int) -> None:
    if about["format"] != FORMAT or about["identity"] != identity:
        raise CheckpointError("it is of other features or other tiles")
    if about["crc"] != _crc(about[name] for name in (*NUMBERS, "days")):
        raise CheckpointError("it is damaged: its numbers have another checksum")
    if about["sequence"] > last:
        raise CheckpointError(
            f"it holds row {about['sequence']} of a log that ends with row {last}"
        )


def _check_pages(database: sqlite3.Connection) -> None:
    """CheckpointError where the file's structure is broken: rows could be missing without an error."""
    (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise CheckpointError(f"it is damaged: {answer.splitlines()[-1]}")


def _about(part: Slice | Saved) -> dict[str, Any]:
    """What a file says of itself: numbers, the days with an event, and their checksum."""
    about = {name: getattr(part, name) for name in NUMBERS}
    about["days"] = " ".join(map(str, part.days))
    return about | {"crc": _crc(about.values())}


def _prepared(path: Path, identity: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    with database:
        database.executescript(SCHEMA)
        held = dict(database.execute("SELECT name, value FROM about"))
        if (held.get("format"), held.get("identity")) != (FORMAT, identity):
            for table in (*COLUMNS, "about"):
                database.execute(f"DELETE FROM {table}")
            nothing = Saved([], [], [], [], 0, 0, BEFORE_ALL, 0)
            about = {"format": FORMAT, "identity": identity, **_about(nothing)}
            database.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    return database


def _replace(database: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    placeholders = ", ".join("?" * COLUMNS[table])
    database.executemany(
        f"REPLACE INTO {table} VALUES ({placeholders})", [(*row, _crc(row)) for row in rows]
    )


def _rows(database: sqlite3.Connection, table: str) -> Iterator[Row]:
    for *row, crc in database.execute(f"SELECT * FROM {table}"):
        if _crc(row) != crc:
            raise CheckpointError(f"it is damaged: a row of {table} has another checksum")
        yield tuple(row)


def _crc(row: Iterable[Any]) -> int:
    result = 0
    for value in row:
        part = value if isinstance(value, bytes) else repr(value).encode()
        result = zlib.crc32(part, result)
    return result
