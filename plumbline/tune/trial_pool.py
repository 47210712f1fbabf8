"""The trials of a round in processes of this machine, side by side. An edge: processes.

A process that dies (killed, out of memory) is replaced, and its trial runs once more; dies that process too, the trial
is a failed one, and the search goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from types import TracebackType

from plumbline.core.errors import PlumblineError
from plumbline.core.worker_process import WorkerProcess
from plumbline.tune import trial_worker
from plumbline.tune.search import Point, Trial

ATTEMPTS = 2
"""Processes that a trial may take down."""


class TrialPool:
    """Processes that run trials; they start with the first round, and end with the pool."""

    def __init__(self, packed: bytes, size: int) -> None:
        """`packed`: of `TrialInputs`; `size`: how many processes."""
        self.packed, self.size = packed, size
        self.idle: list[WorkerProcess] = []
        self.busy: dict[WorkerProcess, Point] = {}
        self.deaths: dict[int, int] = {}

    def __enter__(self) -> TrialPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in (*self.idle, *self.busy):
            worker.stop()

    def __call__(self, points: Sequence[Point]) -> Iterator[Trial]:
        """The trials of `points`, in their order, each as soon as it and those before it are done."""
        waiting, done = deque(points), dict[int, Trial]()
        for number, _ in points:
            while number not in done:
                self._hand_out(waiting)
                for worker in self._ready():
                    trial = self._receive(worker, waiting)
                    done |= {trial.number: trial} if trial else {}
            yield done.pop(number)

    def _hand_out(self, waiting: deque[Point]) -> None:
        while waiting and len(self.busy) < self.size:
            worker = (
                self.idle.pop() if self.idle else WorkerProcess(trial_worker.serve, self.packed)
            )
            point = waiting.popleft()
            self.busy[worker] = point
            with suppress(OSError):  # it is dead: so `_receive` finds it
                worker.connection.send(point)

    def _ready(self) -> list[WorkerProcess]:
        """Waits for busy processes that have a result, or are dead."""
        by_connection = {id(one.connection): one for one in self.busy}
        ready = connection.wait([one.connection for one in self.busy])
        return [by_connection[id(one)] for one in ready]

    def _receive(self, worker: WorkerProcess, waiting: deque[Point]) -> Trial | None:
        """The trial that a process has done; None where it died and the trial is to run again."""
        point = self.busy.pop(worker)
        try:
            result = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(worker, point, waiting)
        self.idle.append(worker)
        if isinstance(result, BaseException):
            raise result
        trial: Trial = result
        return trial

    def _died(self, worker: WorkerProcess, point: Point, waiting: deque[Point]) -> Trial | None:
        """What is to be done with the trial of a process that died; PlumblineError where Python ended it."""
        number, params = point
        ending = worker.ending()
        if worker.process.exitcode == 1:
            raise PlumblineError("tune: a process that runs trials stopped with the error above")
        self.deaths[number] = self.deaths.get(number, 0) + 1
        if self.deaths[number] < ATTEMPTS:
            waiting.appendleft(point)
            return None
        reason = f"its process ended {ATTEMPTS} times, last by {ending}"
        return Trial(number, params, reason=reason)
