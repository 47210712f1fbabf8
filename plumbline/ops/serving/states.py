"""The online state of a service: embedded, with its checkpoint, or in Redis. An edge."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import seed as seeds
from plumbline.serve.log import files_read
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.params import Serve
from plumbline.serve.protocols import State
from plumbline.serve.seed import Seed
from plumbline.serve.state import embedded, fold, log_tail, older_rows, redis_seeding
from plumbline.serve.state.checkpoint import Checkpoint

NEVER_AHEAD = 2**62
"""Of a log that another process still writes: a checkpoint of it may hold more rows than were just there."""
CLOSING = 2.0
"""Seconds that a checkpoint may take at the end; a restart folds what it lacks."""


class EmbeddedState:
    """The state in this process, folded up to some row of a log that another process may still write."""

    shared = False
    writer = ""

    def __init__(
        self,
        project: Path,
        usecase: FeatureSet,
        settings: Serve,
        running: bool,
        seed: Seed | None = None,
        folder: Path | None = None,
    ) -> None:
        """Load seed and checkpoint; `running`: a process serves and writes the log.

        `seed`, `folder`: of other features than the checkout's, and where their checkpoint is.
        """
        seed = seed or _seed(project, usecase)
        self._folder = folder or places.state(project, usecase.name)
        place = places.log(project, usecase.name)
        last = NEVER_AHEAD if running else _last(place)
        self._rows = log_tail.rows(place, seed.recent_from)
        self.state = embedded.reopen_memory(
            usecase,
            seed,
            self._rows,
            last,
            self._folder,
            settings.late_days,
            looking=running,
            renew=older_rows.renewed,
        )
        self.slice: Callable[[], object] = lambda: None

    def open(self, log: PredictionLog, held: ExitStack) -> State:
        """Fold what was logged since, and write checkpoints from now on, a slice at each `slice`."""
        self.go_on()
        checkpoint = self.checkpoints(log)
        held.callback(checkpoint.close, CLOSING)
        held.callback(log.flush)
        self.slice = checkpoint.slice
        return self.state

    def go_on(self) -> None:
        """Fold what was logged since."""
        later = self._rows(self.state.watermark)
        fold.fold(self.state, older_rows.renewed(self.state, later))

    def checkpoints(self, log: PredictionLog) -> Checkpoint:
        """What writes the state's checkpoints."""
        return embedded.checkpoints(
            self.state, lambda: log.last_sequence - log.status.waiting, self._folder
        )


class SharedState:
    """The state in Redis, which several processes share; `writer`: the name of this one's log."""

    shared = True

    def __init__(self, project: Path, usecase: FeatureSet, settings: Serve, writer: str) -> None:
        self._seed = _seed(project, usecase)
        self._rows = log_tail.rows(places.log(project, usecase.name), self._seed.recent_from)
        self._usecase, self._late_days, self.writer = usecase, settings.late_days, writer
        self._url = _url(settings)
        self.slice: Callable[[], object] = lambda: None

    def open(self, _log: PredictionLog, _held: ExitStack) -> State:
        """Fill it where it is empty, and count the rows of the log that it lacks."""
        return redis_seeding.open_redis(
            self._usecase,
            self._seed,
            self._url,
            self._rows,
            self._late_days,
            writer=self.writer,
            renew=older_rows.renewed,
        )


OnlineState = EmbeddedState | SharedState


def load(
    project: Path, usecase: FeatureSet, settings: Serve, running: bool, writer: str
) -> OnlineState:
    """The state that the settings name."""
    if settings.state is None:
        return EmbeddedState(project, usecase, settings, running)
    return SharedState(project, usecase, settings, writer)


def _last(log: Path) -> int:
    """The log's last row on disk; 0 where there is none."""
    return max((extent.last for extent in files_read.extents(log)), default=0)


def _seed(project: Path, usecase: FeatureSet) -> Seed:
    """The checkout's tiles."""
    return seed_in(artifacts.path(usecase.name, Role.TILES, project), usecase)


def seed_in(folder: Path, usecase: FeatureSet) -> Seed:
    """A commit's tiles, read by the system's allocator: Arrow's own one keeps 40 MB for what is read once."""
    pa.set_memory_pool(pa.system_memory_pool())
    seed = seeds.read(folder)
    seed.check(usecase)
    return seed


def _url(settings: Serve) -> str:
    url = os.environ.get(str(settings.state), "")
    if not url:
        raise PlumblineError(
            f"serve.state names the environment variable {settings.state}, which is not set: expected "
            "redis://[:password@]host:port/0"
        )
    return url
