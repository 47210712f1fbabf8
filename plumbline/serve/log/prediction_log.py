"""The prediction log of one use case: a journal that each request appends to, and a SQLite file per received UTC day.

A row is in the journal before its answer; a thread brings many at once into the file of their day. A log has one writer
(`lock`). The sequence is gapless and goes on after a restart from the last row on disk; several processes that
share a sequence have a writer's name each, and files of their own in the same folder, which `reader` merges. An
edge: files, threads.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from plumbline.core.usecase import FeatureSet
from plumbline.serve.log import (
    description,
    journal_format,
    last_sequence,
    row_order,
    taking,
    waiters,
)
from plumbline.serve.log.claims import CommittedClaims
from plumbline.serve.log.journal import Journal
from plumbline.serve.log.journal_sync import JournalSync
from plumbline.serve.log.log_status import LogStatus
from plumbline.serve.log.log_writer import LogWriter
from plumbline.serve.log.refusal_counts import Refused
from plumbline.serve.log.row_order import LoggedRow
from plumbline.serve.log.rows import Taken
from plumbline.serve.log.waiters import Waiters
from plumbline.serve.protocols import Claim, Key, LogError, LoggedEvent, LoggedOutcome

MOST_WAITING = 20_000
"""Rows that wait for the file of their day, at most, before requests are refused."""


class PredictionLog:
    """A `Log` in a folder. See `plumbline.serve.protocols` for the order of calls.

    `durable`: rows are on disk (fsync) before `durable()` returns. `on_full`: what a broken log does,
    `refuse` or go on `unlogged`. `writer`: where several processes share one sequence, this one's name;
    rows then bring their sequence, and only ascend.
    """

    def __init__(
        self,
        folder: Path,
        usecase: FeatureSet,
        durable: bool = False,
        on_full: Literal["refuse", "unlogged"] = "refuse",
        writer: str = "",
    ) -> None:
        """Open the log. Raises LogError where another process writes it, or its files cannot be read."""
        self._durable, self._on_full, self._shared = durable, on_full, bool(writer)
        self._folder, self._name = folder, writer
        taken = taking.take(folder, writer)
        self._lock, self._last, left = taken.lock, taken.last, taken.left
        self._day: int | None = None  # of the last row
        self._noted: int | None = None
        self._claims = CommittedClaims(folder, writer, taken.days)
        self._pending: dict[Key, LoggedEvent] = {}
        self._pending_outcomes: set[tuple[Key, bytes]] = set()
        self._taken = self._appended = self._journalled = self._written = self._unlogged = 0
        self._broken: str | None = None
        self._unsure = self._closed = self._gap = False
        self._changed = threading.Condition()
        self._waiters = Waiters()
        self._document = description.describe(usecase).model_dump_json()
        self._others: dict[str, str] = {}
        self._recorder = journal_format.Recorder()
        self._journal = Journal(folder, writer, self._document, durable)
        self._writer = LogWriter(folder, writer, self._on_committed, self._on_broken)
        self._sync = JournalSync(self._journal, self._on_synced, self._on_gap) if durable else None
        self._go_on(left)

    def describe(self, definitions: str, usecase: FeatureSet) -> None:
        """Rows with these `definitions` are of other features than the log's use case: of those of this one."""
        self._others[definitions] = description.describe(usecase).model_dump_json()

    @property
    def last_sequence(self) -> int:
        """The sequence of the last row appended, in this process or before it; 0 for none."""
        return self._last

    @property
    def status(self) -> LogStatus:
        """How the log stands."""
        return LogStatus(self._broken, self._appended, self._waiting, self._unlogged)

    def find(self, key: Key, time: int | None) -> Claim | None:
        """The claim on a key; LogError where the log's files cannot be read and the service may not go on."""
        row = self._pending.get(key)
        if row is not None:
            return Claim(row.digest, row.answer)
        try:
            return self._claims.find(key, time)
        except sqlite3.Error as error:
            self._unsure = True
            if self._on_full == "refuse":
                raise LogError(f"the log cannot be read: {error}") from error
            return None

    def has_outcome(self, key: Key, digest: bytes) -> bool:
        """Whether this outcome was received before."""
        if (key, digest) in self._pending_outcomes:
            return True
        try:
            return self._claims.has_outcome(key, digest)
        except sqlite3.Error as error:
            raise LogError(f"the log cannot be read: {error}") from error

    def ready(self) -> bool:
        """Whether the next request's rows will be logged; LogError where it has to be refused."""
        self._taken = 0
        unsure, self._unsure = self._unsure, False
        problem = self._problem() or ("a key could not be looked up" if unsure else None)
        if problem is None:
            return True
        if self._on_full == "refuse" or self._closed:
            raise LogError(f"the prediction log is not written: {problem}")
        self._unlogged += 1
        return False

    def next_sequence(self) -> int:
        """The sequence of the next row."""
        self._taken += 1
        return self._last + self._taken

    def append(self, rows: Sequence[LoggedRow]) -> None:
        """Take the rows over, all or none; LogError where one cannot be written or does not follow on."""
        if not rows:
            return
        if self._closed:
            raise LogError("the prediction log is closed")
        days = row_order.by_day(rows, self._last, self._day, gaps=self._shared)
        runs = row_order.described(days, self._others) if self._others else days
        try:
            record = self._recorder.record(runs)
        except (TypeError, ValueError, OverflowError) as error:
            raise LogError(f"a row cannot be logged: {error}") from error
        last = rows[-1].sequence
        self._last, self._taken, self._day = last, 0, runs[-1][0]
        self._remember(rows)
        self._appended += len(rows)  # before the gap is looked at: it ends once all are written
        if not self._gap:
            try:
                self._journal.append(record, rows[0].sequence, last)
                if self._sync is None:
                    self._journalled = self._appended
                else:
                    self._sync.put(self._appended)
            except OSError as error:
                self._on_gap(str(error))
        self._writer.put(runs, self._document)
        if self._gap:
            self._writer.hurry()

    async def durable(self) -> None:
        """Return once an answer may go out: all that was appended is in the journal or the file of its day.

        Where the log is durable: and on the disk. LogError where that cannot be said.
        """
        target = self._appended
        with self._changed:
            if self._safe >= target:
                return
            if self._broken is not None:
                if self._refuses:
                    raise LogError(f"the prediction log is not written: {self._broken}")
                return
            future = self._waiters.add(target)
        await future

    def refuse(self, counts: Sequence[Refused]) -> None:
        """Count events that were refused, soon."""
        self._writer.refuse(counts)

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all that was appended is in the files; False where it is not within the time."""
        target = self._appended
        self._writer.hurry()
        with self._changed:
            return self._changed.wait_for(lambda: self._written >= target, seconds)

    def close(self) -> None:
        """Write what there is and let go of the log; LogError where rows could not be written."""
        if self._closed:
            return
        self._closed = True
        problem = self._broken
        self._claims.close()
        if self._sync is not None:
            self._sync.close()
        self._writer.close()
        self._journal.leave()
        if self._written == self._appended:
            self._journal.forget(self._last)
            last_sequence.note(self._folder, self._name, self._last)
        self._lock.release()
        lost = self._appended - self._safe
        if lost:
            raise LogError(f"the prediction log lacks its last {lost} rows: {problem}")

    @property
    def _safe(self) -> int:
        """Rows that are in the journal, on the disk where that is asked for, or in the file of their day."""
        return max(self._journalled, self._written)

    @property
    def _refuses(self) -> bool:
        """Whether there is no answer without its row."""
        return self._durable or self._on_full == "refuse"

    def _go_on(self, left: Sequence[Taken]) -> None:
        """Take over what another process left in the journal, and begin to write."""
        self._journal.hold(self._last)
        self._remember(one.row for one in left)
        self._appended = self._journalled = len(left)
        for one in left:
            self._writer.put([(one.day, [one.row])], one.document)
        self._writer.start()
        if left:
            self._writer.hurry()

    def _remember(self, rows: Iterable[LoggedRow]) -> None:
        """No index has them yet."""
        for row in rows:
            if isinstance(row, LoggedOutcome):
                self._pending_outcomes.add((row.key, row.digest))
            elif row.mode == "live":
                self._pending[row.key] = row

    @property
    def _waiting(self) -> int:
        return self._appended - self._written

    def _problem(self) -> str | None:
        if self._closed:
            return "it is closed"
        if self._waiting >= MOST_WAITING:
            return self._broken or f"{self._waiting} rows wait for the disk"
        return self._broken

    def _on_committed(self, day: int, batch: Sequence[Taken]) -> None:
        """In the writer's thread."""
        if self._noted not in (None, day):
            last_sequence.note(self._folder, self._name, batch[-1].sequence)
        self._noted = day
        self._claims.add(day, [one.row.key for one in batch if one.is_answer])
        outcomes = (one.row for one in batch if isinstance(one.row, LoggedOutcome))
        self._claims.add_outcomes(row.key for row in outcomes)
        self._forget(batch)
        self._journal.forget(batch[-1].sequence)
        with self._changed:
            self._written += len(batch)
            if self._written == self._appended:
                self._broken, self._gap = None, False
            self._changed.notify_all()
            done = self._waiters.ready(self._safe)
        waiters.wake(done, None)

    def _forget(self, batch: Sequence[Taken]) -> None:
        """The index has them now."""
        for _, row, _ in batch:
            if isinstance(row, LoggedOutcome):
                self._pending_outcomes.discard((row.key, row.digest))
            elif row.mode == "live":
                self._pending.pop(row.key, None)

    def _on_synced(self, count: int) -> None:
        """In the journal's thread."""
        with self._changed:
            self._journalled = max(self._journalled, count)
            done = self._waiters.ready(self._safe)
        waiters.wake(done, None)

    def _on_gap(self, message: str) -> None:
        """The journal lacks rows; it goes on once the files of their days have them."""
        with self._changed:
            self._gap = True
        self._on_broken(message)
        self._writer.hurry()

    def _on_broken(self, message: str) -> None:
        """In any thread."""
        with self._changed:
            self._broken = message
            failed = self._waiters.all()
        text = f"the prediction log is not written: {message}" if self._refuses else None
        waiters.wake(failed, text)
