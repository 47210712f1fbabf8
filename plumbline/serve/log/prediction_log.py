"""The prediction log of one use case: rows are taken in the service's thread and written by another.

A log has one writer (`lock`) and a file per received UTC day (`schema`). The sequence is gapless and goes on
after a restart from the last row on disk; several processes that share a sequence have a writer's name each,
and files of their own in the same folder, which `reader` merges. An edge: files, a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

from plumbline.core.usecase import FeatureSet
from plumbline.serve.log import day_files, description, files_read, last_sequence, schema
from plumbline.serve.log import rows as log_rows
from plumbline.serve.log.claims import CommittedClaims
from plumbline.serve.log.files_read import Extent
from plumbline.serve.log.lock import WriterLock
from plumbline.serve.log.log_writer import Batch, LogWriter
from plumbline.serve.log.rows import Encoded
from plumbline.serve.protocols import Claim, Key, LogError, LoggedEvent, LoggedOutcome

BEHIND = 0.014
"""Seconds after which answers wait for a row that is not committed yet: what a kill can lose does not grow."""
LONGEST = 1.0
"""Seconds that they wait, at most, where rows need not be durable."""
MOST_WAITING = 20_000
"""Rows that wait for the disk, at most, before requests are refused."""

Waiter = tuple[int, "asyncio.AbstractEventLoop", "asyncio.Future[None]"]


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How a log stands. `broken`: why it is not written; None where it is. Counts are of rows since the start."""

    broken: str | None
    appended: int
    waiting: int
    unlogged_requests: int


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
        if not day_files.WRITER.fullmatch(writer):
            raise LogError(f"writer '{writer}': expected letters, digits, - and _")
        self._durable, self._on_full, self._shared = durable, on_full, bool(writer)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(folder, writer)
        except OSError as error:
            raise LogError(f"{folder}: cannot keep a log there: {error}") from error
        self._folder, self._name = folder, writer
        held = self._held(folder, writer)
        self._last = max((extent.last for extent in held), default=0)
        self._day: int | None = None
        self._claims = CommittedClaims(folder, writer, {extent.file.day for extent in held})
        self._pending: dict[Key, Claim] = {}
        self._pending_outcomes: set[tuple[Key, bytes]] = set()
        self._taken = self._appended = self._written = self._unlogged = 0
        self._broken: str | None = None
        self._unsure = self._closed = False
        self._since: deque[tuple[int, float]] = deque()  # what was appended when, not yet written
        self._changed = threading.Condition()
        self._waiters: list[Waiter] = []
        self._document = description.describe(usecase).model_dump_json()
        self._writer = LogWriter(
            folder, writer, self._document, durable, self._on_committed, self._on_broken
        )

    @property
    def last_sequence(self) -> int:
        """The sequence of the last row appended, in this process or before it; 0 for none."""
        return self._last

    @property
    def status(self) -> LogStatus:
        """How the log stands."""
        waiting = self._appended - self._written
        return LogStatus(self._broken, self._appended, waiting, self._unlogged)

    def find(self, key: Key, time: int | None) -> Claim | None:
        """The claim on a key; LogError where the log's files cannot be read and the service may not go on."""
        claim = self._pending.get(key)
        if claim is not None:
            return claim
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

    def append(self, rows: Sequence[LoggedEvent | LoggedOutcome]) -> None:
        """Take the rows over, all or none; LogError where one cannot be written or does not follow on."""
        batch = [log_rows.encode(row) for row in rows]
        if not batch:
            return
        if self._closed:
            raise LogError("the prediction log is closed")
        self._check_order(batch)
        self._last, self._taken = batch[-1].sequence, 0
        for row in batch:
            if row.claim is not None:
                self._pending[row.key] = row.claim
            elif row.route is None:
                self._pending_outcomes.add((row.key, row.digest))
        self._appended += len(batch)
        self._since.append((self._appended, monotonic()))
        self._writer.put(batch)

    async def durable(self) -> None:
        """Return once an answer may go out.

        Where the log is durable: once all that was appended is on disk; LogError where that cannot be said. Else: at once,
        or once the rows are committed that the writer is behind with.
        """
        target = self._appended if self._durable else self._behind()
        if self._written >= target:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._changed:
            if self._written >= target:
                return
            if self._broken is not None:
                if self._durable:
                    raise LogError(f"the prediction log is not written: {self._broken}")
                return
            self._waiters.append((target, loop, future))
        if not self._durable:
            loop.call_later(LONGEST, _settle, future, None)
        await future

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all that was appended is committed; False where it is not within the time."""
        target = self._appended
        with self._changed:
            return self._changed.wait_for(lambda: self._written >= target, seconds)

    def close(self) -> None:
        """Write what there is and let go of the log; LogError where rows could not be written."""
        if self._closed:
            return
        self._closed = True
        problem = self._broken
        self._claims.close()
        self._writer.close()
        self._lock.release()
        if self._written == self._appended:
            last_sequence.note(self._folder, self._name, self._last)
        else:
            lost = self._appended - self._written
            raise LogError(f"the prediction log lacks its last {lost} rows: {problem}")

    def _behind(self) -> int:
        """How many rows have to be written before the next answer: those that should be by now; 0 for none."""
        try:
            count, since = self._since[0]
        except IndexError:
            return 0
        return count if monotonic() - since > BEHIND else 0

    def _held(self, folder: Path, writer: str) -> list[Extent]:
        try:
            for file in day_files.listed(folder):
                if file.writer == writer:
                    schema.settle_left(file.path)
            held = [e for e in files_read.extents(folder) if e.file.writer == writer]
            last_sequence.check(folder, writer, max((e.last for e in held), default=0))
            return held
        except LogError:
            self._lock.release()
            raise

    def _problem(self) -> str | None:
        if self._closed:
            return "it is closed"
        if self._broken is not None:
            return self._broken
        waiting = self._appended - self._written
        return f"{waiting} rows wait for the disk" if waiting >= MOST_WAITING else None

    def _check_order(self, batch: Batch) -> None:
        expected = self._last
        for row in batch:
            expected = max(expected + 1, row.sequence) if self._shared else expected + 1
            if row.sequence != expected:
                raise LogError(f"row {row.sequence} does not follow on row {expected - 1}")

    def _on_committed(self, day: int, batch: Batch) -> None:
        """In the writer's thread."""
        if self._day not in (None, day):
            last_sequence.note(self._folder, self._name, batch[-1].sequence)
        self._day = day
        self._claims.add(day, [row.key for row in batch if row.claim is not None])
        self._claims.add_outcomes(row.key for row in batch if row.route is None)
        with self._changed:
            self._broken = None
            self._written += len(batch)
            while self._since and self._since[0][0] <= self._written:
                self._since.popleft()
            self._changed.notify_all()
            done = [w for w in self._waiters if w[0] <= self._written]
            self._waiters = [w for w in self._waiters if w[0] > self._written]
        self._forget(batch)
        _wake(done, None)

    def _forget(self, batch: Iterable[Encoded]) -> None:
        """The index has them now."""
        for row in batch:
            if row.claim is not None:
                self._pending.pop(row.key, None)
            elif row.route is None:
                self._pending_outcomes.discard((row.key, row.digest))

    def _on_broken(self, message: str) -> None:
        """In the writer's thread."""
        with self._changed:
            self._broken = message
            failed, self._waiters = self._waiters, []
        _wake(failed, f"the prediction log is not written: {message}" if self._durable else None)


def _wake(waiters: Sequence[Waiter], message: str | None) -> None:
    for _, loop, future in waiters:
        with suppress(RuntimeError):  # where the loop has ended, nobody waits
            loop.call_soon_threadsafe(_settle, future, message)


def _settle(future: asyncio.Future[None], message: str | None) -> None:
    if future.done():
        return
    if message is None:
        future.set_result(None)
    else:
        future.set_exception(LogError(message))
