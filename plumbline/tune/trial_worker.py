"""What a worker of the search is given, and how it runs trials. An edge: reads tables.

The tables stay where they are: a worker is given their paths, and reads and bins them once, for all its trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.tune import trials
from plumbline.tune.params import Tune
from plumbline.tune.search import Point, Trial


@dataclass(frozen=True)
class TrialInputs:
    """All that a trial is run on; `tune.threads`: those of a worker."""

    usecase: FeatureSet
    tune: Tune
    seed: int
    train: Path
    valid: Path

    def packed(self) -> bytes:
        """For `run` in another process, which has this one's import path."""
        import cloudpickle

        return bytes(cloudpickle.dumps(self))

    def with_threads(self, threads: int) -> TrialInputs:
        """The same with `threads` for each trial, unless params.yaml sets them."""
        if self.tune.threads:
            return self
        tune = self.tune.model_copy(update={"threads": max(threads, 1)})
        return TrialInputs(self.usecase, tune, self.seed, self.train, self.valid)


def run(packed: bytes, point: Point) -> Trial:
    """Run a trial on the inputs; reads the tables at the first in a process."""
    return _runner(packed)(point)


@cache
def _runner(packed: bytes) -> Callable[[Point], Trial]:
    import cloudpickle

    given: TrialInputs = cloudpickle.loads(packed)
    matrices = trials.read(given.usecase, given.tune, given.seed, given.train, given.valid)
    return lambda point: trials.trial(given.usecase, given.tune, matrices, point)


def serve(connection: Connection, packed: bytes) -> None:
    """Answer each point with its trial, or with the error that no other trial would escape, until there is no more."""
    while True:
        point: Point = connection.recv()
        try:
            connection.send(run(packed, point))
        except PlumblineError as error:
            connection.send(error)
