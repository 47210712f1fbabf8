"""Work after the answer: other arms score the vector that was answered. Bounded; what does not fit is counted.

One job at a time, whenever the event loop has nothing older to do, so that requests come first.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

from plumbline.serve.online.scorer import Scored
from plumbline.serve.routes.arm_inputs import ArmInputs
from plumbline.serve.routes.router import LoadedArm

MOST = 2_000
"""Events that may wait."""
log = logging.getLogger("plumbline")


@dataclass(frozen=True, slots=True)
class ShadowJob:
    """Score `size` events by an arm, from the histories that were read for the answer.

    `done` receives the answers, and how long scoring took, microseconds; it logs them, or compares them.
    """

    arm: LoadedArm
    inputs: ArmInputs
    size: int
    done: Callable[[Sequence[Scored], float], None]


class ShadowQueue:
    """Jobs that wait. `later` calls a function once the loop is idle: `loop.call_soon`.

    `scored`, `dropped` and `failed` count events by arm.
    """

    def __init__(self, later: Callable[[Callable[[], None]], object], most: int = MOST) -> None:
        self.scored: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._later, self._most, self._waiting = later, most, 0
        self._jobs: deque[ShadowJob] = deque()

    def offer(self, job: ShadowJob) -> bool:
        """Queue a job, unless too many events wait: then it is dropped and counted."""
        if self._waiting + job.size > self._most:
            self.dropped[job.arm.name] += job.size
            return False
        if not self._jobs:
            self._later(self._next)
        self._jobs.append(job)
        self._waiting += job.size
        return True

    def __len__(self) -> int:
        """How many events wait."""
        return self._waiting

    def finish(self) -> None:
        """Do all that waits now: at the service's end."""
        while self._jobs:
            self._one()

    def _next(self) -> None:
        if self._jobs:
            self._one()
        if self._jobs:
            self._later(self._next)

    def _one(self) -> None:
        job = self._jobs.popleft()
        self._waiting -= job.size
        try:
            start = perf_counter_ns()
            scored = job.arm.loaded.compiled.of(job.inputs.of(job.arm.loaded))
            job.done(scored, (perf_counter_ns() - start) / 1000)
            self.scored[job.arm.name] += job.size
        except Exception as error:  # noqa: BLE001 (whatever a shadow does, the service goes on)
            if not self.failed[job.arm.name]:
                log.warning("shadow %s failed: %s; later failures are counted", job.arm.name, error)
            self.failed[job.arm.name] += job.size
