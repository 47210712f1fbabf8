"""The tables of a log's file, and how it is opened. An edge: SQLite.

`events` and `outcomes` share one sequence. Lists of floats are blobs of little-endian float64; `event` and
`outcome` are JSON with times as ISO 8601 in UTC. `descriptions` names the columns, so that a file can be read
without the code that wrote it; `routes` holds what many rows have in common.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

FORMAT = 1
"""`PRAGMA user_version` of a file."""
TABLES = """
CREATE TABLE descriptions (description INTEGER PRIMARY KEY, document TEXT NOT NULL UNIQUE);
CREATE TABLE routes (
  route INTEGER PRIMARY KEY, arm TEXT NOT NULL, route_version INTEGER NOT NULL, bundle TEXT NOT NULL,
  definitions TEXT NOT NULL, description INTEGER NOT NULL REFERENCES descriptions,
  UNIQUE (arm, route_version, bundle, definitions, description)
);
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL, request_id TEXT NOT NULL, key NOT NULL,
  digest BLOB NOT NULL, event TEXT NOT NULL, aggregates BLOB NOT NULL, computed BLOB NOT NULL,
  derived TEXT NOT NULL, raw BLOB NOT NULL, score BLOB NOT NULL, alarm INTEGER, decision TEXT,
  action TEXT NOT NULL, propensity REAL NOT NULL, shadow INTEGER NOT NULL,
  route INTEGER NOT NULL REFERENCES routes, watermark INTEGER NOT NULL, flags TEXT NOT NULL,
  micros INTEGER NOT NULL, answer BLOB NOT NULL
);
CREATE TABLE outcomes (
  sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL, request_id TEXT NOT NULL, key NOT NULL,
  digest BLOB NOT NULL, known_at INTEGER NOT NULL, outcome TEXT NOT NULL, matched INTEGER NOT NULL,
  description INTEGER NOT NULL REFERENCES descriptions
);
CREATE INDEX events_key ON events (key);
CREATE INDEX outcomes_key ON outcomes (key);
"""
JOURNAL = 8000
"""Pages of SQLite's journal, 32 MB, from which it is brought into the file: seldom, because the writer waits for the disk then."""
BUSY = 2000
"""Milliseconds that a connection waits for another's lock."""


def writable(path: Path) -> sqlite3.Connection:
    """The file, created if it does not exist, for the one writer of it. Raises sqlite3.Error.

    What it commits is on the disk: the journal of the log forgets it then.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL}")
        connection.execute("PRAGMA synchronous = FULL")
        create(connection, path)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def readable(path: Path) -> sqlite3.Connection:
    """The file as it stands, while it is written or alone. Raises sqlite3.Error.

    One whose writer was killed while it began it is mended first, which SQLite does for whoever may write.
    """
    try:
        return _opened(path, "ro")
    except sqlite3.OperationalError:
        if not path.is_file():
            raise
        _opened(path, "rw").close()
        return _opened(path, "ro")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY}")
        _check_format(connection, path)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def settle(connection: sqlite3.Connection) -> None:
    """Bring all rows from the journal into the file itself, so that it can be read alone. Raises sqlite3.Error.

    Waits for readers a moment only; what one of them holds up stays in the journal.
    """
    connection.execute("PRAGMA busy_timeout = 100")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def settle_left(path: Path) -> None:
    """The same for a file that a killed writer left; nothing where that cannot be now."""
    journal = path.with_name(f"{path.name}-wal")
    with suppress(OSError, sqlite3.Error):
        if journal.stat().st_size:
            with closing(_opened(path, "rw")) as connection:
                settle(connection)


def bounds(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """The first and the last sequence of a file; None where it has no rows, or no tables yet."""
    if _version(connection) == 0:
        return None
    query = "SELECT min(sequence) FROM {0} UNION ALL SELECT max(sequence) FROM {0}"
    rows = [r for t in ("events", "outcomes") for r in connection.execute(query.format(t))]
    sequences = [row[0] for row in rows if row[0] is not None]
    return (min(sequences), max(sequences)) if sequences else None


def in_memory() -> sqlite3.Connection:
    """The tables, empty, in no file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create(connection, Path("memory"))
    return connection


def create(connection: sqlite3.Connection, path: Path) -> None:
    """The tables, all or none: a process killed in between leaves an empty file, which is filled then."""
    if _version(connection) != 0:
        _check_format(connection, path)
        return
    connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version not in (0, FORMAT):
        raise sqlite3.DatabaseError(
            f"{path.name} has format {version}, expected {FORMAT}: written by another Plumbline"
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
