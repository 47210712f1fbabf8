"""Which keys a log has answered: by a filter of the newest days' keys, then by the index of its files.

An edge: SQLite.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from plumbline.serve.log import day_files, schema
from plumbline.serve.log.day_files import DAY
from plumbline.serve.log.key_filter import KeyFilter
from plumbline.serve.protocols import Claim, Key

OPEN = 64
"""Files that are kept open, at most."""
EARLY = 3_600_000_000
"""Microseconds that an event's time may be ahead of its receipt, and more."""
TIMELESS_DAYS = 40
"""Files that are searched, the newest, where events have no time."""
OUTCOME_DAYS = 60
"""Files that are searched for an outcome that came before, the newest: fewer than are kept open."""
FILTERED = 3
"""Days whose keys are in memory, as filters, at most: the newest."""
KEYS = "SELECT key FROM events WHERE NOT shadow"
QUERY = "SELECT digest, answer FROM events WHERE key = ? AND NOT shadow"
OUTCOME_KEYS = "SELECT key FROM outcomes"
OUTCOME = "SELECT 1 FROM outcomes WHERE key = ? AND digest = ?"


class CommittedClaims:
    """The keys in the files of a log, for one thread."""

    def __init__(self, folder: Path, writer: str, days: Iterable[int]) -> None:
        """`days`: of the files that are there."""
        self._folder, self._writer = folder, writer
        self._newest = sorted(days, reverse=True)
        self._open: OrderedDict[int, sqlite3.Connection] = OrderedDict()
        self._filters: dict[int, KeyFilter] = {}
        self._searched: list[tuple[int, KeyFilter | None]] = []
        self._outcomes = KeyFilter(self._outcome_keys())
        if self._newest:
            newest = self._newest[0]
            keys = self._connection(newest).execute(KEYS)
            self._filters[newest] = KeyFilter(key for (key,) in keys)
        self._arrange()

    def add(self, day: int, keys: Iterable[Key]) -> None:
        """A day's file holds these keys now; called by the writer's thread alone."""
        if day not in self._newest:
            newest = sorted(self._filters)[-FILTERED + 1 :]
            self._filters = {d: self._filters[d] for d in newest} | {day: KeyFilter()}
            self._newest = sorted([*self._newest, day], reverse=True)
            self._arrange()
        filtered = self._filters.get(day)
        if filtered is not None:
            for key in keys:
                filtered.add(key)

    def add_outcomes(self, keys: Iterable[Key]) -> None:
        """A file holds outcomes of these keys now; called by the writer's thread alone."""
        for key in keys:
            self._outcomes.add(key)

    def find(self, key: Key, time: int | None) -> Claim | None:
        """The claim on a key, in the files of the days on which an event of this time can have come."""
        searched, first = self._searched, 0
        if time is None:
            searched = searched[:TIMELESS_DAYS]
        else:
            first = (time - EARLY) // DAY
        for day, filtered in searched:
            if day < first:
                break
            if filtered is None or filtered.may_hold(key):
                row = self._connection(day).execute(QUERY, (key,)).fetchone()
                if row:
                    return Claim(*row)
        return None

    def has_outcome(self, key: Key, digest: bytes) -> bool:
        """Whether this outcome was received; of a new one no file is read, however many days there are."""
        if not self._outcomes.may_hold(key):
            return False
        found = (self._connection(day).execute(OUTCOME, (key, digest)) for day in self._newest)
        return any(one.fetchone() for one in found)

    def close(self) -> None:
        """Close the files."""
        while self._open:
            self._open.popitem()[1].close()

    def _arrange(self) -> None:
        """What a look goes through, the newest day first."""
        self._searched = [(day, self._filters.get(day)) for day in self._newest]

    def _outcome_keys(self) -> Iterator[Key]:
        for day in self._newest:
            yield from (key for (key,) in self._connection(day).execute(OUTCOME_KEYS))

    def _is_there(self, day: int) -> bool:
        return day in self._open or day_files.of_day(self._folder, day, self._writer).path.exists()

    def _connection(self, day: int) -> sqlite3.Connection:
        connection = self._open.get(day)
        if connection is None:
            path = day_files.of_day(self._folder, day, self._writer).path
            connection = self._open[day] = schema.readable(path)
            if len(self._open) > OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(day)
        return connection
