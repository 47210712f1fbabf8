"""Where served rows are read from: sealed days, and the log's files of days that are not sealed. An edge: reads files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import Contract
from plumbline.ops.replay import sealed_days
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.served_rows import ServedRows, of_log
from plumbline.ops.serving import logged
from plumbline.serve.log import day_files
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedEvent

CHUNK = 10_000
"""Rows in memory at once."""


@dataclass(frozen=True)
class RowSources:
    """The days that have served rows: sealed, or in the log alone."""

    usecase: str
    log: Path
    sealed_folder: Path
    sealed: tuple[date, ...]
    live: tuple[date, ...]

    @property
    def days(self) -> list[date]:
        """All of them, in order."""
        return sorted({*self.sealed, *self.live})


def found(root: Path, usecase: str, days: DayRange) -> RowSources:
    """What there is of these days; PlumblineError where there is nothing.

    A day that is both sealed and in the log is read as it was sealed.
    """
    log, folder = logged.place(root, usecase), sealed_days.folder(root, usecase)
    sealed = {day for day in sealed_days.listed(folder) if day in days}
    live = {f.date for f in day_files.listed(log) if f.date in days} - sealed
    if not sealed and not live:
        raise PlumblineError(_nothing(log, folder, days))
    return RowSources(usecase, log, folder, tuple(sorted(sealed)), tuple(sorted(live)))


def batches(sources: RowSources, contract: Contract, size: int = CHUNK) -> Iterator[ServedRows]:
    """The rows of all days, by day and sequence, at most `size` at once."""
    for day in sources.days:
        if day in sources.sealed:
            with tempfile.TemporaryDirectory(prefix="plumbline-replay-") as scratch:
                yield from sealed_days.rows(
                    sources.sealed_folder, day, contract.key, size, Path(scratch)
                )
        else:
            yield from _live(LogReader(sources.log), day, size)


def _live(reader: LogReader, day: date, size: int) -> Iterator[ServedRows]:
    events = (one for one in reader.described(day) if isinstance(one.row, LoggedEvent))
    for described, run in groupby(events, key=lambda one: one.description):
        while rows := [one.row for one in islice(run, size)]:
            yield of_log(day, [r for r in rows if isinstance(r, LoggedEvent)], described)


def _nothing(log: Path, folder: Path, days: DayRange) -> str:
    known = sorted({*sealed_days.listed(folder), *(f.date for f in day_files.listed(log))})
    if not known:
        return f"nothing was served: neither {log} nor {folder} has a day; `plumbline serve` begins a log"
    has = f"served were {known[0]} to {known[-1]}"
    return (
        f"nothing was served from {days.first or 'the beginning'} to {days.last or 'today'}; {has}"
    )
