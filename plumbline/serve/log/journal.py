"""The journal of a log: the rows that are not in a day's file yet. An edge: files.

A row is appended before its answer: from then on the operating system has it, whatever becomes of the process. A segment of the journal is deleted once all its rows are in the files of their days.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from plumbline.serve.log import journal_format
from plumbline.serve.log.rows import Taken
from plumbline.serve.protocols import LogError

SEGMENT = 1 << 20
"""Bytes of a segment."""
NAME = re.compile(r"journal\.(\d{19})(?:\.([\w-]+))?")


class Segment(NamedTuple):
    """A file of the journal. `number`: its first sequence, or after a failed write a higher one."""

    writer: str
    number: int
    path: Path


class _Written(NamedTuple):
    path: Path
    last: int


def segments(folder: Path, writer: str | None = None) -> list[Segment]:
    """The segments in a folder, of one writer or of all, in the order of their rows."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = ((NAME.fullmatch(name), name) for name in names)
    listed = [Segment(m[2] or "", int(m[1]), folder / name) for m, name in found if m]
    return sorted(one for one in listed if writer in (None, one.writer))


def read(held: Sequence[Segment], after: int) -> list[Taken]:
    """The rows of one writer's segments with a higher sequence. LogError where one cannot be read."""
    return [row for one in held for row in _rows(one, after)]


def unbroken(rows: Sequence[Taken], writer: str) -> Sequence[Taken]:
    """The rows up to the first that does not follow on the one before it.

    Such a gap is left by a crash of the machine, of a journal that was not `durable`. Writers that share a sequence leave
    gaps to each other.
    """
    if writer or not rows:
        return rows
    first = rows[0].sequence
    gap = (i for i, row in enumerate(rows) if row.sequence != first + i)
    return rows[: next(gap, len(rows))]


def _rows(segment: Segment, after: int) -> Iterator[Taken]:
    """None where it was deleted meanwhile: its rows are in the files of their days."""
    with suppress(FileNotFoundError):
        try:
            yield from journal_format.rows(segment.path.read_bytes(), after)
        except (ValueError, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise LogError(
                f"{segment.path}: expected a part of a prediction log's journal: {error}"
            ) from error


class Journal:
    """Where a log's one writer appends. `append` and `leave` in one thread, `sync` and `forget` in any.

    A segment has its room on the disk before the first row, and is memory that the operating system writes: an append
    is a copy, which a kill of the process does not undo.
    """

    def __init__(self, folder: Path, writer: str, document: str, durable: bool) -> None:
        self._folder, self._writer, self._durable = folder, writer, durable
        self._beginning = journal_format.beginning(document)
        self._done: deque[_Written] = deque()
        self._file = -1
        self._room: mmap.mmap | None = None
        self._path, self._end, self._last = folder, 0, 0
        self._changing = threading.Lock()

    def hold(self, last: int) -> None:
        """The segments that are there go once the row `last` is in the file of its day."""
        left = segments(self._folder, self._writer)
        self._done.extend(_Written(one.path, last) for one in left)
        self._last = last

    def append(self, record: bytes | bytearray, first: int, last: int) -> None:
        """Append the rows of a request. OSError where there is no room for them: none of them counts then."""
        end = self._end + len(record)
        room = self._room
        if room is None or end > len(room):
            room = self._begin(first, len(record))
            end = self._end + len(record)
        room[self._end : end] = record
        self._end, self._last = end, last

    def sync(self) -> None:
        """Return once the disk has all that was appended. OSError where that cannot be said."""
        with self._changing:
            if self._file < 0:
                raise OSError(errno.EIO, "a part of the journal could not be written")
            os.fdatasync(self._file)

    def forget(self, sequence: int) -> None:
        """Delete the segments whose rows are all in the files of their days: up to this one."""
        while self._done and self._done[0].last <= sequence:
            with suppress(OSError):
                self._done[0].path.unlink(missing_ok=True)
            self._done.popleft()

    def leave(self) -> None:
        """Append to the segment no more."""
        with self._changing:
            if self._room is not None:
                self._room.close()
                os.close(self._file)
                self._room, self._file = None, -1
                self._done.append(_Written(self._path, self._last))

    def _begin(self, number: int, size: int) -> mmap.mmap:
        """The next segment, with room for `size` bytes at least."""
        if self._durable and self._room is not None:
            self.sync()
        self.leave()
        suffix = f".{self._writer}" if self._writer else ""
        self._path = self._folder / f"journal.{number:019}{suffix}"
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            room = _with_room(file, max(SEGMENT, size + len(self._beginning)))
        except OSError:
            os.close(file)
            self._path.unlink()
            raise
        self._file, self._room, self._end = file, room, len(self._beginning)
        room[: self._end] = self._beginning
        if self._durable:
            _sync_folder(self._folder)
        return room


def _with_room(file: int, size: int) -> mmap.mmap:
    os.posix_fallocate(file, 0, size)
    return mmap.mmap(file, size)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
