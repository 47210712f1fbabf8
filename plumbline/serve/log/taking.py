"""A log as its one writer takes it: locked, with what its files hold, and what was left in its journal. An edge: files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.serve.log import day_files, files_read, journal, last_sequence, schema
from plumbline.serve.log.lock import WriterLock
from plumbline.serve.log.rows import Taken
from plumbline.serve.protocols import LogError

messages = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Held:
    """`days`: of the files; `last`: sequence of the last row; `left`: the rows that no file has."""

    lock: WriterLock
    days: frozenset[int]
    last: int
    left: Sequence[Taken]


def take(folder: Path, writer: str) -> Held:
    """Lock and read it. LogError where another process writes it, its files cannot be read, or some are gone."""
    if not day_files.WRITER.fullmatch(writer):
        raise LogError(f"writer '{writer}': expected letters, digits, - and _")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(folder, writer)
    except OSError as error:
        raise LogError(f"{folder}: cannot keep a log there: {error}") from error
    try:
        return _read(lock, folder, writer)
    except LogError:
        lock.release()
        raise


def _read(lock: WriterLock, folder: Path, writer: str) -> Held:
    own = [one for one in day_files.listed(folder) if one.writer == writer]
    for file in own:
        schema.settle_left(file.path)
    held = [e for e in map(files_read.extent, own) if e is not None]
    filed = max((e.last for e in held), default=0)
    left = _left(folder, writer, filed)
    last = left[-1].sequence if left else filed
    last_sequence.check(folder, writer, last)
    return Held(lock, frozenset(e.file.day for e in held), last, left)


def _left(folder: Path, writer: str, filed: int) -> Sequence[Taken]:
    """The rows of the journal that no file has; LogError where files between them are gone."""
    rows = journal.read(journal.segments(folder, writer), filed)
    if rows and not writer and rows[0].sequence != filed + 1:
        raise last_sequence.gone(folder, rows[0].sequence - 1, filed)
    left = journal.unbroken(rows, writer)
    if len(left) < len(rows):
        messages.warning(
            "%s: row %d is not in the journal, as the machine stopped before it was written: the %d rows after it are left out",
            folder, left[-1].sequence + 1, len(rows) - len(left),
        )  # fmt: skip
    return left
