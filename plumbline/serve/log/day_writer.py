"""Rows into the tables of a day: of its file, or of what a reader holds in memory. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from plumbline.serve.log import refusal_counts, rows, schema
from plumbline.serve.log.refusal_counts import Refused
from plumbline.serve.log.rows import Encoded, Route, Taken

AT_ONCE = 32
"""Rows that one statement inserts, at most; a power of two, so that few statements are ever compiled."""


class DayWriter:
    """Writes into an open file that has the tables of a log."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error."""
        self._connection = connection
        self._routes: dict[tuple[Route, str], int] = {}
        self._descriptions: dict[str, int] = {}
        held = schema.bounds(connection)
        self._last = held[1] if held else 0

    @classmethod
    def opened(cls, path: Path) -> DayWriter:
        """The file of a day, created if it does not exist. Raises sqlite3.Error."""
        connection = schema.writable(path)
        try:
            return cls(connection)
        except sqlite3.Error:
            connection.close()
            raise

    def write(self, batch: Sequence[Taken]) -> None:
        """One transaction; raises sqlite3.Error where it failed.

        Rows that a failed one wrote all the same are left out when they come again.
        """
        new = [(rows.encode(one.row), one.document) for one in batch if one.sequence > self._last]
        events = [self._with_route(row, row.route, words) for row, words in new if row.route]
        outcomes = [(*row.values, self._described(words)) for row, words in new if not row.route]
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, values in chain(
            _statements("events", events), _statements("outcomes", outcomes)
        ):
            self._connection.execute(statement, values)
        self._connection.execute("COMMIT")

    def refuse(self, counts: Mapping[Refused, int]) -> None:
        """Add to the day's counts of refused events; raises sqlite3.Error where that failed."""
        refusal_counts.add(self._connection, counts)

    def close(self) -> None:
        """Close it, all rows in the file itself; a transaction that is open is undone."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            schema.settle(self._connection)
        with suppress(sqlite3.Error):  # what a broken file lacks is written again
            self._connection.close()

    def _with_route(self, row: Encoded, route: Route, document: str) -> rows.Values:
        number = self._routes.get((route, document))
        if number is None:
            values = {**route._asdict(), "description": self._described(document)}
            number = self._routes[route, document] = self._number("routes", "route", values)
        return (*row.values[: rows.ROUTE], number, *row.values[rows.ROUTE :])

    def _described(self, document: str) -> int:
        number = self._descriptions.get(document)
        if number is None:
            values: dict[str, str | int] = {"document": document}
            number = self._number("descriptions", "description", values)
            self._descriptions[document] = number
        return number

    def _number(self, table: str, column: str, values: dict[str, str | int]) -> int:
        """The number of the row with these values, which is added if it is missing."""
        names, placeholders = ", ".join(values), ", ".join("?" * len(values))
        given = tuple(values.values())
        self._connection.execute(
            f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({placeholders})", given
        )
        query = f"SELECT {column} FROM {table} WHERE ({names}) = ({placeholders})"
        return int(self._connection.execute(query, given).fetchone()[0])


def _statements(table: str, values: Sequence[rows.Values]) -> Iterator[tuple[str, rows.Values]]:
    """Statements that insert these rows, and their parameters."""
    start, size = 0, AT_ONCE
    while start < len(values):
        while size > len(values) - start:
            size //= 2
        part = values[start : start + size]
        yield rows.insert(table, size), tuple(chain.from_iterable(part))
        start += size
