"""The files of a log for reading: what sequences each holds, and what its journal holds beyond them. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from plumbline.serve.log import day_files, journal, refusal_counts, schema
from plumbline.serve.log.day_files import DayFile
from plumbline.serve.log.day_writer import DayWriter
from plumbline.serve.log.refusal_counts import Refused
from plumbline.serve.log.rows import Taken
from plumbline.serve.protocols import LogError

BY_DAY = attrgetter("day")


@dataclass(frozen=True)
class Extent:
    """A file that has rows, and its first and last sequence.

    `waiting`: rows of the journal that the file of their day did not have yet; with them no file is read.
    """

    file: DayFile
    first: int
    last: int
    waiting: tuple[Taken, ...] = ()

    def connect(self) -> sqlite3.Connection:
        """Its tables; LogError where the file is none of a log."""
        if not self.waiting:
            return connect(self.file)
        connection = schema.in_memory()
        DayWriter(connection).write(self.waiting)
        return connection


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
    """What has rows, by first sequence. Up to the last of these sequences no row is missing.

    The journal is read first: what leaves it meanwhile is in a file then. Of the files the newest is read first: what stands
    in it was written after all that an older one will ever hold.
    """
    waiting = _journals(folder)
    found = map(extent, reversed(day_files.listed(folder)))
    held = [one for one in found if one is not None]
    for writer, rows in waiting.items():
        last = max((e.last for e in held if e.file.writer == writer), default=0)
        held += _waiting(folder, writer, [row for row in rows if row.sequence > last])
    return sorted(held, key=lambda e: (e.first, e.last))


def has_log(folder: Path) -> bool:
    """Whether the folder has any part of a log."""
    return bool(day_files.listed(folder) or journal.segments(folder))


def dates(folder: Path) -> set[date]:
    """The days that have a file, or rows in the journal; no file is opened."""
    waiting = {row.day for rows in _journals(folder).values() for row in rows}
    return {file.date for file in day_files.listed(folder)} | set(map(day_files.to_date, waiting))


def refusals(folder: Path, day: date) -> list[tuple[Refused, int]]:
    """How many events were refused on a UTC day, by all writers: by hour, column and problem."""
    result: Counter[Refused] = Counter()
    for file in day_files.listed(folder):
        if file.date == day:
            connection = connect(file)
            try:
                for one, count in refusal_counts.rows(connection):
                    result[one] += count
            except sqlite3.Error as error:
                raise unreadable(file, error) from error
            finally:
                connection.close()
    return sorted(result.items())


def _journals(folder: Path) -> dict[str, list[Taken]]:
    """By writer, the rows of its journal."""
    result: dict[str, list[Taken]] = {}
    for one in journal.segments(folder):
        result.setdefault(one.writer, []).extend(journal.read([one], 0))
    return result


def _waiting(folder: Path, writer: str, rows: Sequence[Taken]) -> Iterable[Extent]:
    for day, run in groupby(journal.unbroken(rows, writer), BY_DAY):
        own = tuple(run)
        file = day_files.of_day(folder, day, writer)
        yield Extent(file, own[0].sequence, own[-1].sequence, own)


def extent(file: DayFile) -> Extent | None:
    """What a file holds; None where it has no rows. LogError where it cannot be read."""
    connection = connect(file)
    try:
        bounds = schema.bounds(connection)
    except sqlite3.Error as error:
        raise unreadable(file, error) from error
    finally:
        connection.close()
    return Extent(file, *bounds) if bounds else None
