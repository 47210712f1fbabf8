"""The thread that brings rows from a log's journal into the files of their days, many at once.

What cannot be written stays in memory and is tried again until it can. An edge: SQLite, a thread.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from plumbline.serve.log import day_files
from plumbline.serve.log.day_writer import DayWriter
from plumbline.serve.log.journal_format import Runs
from plumbline.serve.log.refusal_counts import Refused
from plumbline.serve.log.rows import Taken
from plumbline.serve.protocols import LogError

GATHER = 2.0
"""Seconds in which rows gather for one transaction: a commit, and to wake a thread for it, costs as much as twenty rows."""
MANY = 1000
"""Requests whose rows do not wait so long."""
AGAIN = 0.25
"""Seconds until a failed write is tried again."""
BY_DAY = attrgetter("day")


class LogWriter:
    """The writer of the files of one log.

    `committed(day, batch)` is called in the thread after each transaction, `broken(message)` at each failed one.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        committed: Callable[[int, Sequence[Taken]], None],
        broken: Callable[[str], None],
    ) -> None:
        self._folder, self._name = folder, name
        self._committed, self._broken = committed, broken
        self._waiting: deque[tuple[Runs, str]] = deque()
        self._taken: list[Taken] = []
        self._refused: deque[Refused] = deque()
        self._counts: Counter[Refused] = Counter()
        self._closing = False
        self._file: tuple[int, DayWriter] | None = None
        self._at_once = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, runs: Runs, document: str) -> None:
        """Rows to write, in the order of their sequence. `document`: the description of runs that bring none."""
        self._waiting.append((runs, document))
        if len(self._waiting) >= MANY:
            self._at_once.set()

    def refuse(self, counts: Sequence[Refused]) -> None:
        """Events that were refused, to be counted."""
        self._refused.extend(counts)

    def hurry(self) -> None:
        """Write what there is at once."""
        self._at_once.set()

    def close(self) -> None:
        """Write what there is, trying once, and end."""
        self._closing = True
        self._at_once.set()
        self._thread.join()

    def _run(self) -> None:
        pause, ending = GATHER, False
        try:
            while not ending:
                self._at_once.wait(pause)
                self._at_once.clear()
                ending = self._closing
                pause = GATHER if self._write() else AGAIN
        finally:
            self._broken("the log's writer has ended")
            self._leave()

    def _write(self) -> bool:
        """Write the rows that wait, a transaction per day; whether that succeeded."""
        for _ in range(len(self._waiting)):
            runs, document = self._waiting.popleft()
            for day, rows, *own in runs:
                words = own[0] if own else document
                self._taken += [Taken(day, row, words) for row in rows]
        self._counts.update(self._refused.popleft() for _ in range(len(self._refused)))
        try:
            self._count()
            for day, run in groupby(list(self._taken), BY_DAY):
                written = list(run)
                self._of(day).write(written)
                del self._taken[: len(written)]
                self._committed(day, written)
        except (sqlite3.Error, OSError, LogError) as error:
            self._leave()
            self._broken(str(error))
            return False
        return True

    def _count(self) -> None:
        for day in sorted({one.day for one in self._counts}):
            own = {one: count for one, count in self._counts.items() if one.day == day}
            self._of(day).refuse(own)
            for one in own:
                del self._counts[one]

    def _of(self, day: int) -> DayWriter:
        if self._file is None or self._file[0] != day:
            self._leave()
            self._file = day, DayWriter.opened(day_files.of_day(self._folder, day, self._name).path)
        return self._file[1]

    def _leave(self) -> None:
        if self._file is not None:
            self._file[1].close()
            self._file = None
