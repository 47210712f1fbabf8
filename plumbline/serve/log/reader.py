"""A prediction log for reading: by any process, while it is written, or from files alone. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from heapq import merge
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from plumbline.serve.log import files_read, rows
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.files_read import Extent
from plumbline.serve.log.rows import Values
from plumbline.serve.protocols import Key, LoggedEvent, LoggedOutcome

LoggedRow = LoggedEvent | LoggedOutcome
Row = TypeVar("Row", LoggedEvent, LoggedOutcome)
PAGE = 2000
"""Rows read at a time: a reader holds no snapshot for long, so that the writer's journal stays small."""
LAST = 2**63 - 1
BY_SEQUENCE = attrgetter("sequence")


class DescribedRow(NamedTuple, Generic[Row]):
    """A row, and what its file says of the names and types of its values."""

    sequence: int
    row: Row
    description: LogDescription


AnyRow = DescribedRow[LoggedEvent] | DescribedRow[LoggedOutcome]


class LogReader:
    """The rows of a log's folder, in the order of their sequence whoever wrote them.

    LogError where a file cannot be read. What several processes write is complete once they have stopped, or
    the day is over: until then a row may come after one of a higher sequence.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, after: int = 0, until: int = LAST) -> Iterator[LoggedRow]:
        """The rows with after < sequence <= until that are there when the first is taken."""
        return (described.row for described in self.described_rows(after, until))

    def described_rows(self, after: int = 0, until: int = LAST) -> Iterator[AnyRow]:
        """As `rows`, each with its description."""
        extents = [e for e in files_read.extents(self._folder) if e.first <= until]
        for group in _overlapping(extents):
            if max(e.last for e in group) > after:
                yield from _merged(group, after, until)

    def receipts(self, after: int = 0) -> Iterator[tuple[int, int]]:
        """Sequence and time of receipt (microseconds since 1970) of each row with a higher sequence."""
        for group in _overlapping(files_read.extents(self._folder)):
            if max(e.last for e in group) > after:
                yield from merge(*(_receipts(e, after) for e in group))

    def days(self) -> list[date]:
        """The days that have rows."""
        return sorted({e.file.date for e in files_read.extents(self._folder)})

    def day(self, day: date) -> Iterator[LoggedRow]:
        """The rows received on a UTC day; none where it has no file."""
        return (described.row for described in self.described(day))

    def described(self, day: date) -> Iterator[AnyRow]:
        """The rows received on a UTC day, each with its description."""
        held = [e for e in files_read.extents(self._folder) if e.file.date == day]
        return _merged(held, 0, LAST)

    def descriptions(self, days: Collection[date]) -> list[LogDescription]:
        """What the files of these days say of their rows, the oldest first."""
        held = [e for e in files_read.extents(self._folder) if e.file.date in days]
        result: list[LogDescription] = []
        for extent in held:
            with _Tables(extent) as tables:
                result += [d for d in tables.descriptions() if d not in result]
        return result

    def of_key(self, key: Key) -> list[LoggedRow]:
        """What was logged of an event's key: its answer, shadows' scores, outcomes."""
        return [one.row for one in self.described_key(key)]

    def of_request(self, request_id: str) -> list[LoggedRow]:
        """What was logged of the last request of this id.

        There is no index of requests: files are read from the newest to the one that has it.
        """
        return [one.row for one in self.described_request(request_id)]

    def described_key(self, key: Key) -> list[AnyRow]:
        """As `of_key`, each with its description."""
        found = (_having(e, "key", key) for e in files_read.extents(self._folder))
        return sorted(chain.from_iterable(found), key=BY_SEQUENCE)

    def described_request(self, request_id: str) -> list[AnyRow]:
        """As `of_request`, each with its description."""
        result: list[AnyRow] = []
        for extent in reversed(files_read.extents(self._folder)):
            found = _having(extent, "request_id", request_id)
            if result and not found:
                break
            result += found
        return sorted(result, key=BY_SEQUENCE)


class _Tables:
    """One open file, or what waits for it."""

    def __init__(self, extent: Extent) -> None:
        self._file = extent.file
        self._connection = extent.connect()
        self._descriptions: dict[int, LogDescription] = {}

    def __enter__(self) -> _Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def events(self, condition: str, values: Values) -> list[DescribedRow[LoggedEvent]]:
        found = self._fetch(f"{rows.SELECT_EVENTS} {condition}", values)
        with_description = ((row, self._described(row[-1])) for row in found)
        return [DescribedRow(row[0], rows.event(row, d), d) for row, d in with_description]

    def outcomes(self, condition: str, values: Values) -> list[DescribedRow[LoggedOutcome]]:
        found = self._fetch(f"{rows.SELECT_OUTCOMES} {condition}", values)
        with_description = ((row, self._described(row[-1])) for row in found)
        return [DescribedRow(row[0], rows.outcome(row, d), d) for row, d in with_description]

    def receipts(self, after: int, until: int) -> list[tuple[int, int]]:
        """The first PAGE of them."""
        condition = "WHERE sequence > ?1 AND sequence <= ?2"
        tables = (f"SELECT sequence, received FROM {t} {condition}" for t in ("events", "outcomes"))
        query = f"{' UNION ALL '.join(tables)} ORDER BY 1 LIMIT {PAGE}"
        return [(sequence, received) for sequence, received in self._fetch(query, (after, until))]

    def descriptions(self) -> list[LogDescription]:
        found = self._fetch("SELECT description FROM descriptions ORDER BY 1", ())
        return [self._described(number) for (number,) in found]

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


def _having(extent: Extent, column: str, value: Key) -> list[AnyRow]:
    """The rows of a file with this value, events first; those that it had when it was looked at."""
    condition, values = "WHERE {0}.{1} = ? AND {0}.sequence <= ?", (value, extent.last)
    with _Tables(extent) as tables:
        events = tables.events(condition.format("e", column), values)
        return [*events, *tables.outcomes(condition.format("o", column), values)]


def _merged(extents: Iterable[Extent], after: int, until: int) -> Iterator[AnyRow]:
    return merge(*(_rows(e, after, until) for e in extents), key=BY_SEQUENCE)


def _rows(extent: Extent, after: int, until: int) -> Iterator[AnyRow]:
    until = min(until, extent.last)
    with _Tables(extent) as tables:
        events = _paged(tables.events, "e", after, until)
        outcomes = _paged(tables.outcomes, "o", after, until)
        yield from merge(events, outcomes, key=BY_SEQUENCE)


def _receipts(extent: Extent, after: int) -> Iterator[tuple[int, int]]:
    with _Tables(extent) as tables:
        while page := tables.receipts(after, extent.last):
            yield from page
            after = page[-1][0]


def _paged(
    read: Callable[[str, Values], Sequence[AnyRow]], table: str, after: int, until: int
) -> Iterator[AnyRow]:
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
