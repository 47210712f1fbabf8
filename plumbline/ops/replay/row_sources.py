"""Where served rows are read from: sealed days, and the log's files of days that are not sealed. An edge: reads files."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice
from pathlib import Path

import msgspec

from plumbline.core import sealed_days
from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import SealedDay
from plumbline.core.usecase import Contract
from plumbline.ops.replay import sealed_rows
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.served_rows import ServedRows, of_log
from plumbline.ops.serving import logged, sealed_events
from plumbline.serve.log import files_read
from plumbline.serve.log.files_read import Extent
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LogError, LoggedEvent

CHUNK = 10_000
"""Rows in memory at once."""


@dataclass(frozen=True)
class RowSources:
    """The days that have served rows: sealed, or in the log alone. `every`: all sealed days, whatever is wanted."""

    usecase: str
    log: Path
    every: tuple[SealedDay, ...]
    sealed: tuple[SealedDay, ...]
    live: tuple[date, ...]

    @property
    def days(self) -> list[date]:
        """All of them, in order."""
        return sorted({*(one.day for one in self.sealed), *self.live})

    def is_sealed(self, day: date, sequence: int) -> bool:
        """Whether a row of the log, received on a day, is in a sealed one."""
        return _is_sealed(self.every, day, sequence)


def found(root: Path, usecase: str, days: DayRange) -> RowSources:
    """What there is of these days; PlumblineError where there is nothing.

    Rows that are both sealed and in the log are read as they were sealed.
    """
    log, folder = logged.place(root, usecase), sealed_events.folder(root, usecase)
    every = tuple(sealed_days.listed(folder))
    held = {e.file.date for e in files_read.extents(log) if not _all_sealed(every, e)}
    known = sorted({*held, *(one.day for one in every if one.statement.rows["predictions"])})
    wanted = [day for day in known if day in days]
    if not wanted:
        raise PlumblineError(_nothing(log, folder, days, known))
    sealed = tuple(one for one in every if one.day in wanted)
    return RowSources(usecase, log, every, sealed, tuple(sorted(held.intersection(wanted))))


def batches(sources: RowSources, contract: Contract, size: int = CHUNK) -> Iterator[ServedRows]:
    """The rows of all days, by day and sequence, at most `size` at once."""
    reader = LogReader(sources.log)
    for day in sources.days:
        for one in sources.sealed:
            if one.day == day and one.statement.rows["predictions"]:
                yield from _sealed(sources, one, contract.key, size)
        if day in sources.live:
            yield from _live(sources, reader, day, size)


def _sealed(sources: RowSources, one: SealedDay, key: str, size: int) -> Iterator[ServedRows]:
    before = next((d for d in sources.every if d.day == one.day - timedelta(days=1)), None)
    with tempfile.TemporaryDirectory(prefix="plumbline-replay-") as scratch:
        yield from sealed_rows.rows(one, before, key, size, Path(scratch))


def _live(sources: RowSources, reader: LogReader, day: date, size: int) -> Iterator[ServedRows]:
    events = (
        one
        for one in reader.described(day)
        if isinstance(one.row, LoggedEvent) and not sources.is_sealed(day, one.sequence)
    )
    try:
        for described, run in groupby(events, key=lambda one: one.description):
            while rows := [one.row for one in islice(run, size)]:
                yield of_log(day, [r for r in rows if isinstance(r, LoggedEvent)], described)
    except (msgspec.DecodeError, struct.error, TypeError) as error:
        raise LogError(
            f"{sources.log}: a row of {day} is none that a service wrote ({error}); restore the day's file from a copy"
        ) from None


def _is_sealed(every: Sequence[SealedDay], day: date, sequence: int) -> bool:
    """A day after the last sealed one is not, whatever its numbers: a log may have begun anew."""
    if not every or day > every[-1].day:
        return False
    first, last = every[0].statement.first_sequence, every[-1].statement.last_sequence
    return first <= sequence <= last


def _all_sealed(every: Sequence[SealedDay], extent: Extent) -> bool:
    """Whether a file of the log has no row that is not sealed."""
    return all(_is_sealed(every, extent.file.date, s) for s in (extent.first, extent.last))


def _nothing(log: Path, folder: Path, days: DayRange, known: Sequence[date]) -> str:
    if not known:
        return f"nothing was served: neither {log} nor {folder} has a day; `plumbline serve` begins a log"
    has = f"served were {known[0]} to {known[-1]}"
    return (
        f"nothing was served from {days.first or 'the beginning'} to {days.last or 'today'}; {has}"
    )
