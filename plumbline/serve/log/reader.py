"""A prediction log for reading: by any process, while it is written, or from files alone. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from heapq import merge
from operator import attrgetter
from pathlib import Path

from plumbline.serve.log import files_read, rows
from plumbline.serve.log.day_files import DayFile
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.files_read import Extent
from plumbline.serve.log.rows import Values
from plumbline.serve.protocols import Key, LoggedEvent, LoggedOutcome

LoggedRow = LoggedEvent | LoggedOutcome
PAGE = 2000
"""Rows read at a time: a reader holds no snapshot for long, so that the writer's journal stays small."""
LAST = 2**63 - 1
BY_SEQUENCE = attrgetter("sequence")


class LogReader:
    """The rows of a log's folder, in the order of their sequence whoever wrote them.

    LogError where a file cannot be read. What several processes write is complete once they have stopped, or
    the day is over: until then a row may come after one of a higher sequence.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, after: int = 0, until: int = LAST) -> Iterator[LoggedRow]:
        """The rows with after < sequence <= until that are there when this is called."""
        extents = [e for e in files_read.extents(self._folder) if e.first <= until]
        for group in _overlapping(extents):
            if max(e.last for e in group) > after:
                yield from merge(*(_rows(e, after, until) for e in group), key=BY_SEQUENCE)

    def days(self) -> list[date]:
        """The days that have rows."""
        return sorted({e.file.date for e in files_read.extents(self._folder)})

    def day(self, day: date) -> Iterator[LoggedRow]:
        """The rows received on a UTC day; none where it has no file."""
        held = [e for e in files_read.extents(self._folder) if e.file.date == day]
        return merge(*(_rows(e, 0, LAST) for e in held), key=BY_SEQUENCE)

    def of_key(self, key: Key) -> list[LoggedRow]:
        """What was logged of an event's key: its answer, shadows' scores, outcomes."""
        return self._where("e.key = ?", "o.key = ?", key)

    def of_request(self, request_id: str) -> list[LoggedRow]:
        """What was logged of a request. Reads every file: there is no index of requests."""
        return self._where("e.request_id = ?", "o.request_id = ?", request_id)

    def _where(self, of_events: str, of_outcomes: str, value: Key) -> list[LoggedRow]:
        result: list[LoggedRow] = []
        for extent in files_read.extents(self._folder):
            with _Tables(extent.file) as tables:
                result += tables.events(f"WHERE {of_events}", (value,))
                result += tables.outcomes(f"WHERE {of_outcomes}", (value,))
        return sorted(result, key=BY_SEQUENCE)


class _Tables:
    """One open file."""

    def __init__(self, file: DayFile) -> None:
        self._file = file
        self._connection = files_read.connect(file)
        self._descriptions: dict[int, LogDescription] = {}

    def __enter__(self) -> _Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def events(self, condition: str, values: Values) -> list[LoggedEvent]:
        found = self._fetch(f"{rows.SELECT_EVENTS} {condition}", values)
        return [rows.event(row, self._described(row[-1])) for row in found]

    def outcomes(self, condition: str, values: Values) -> list[LoggedOutcome]:
        found = self._fetch(f"{rows.SELECT_OUTCOMES} {condition}", values)
        return [rows.outcome(row, self._described(row[-1])) for row in found]

    def _described(self, number: int) -> LogDescription:
        if number not in self._descriptions:
            query = "SELECT document FROM descriptions WHERE description = ?"
            ((document,),) = self._fetch(query, (number,))
            self._descriptions[number] = LogDescription.model_validate_json(document)
        return self._descriptions[number]

    def _fetch(self, query: str, values: Values) -> list[Values]:
        try:
            with closing(self._connection.execute(query, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise files_read.unreadable(self._file, error) from error


def _rows(extent: Extent, after: int, until: int) -> Iterator[LoggedRow]:
    until = min(until, extent.last)
    with _Tables(extent.file) as tables:
        events = _paged(tables.events, "e", after, until)
        outcomes = _paged(tables.outcomes, "o", after, until)
        yield from merge(events, outcomes, key=BY_SEQUENCE)


def _paged(
    read: Callable[[str, Values], list[LoggedEvent]] | Callable[[str, Values], list[LoggedOutcome]],
    table: str,
    after: int,
    until: int,
) -> Iterator[LoggedRow]:
    condition = f"WHERE {table}.sequence > ? AND {table}.sequence <= ? ORDER BY {table}.sequence LIMIT {PAGE}"
    while page := read(condition, (after, until)):
        yield from page
        after = page[-1].sequence


def _overlapping(extents: list[Extent]) -> Iterator[list[Extent]]:
    """The files in groups: no sequence of a group lies among those of another."""
    group: list[Extent] = []
    for extent in extents:
        if group and extent.first > max(e.last for e in group):
            yield group
            group = []
        group.append(extent)
    if group:
        yield group
