"""Online values in a file of SQLite, as Feast's embedded store has them: what is written, and kept.

A row is an entity's values of one feature view, as the bytes that every online store of Feast holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")

BATCH = 1_000
"""Entities that are read or written at once."""


@dataclass(frozen=True)
class StoredRow:
    """An entity's key, its values by feature, and when they were."""

    key: bytes
    values: Mapping[str, bytes]
    time: datetime | None


@dataclass(frozen=True)
class StoreTable:
    """A feature view of a store on servers: its join key, and all features that it has or had."""

    view: str
    join_key: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class ValuesFile:
    """A file, and the project whose tables it has. Views that it does not have are empty, as is no file."""

    path: Path
    project: str

    def rows(self, view: str) -> Iterator[StoredRow]:
        """The rows of a view, by key."""
        yield from self._select(view, "")

    def of(self, view: str, keys: Sequence[bytes]) -> dict[bytes, StoredRow]:
        """The rows with these keys."""
        places = ", ".join("?" * len(keys))
        return {row.key: row for row in self._select(view, f"WHERE entity_key IN ({places})", keys)}

    def keys(self, view: str) -> list[bytes]:
        """The keys of a view, sorted."""
        statement = f"SELECT DISTINCT entity_key FROM {self._table(view)} ORDER BY 1"
        with closing(self._connect()) as database:
            return (
                [bytes(k) for (k,) in database.execute(statement)]
                if self._has(database, view)
                else []
            )

    def count(self, view: str) -> int:
        """How many rows a view has."""
        statement = f"SELECT count(DISTINCT entity_key) FROM {self._table(view)}"
        with closing(self._connect()) as database:
            return (
                int(database.execute(statement).fetchone()[0]) if self._has(database, view) else 0
            )

    def write(self, view: str, rows: Iterable[StoredRow]) -> None:
        """Write the view's table."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(
                f"CREATE TABLE {self._table(view)} (entity_key BLOB, feature_name TEXT, value BLOB, "
                "event_ts TEXT, PRIMARY KEY(entity_key, feature_name))"
            )
            for row in rows:
                time = row.time and row.time.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
                cells = [(row.key, name, value, time) for name, value in row.values.items()]
                database.executemany(f"INSERT INTO {self._table(view)} VALUES (?, ?, ?, ?)", cells)

    def _select(self, view: str, where: str, values: Sequence[bytes] = ()) -> Iterator[StoredRow]:
        statement = (
            f"SELECT entity_key, feature_name, value, event_ts FROM {self._table(view)} {where} "
            "ORDER BY entity_key, feature_name"
        )
        with closing(self._connect()) as database:
            if not self._has(database, view):
                return
            for key, cells in groupby(
                database.execute(statement, values), lambda cell: bytes(cell[0])
            ):
                part = list(cells)
                yield StoredRow(
                    key, {name: bytes(value) for _, name, value, _ in part}, _time(part[0][3])
                )

    def _connect(self) -> sqlite3.Connection:
        if not self.path.is_file():
            return sqlite3.connect(":memory:")
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)

    def _has(self, database: sqlite3.Connection, view: str) -> bool:
        statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return database.execute(statement, [f"{self.project}_{view}"]).fetchone() is not None

    def _table(self, view: str) -> str:
        name = f"{self.project}_{view}".replace('"', '""')
        return f'"{name}"'


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists of at most BATCH."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _time(value: int | str | None) -> datetime | None:
    """A time as Feast's embedded store has it (seconds), or as `write` has it."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return None if value is None else datetime.fromtimestamp(value, UTC)
