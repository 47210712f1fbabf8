"""The thread that writes a log's rows: batches, one transaction each, in the order of their sequence.

What cannot be written stays in memory and is tried again until it can. An edge: SQLite, a thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from queue import Empty, SimpleQueue

from plumbline.serve.log import day_files, rows, schema
from plumbline.serve.log.rows import Encoded, Route

GATHER = 0.010
"""Seconds in which rows gather for one transaction, where an answer does not wait for it."""
LOOKS = 5
"""Looks without a row, GATHER apart, after which the writer sleeps until it is woken."""
AGAIN = 0.25
"""Seconds until a failed write is tried again."""
AT_ONCE = 32
"""Rows that one statement inserts, at most."""
TURN_BACK = 3_600_000_000
"""Microseconds: a clock set back by less, over midnight, opens no file of the day before again."""

Batch = Sequence[Encoded]


class LogWriter:
    """The writer of the files of one log.

    `committed(day, batch)` is called in the thread after each transaction, `broken(message)` at each failed one.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        document: str,
        durable: bool,
        committed: Callable[[int, Batch], None],
        broken: Callable[[str], None],
    ) -> None:
        self._folder, self._name, self._document, self._durable = folder, name, document, durable
        self._committed, self._broken = committed, broken
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._waiting: deque[Encoded] = deque()
        self._closing = False
        self._looks = 0
        self._file: DayWriter | None = None
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Rows to write, from any thread."""
        self._queue.put(batch)

    def close(self) -> None:
        """Write what there is, trying once, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._take(wait=not self._waiting)
                if not self._write() and not self._closing:
                    time.sleep(AGAIN)
        finally:
            self._broken("the log's writer has ended")
            self._leave()

    def _take(self, wait: bool) -> None:
        """Move rows from the queue to those that wait: all that come within GATHER of the first.

        While rows keep coming the thread looks by itself: to be woken would cost each request more.
        """
        if wait and (self._durable or not self._looks):
            self._add(self._queue.get())
            self._looks = LOOKS
        if wait and not self._durable and not self._closing:
            time.sleep(GATHER)
        self._looks = max(0, self._looks - 1)
        with suppress(Empty):
            while True:
                self._add(self._queue.get_nowait())

    def _add(self, batch: Batch | None) -> None:
        if batch is None:
            self._closing = True
        else:
            self._waiting.extend(batch)
            self._looks = LOOKS

    def _write(self) -> bool:
        """Write the rows that wait, a transaction per day; whether all are written."""
        try:
            for day, batch in self._days():
                self._of(day).write(batch)
                for _ in batch:
                    self._waiting.popleft()
                self._committed(day, batch)
        except (sqlite3.Error, OSError) as error:
            self._leave()
            self._broken(str(error))
        return not self._waiting

    def _days(self) -> list[tuple[int, Batch]]:
        """The rows that wait, in runs of the same day's file."""
        day = self._file.day if self._file else None
        days = []
        for row in self._waiting:
            day = _day(row.received, day)
            days.append((day, row))
        runs = groupby(days, itemgetter(0))
        return [(day, [row for _, row in run]) for day, run in runs]

    def _of(self, day: int) -> DayWriter:
        if self._file is None or self._file.day != day:
            self._leave()
            path = day_files.of_day(self._folder, day, self._name).path
            self._file = DayWriter(path, day, self._document, self._durable)
        return self._file

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class DayWriter:
    """The open file of a day."""

    def __init__(self, path: Path, day: int, document: str, durable: bool) -> None:
        """Open or create it. Raises sqlite3.Error."""
        self.day = day
        self._routes: dict[Route, int] = {}
        self._document = document
        self._description = 0
        self._connection = schema.writable(path, durable)
        held = schema.bounds(self._connection)
        self._last = held[1] if held else 0

    def write(self, batch: Batch) -> None:
        """One transaction; raises sqlite3.Error where it failed.

        Rows that a failed one wrote all the same are left out when they come again.
        """
        if batch[0].sequence <= self._last:
            batch = [row for row in batch if row.sequence > self._last]
        events = [self._with_route(row, row.route) for row in batch if row.route is not None]
        outcomes = [(*row.values, self._described()) for row in batch if row.route is None]
        statements = [*_statements("events", events), *_statements("outcomes", outcomes)]
        if len(statements) == 1:
            self._connection.execute(*statements[0])
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            self._connection.execute(statement, values)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close it, all rows in the file itself; a transaction that is open is undone."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            schema.settle(self._connection)
        with suppress(sqlite3.Error):  # what a broken file lacks is written again
            self._connection.close()

    def _with_route(self, row: Encoded, route: Route) -> rows.Values:
        number = self._routes.get(route)
        if number is None:
            number = self._routes[route] = self._number(
                "routes",
                "route",
                {
                    "arm": route.arm,
                    "route_version": route.route_version,
                    "bundle": route.bundle,
                    "definitions": route.definitions,
                    "description": self._described(),
                },
            )
        return (*row.values[: rows.ROUTE], number, *row.values[rows.ROUTE :])

    def _described(self) -> int:
        if not self._description:
            self._description = self._number(
                "descriptions", "description", {"document": self._document}
            )
        return self._description

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
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        yield rows.insert(table, len(part)), tuple(chain.from_iterable(part))


def _day(received: int, current: int | None) -> int:
    """The day in whose file a row goes: that of its receipt, or the one being written if it is just over."""
    if current is not None and 0 < current * day_files.DAY - received < TURN_BACK:
        return current
    return day_files.day_of(received)
