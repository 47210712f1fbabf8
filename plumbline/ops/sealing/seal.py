"""`plumbline seal`: the finished days of a log, each once. An edge: files.

A day's files are written into a folder beside, copied into DVC's cache and moved into place; its pointer comes last. A
process killed before that leaves a day that is not sealed, and the next call seals it, to the same bytes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from plumbline.core import files, sealed_days
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import (
    KINDS,
    FileStatement,
    SealedDay,
    SealedKind,
    SealedStatement,
)
from plumbline.ops.sealing import cached_days, compared_day
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.log import files_read, lock
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LogError
from plumbline.serve.sealed import day_writing, finished_days, refused_counts
from plumbline.serve.sealed.finished_days import DayRange

SCRATCH = "sealing"
SETTLING = timedelta(minutes=2)
"""After midnight: a service counts what it refused some seconds later."""
GIT = ".gitignore"


class SealReport(Document):
    """What a call did. `sealed`: days that it sealed; `same`: days compared with the log, and found the same; `waiting`:
    why the first day after them is not sealed yet, or "". `refused`: why a finished day could not be sealed, or "".
    """

    usecase: str
    folder: str
    sealed: list[SealedStatement]
    same: list[date]
    waiting: str
    refused: str = ""


def folder(root: Path, usecase: str) -> Path:
    """Where the sealed days of a use case lie."""
    return artifacts.path(usecase, Role.SOURCE, root) / sealed_days.FOLDER


def last_sequence(root: Path, usecase: str) -> int:
    """The last row of a log that is sealed; 0 for none, and where the project has no folder for it."""
    if artifacts.declared(usecase, Role.SOURCE, root) is None:
        return 0
    days = sealed_days.listed(folder(root, usecase))
    return days[-1].statement.last_sequence if days else 0


def today(now: datetime | None = None) -> date:
    """The UTC day by this machine's clock; for SETTLING after midnight still the one before."""
    return ((now or datetime.now(UTC)) - SETTLING).date()


class Sealing:
    """The log, the folder, and what is sealed already. `accept_lost`: rows that are missing are lost."""

    def __init__(
        self, root: Path, usecase: str, log: Path, *, now: date, accept_lost: bool = False
    ) -> None:
        """PlumblineError where what is sealed does not hold together."""
        self._root, self._usecase, self._log = root, usecase, log
        self._folder, self._now = folder(root, usecase), now
        self._days = sealed_days.listed(self._folder)
        sealed_days.chained(self._days, usecase)
        self._accept_lost = accept_lost
        self._refuse_log()

    def run(self, day: date | None) -> SealReport:
        """Seal the finished days, or seal one, or compare a sealed one.

        PlumblineError for a day that is not finished or not the next one, for rows that are missing, and for a sealed day
        that is not as the log has it.
        """
        cached_days.complete(self._root, self._days)
        same = [one for one in self._days if one.day == day]
        if same:
            problem = compared_day.check(same[0], self._log)
            return self._report([], [] if problem else [same[0].day], problem)
        self._refuse_order(day)
        found = self._ranges(day)
        waiting = self._waiting(found)
        wanted = [one for one in found if one.day not in waiting and day in (None, one.day)]
        if day and not wanted:
            raise LogError(waiting.get(day) or self._absent(day))
        sealed: list[SealedStatement] = []
        report = partial(self._report, sealed, [], "" if day else next(iter(waiting.values()), ""))
        for one in wanted:
            try:
                sealed.append(self._seal(one, found[found.index(one) :]))
            except LogError as error:
                if not sealed:
                    raise
                return report().model_copy(update={"refused": str(error)})
        return report()

    def _waiting(self, found: Sequence[DayRange]) -> dict[date, str]:
        """The days that are not finished, and why: the last one, and today, though a later row is there."""
        reasons = {}
        for one in found[-1:]:
            reasons[one.day] = finished_days.unfinished(one, self._now, lock.held(self._log))
        if len(found) > 1 and found[-2].day == self._now:
            reasons = {
                found[-2].day: finished_days.unfinished(found[-2], self._now, False)
            } | reasons
        return {day: reason for day, reason in reasons.items() if reason}

    def _report(self, sealed: list[SealedStatement], same: list[date], waiting: str) -> SealReport:
        place = self._folder.relative_to(self._root).as_posix()
        return SealReport(
            usecase=self._usecase, folder=place, sealed=sealed, same=same, waiting=waiting
        )

    def _refuse_log(self) -> None:
        if not files_read.has_log(self._log):
            raise LogError(
                f"{self._log}: no prediction log is there; expected a folder with files like 2025-07-01.sqlite"
            )
        reader = LogReader(self._log)
        others = {one.usecase for one in reader.descriptions(reader.days()[-1:])} - {self._usecase}
        if others:
            raise LogError(
                f"{self._log}: the log of {', '.join(sorted(others))}, expected that of {self._usecase}"
            )

    def _refuse_order(self, day: date | None) -> None:
        following = self._days[-1].day + timedelta(days=1) if self._days else day
        if day and day != following:
            raise PlumblineError(
                f"{day}: {self._folder} has {self._days[0].day} to {self._days[-1].day}, so the next day to seal is {following}; "
                f"`plumbline seal {self._usecase}` seals all finished days in order"
            )

    def _ranges(self, day: date | None) -> list[DayRange]:
        """The days after the sealed ones."""
        reader = LogReader(self._log)
        extents = files_read.extents(self._log)
        if self._days:
            last = self._days[-1].statement
            found = finished_days.ranges(
                reader.receipts(last.last_sequence), last.day, last.last_sequence
            )
        else:
            before = min((e.first for e in extents), default=1) - 1
            self._refuse_start(day, before)
            found = finished_days.ranges(reader.receipts(), None, before)
        kept = list(found)
        if kept and day and not self._days and kept[0].day < day:
            raise LogError(
                f"{day}: nothing is sealed yet, and the log begins with {kept[0].day}; `plumbline seal {self._usecase}` seals all "
                "finished days in order. To begin later, move the older files of the log elsewhere"
            )
        return [*kept, *self._refused_days(kept)]

    def _refused_days(self, found: Sequence[DayRange]) -> Iterator[DayRange]:
        """The days after the last row in which the service refused whatever came."""
        before = [
            *(DayRange(one.day, 0, one.statement.last_sequence) for one in self._days),
            *found,
        ]
        if not before:
            return
        last = before[-1]
        until = refused_counts.last_day(self._log, last.day)
        for number in range(1, (until - last.day).days + 1):
            yield DayRange(last.day + timedelta(days=number), last.last + 1, last.last)

    def _refuse_start(self, day: date | None, before: int) -> None:
        if day is None and before:
            raise LogError(
                f"{self._log}: rows 1 to {before:,} are missing, and no day is sealed yet. Put the log's older files back, or "
                f"name the day to begin with: `plumbline seal {self._usecase} DAY`"
            )

    def _absent(self, day: date) -> str:
        days = LogReader(self._log).days()
        has = f"the log has {days[0]} to {days[-1]}" if days else "the log has no row"
        return f"{self._log}: no row was received on {day} or later that is not sealed; {has}"

    def _seal(self, one: DayRange, on: Sequence[DayRange]) -> SealedStatement:
        """`on`: this day and those after it."""
        if not self._accept_lost:
            finished_days.refuse_missing(on, lambda day: _last_of(self._log, day))
        with _scratch(self._folder) as scratch:
            day = self._written(one, scratch)
        self._days.append(day)
        return day.statement

    def _written(self, one: DayRange, scratch: Path) -> SealedDay:
        rows = day_writing.write(LogReader(self._log), self._log, one, scratch)
        lost = sum(last - first + 1 for first, last in one.lost)
        if rows["predictions"] + rows["outcomes"] + lost != one.last - one.first + 1:
            raise LogError(
                f"{one.day}: the log changed while the day was read; nothing is sealed: try again"
            )
        hashes = {kind: sealed_days.hashes(scratch / f"{kind}.parquet") for kind in KINDS}
        statement = SealedStatement(
            usecase=self._usecase,
            day=one.day,
            first_sequence=one.first,
            last_sequence=one.last,
            lost=list(one.lost),
            files={
                kind: FileStatement(rows=rows[kind], sha256=sha256)
                for kind, (_, sha256) in hashes.items()
            },
            previous=self._days[-1].statement.digest if self._days else "",
        )
        named: dict[SealedKind, tuple[str, int]] = {}
        for kind, (md5, _) in hashes.items():
            path = scratch / f"{kind}.parquet"
            named[kind] = (md5, path.stat().st_size)
            cached_days.copy(self._root, path, md5)
            _synced(path)
            os.replace(path, self._folder / sealed_days.file_name(kind, one.day))
        with files.replacing(sealed_days.pointer(self._folder, one.day)) as beside:
            beside.write_text(sealed_days.pointer_text(statement, named), encoding="utf-8")
            _synced(beside)
        md5s = {sealed_days.file_name(kind, one.day): md5 for kind, (md5, _) in named.items()}
        return SealedDay(self._folder, statement, md5s)


def _last_of(log: Path, day: date) -> dict[str, int]:
    """By writer that wrote on that day or the one before, or later: its last row."""
    result: dict[str, int] = {}
    for extent in files_read.extents(log):
        if extent.file.date >= day - timedelta(days=1):
            writer = extent.file.writer
            result[writer] = max(extent.last, result.get(writer, 0))
    return result


@contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    """A folder in that of the sealed days, which git and DVC ignore; what killed calls left there is removed."""
    _prepare(place)
    pointers = {p.name[1:].partition(f"{sealed_days.SUFFIX}.")[0] for p in place.glob(".*.part")}
    for left in (SCRATCH, GIT, *(f"{name}{sealed_days.SUFFIX}" for name in pointers)):
        files.sweep(place / left)
    scratch = place / f".{SCRATCH}.{os.getpid()}.part"
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _prepare(place: Path) -> None:
    """The folder, with what keeps its files out of git."""
    place.mkdir(parents=True, exist_ok=True)
    ignored = place / GIT
    if not ignored.is_file():
        with files.replacing(ignored) as beside:
            beside.write_text(sealed_days.IGNORED, encoding="utf-8")


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
