"""One worker's part of a boosting that several share: its rows, its matrices, and what it hands back.

XGBoost adds up the workers' histograms of gradients in the order of their numbers, so that the trees depend on the
number of workers and on nothing else. Each worker has a range of the train rows, and the whole validation window:
early stopping sees the figure that one worker would see. An edge: reads tables.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import boosting, library, matrices, reweighing, row_ranges
from plumbline.train.params import Train

PATIENCE = 7 * 24 * 3600
"""Seconds that a worker waits for another: one that dies is noticed by who started them."""


class LostWorkerError(Exception):
    """A worker was killed: the attempt is over, and another may go well."""


@dataclass(frozen=True)
class SharedTraining:
    """What workers train together. `settings`: XGBoost's in full."""

    usecase: FeatureSet
    train: Train
    settings: Mapping[str, Any]
    paths: tuple[Path, Path]  # of the train table and the validation window

    def with_threads(self, threads: int) -> SharedTraining:
        """The same with `threads` in each worker, unless params.yaml sets them."""
        if self.train.threads:
            return self
        return replace(self, settings={**self.settings, "nthread": max(threads, 1)})

    def absolute(self) -> SharedTraining:
        """The same, whatever the folder of the process."""
        return replace(self, paths=(self.paths[0].absolute(), self.paths[1].absolute()))

    def packed(self) -> bytes:
        """For `trained` in another process, which has this one's import path."""
        import cloudpickle

        return bytes(cloudpickle.dumps(self))


@dataclass(frozen=True)
class SharedModel:
    """What they made: the trees as UBJ, cut at the best round; with `train.refit` those of both windows."""

    trees: bytes
    rounds: int
    refitted: bytes | None = None


def trained(packed: bytes, place: int, group: Mapping[str, Any]) -> SharedModel | None:
    """Train as worker `place`, from 0; the model of worker 0, None of the others, who have the same.

    `group`: how XGBoost's workers find each other. Raises xgboost's XGBoostError where it refuses the settings, or
    another worker is lost.
    """
    import cloudpickle

    library.load()
    from xgboost import collective, config_context

    given: SharedTraining = cloudpickle.loads(packed)
    own = {"dmlc_task_id": f"{place:06d}", "dmlc_timeout": PATIENCE}
    quiet = redirect_stdout(io.StringIO())  # XGBoost prints each worker's rank
    with quiet, config_context(verbosity=0), collective.CommunicatorContext(**group, **own):
        made = _boosted(given, collective.get_rank())
    return made if place == 0 else None


def problem(packed: bytes) -> str:
    """Why this process cannot read the tables; "" where it can."""
    import cloudpickle

    given: SharedTraining = cloudpickle.loads(packed)
    try:
        for path in given.paths:
            tables.check(path, matrices.needed(given.usecase))
    except PlumblineError as error:
        return str(error)
    return ""


def _boosted(given: SharedTraining, place: int) -> SharedModel:
    train, settings = given.train, given.settings
    own = _part(given, given.paths[:1], place)
    watched = matrices.open_table(given.usecase, given.paths[1], train.limits.watched)
    rows = min(tables.rows(given.paths[1]), train.limits.watched or tables.rows(given.paths[1]))
    valid = matrices.matrix(watched, settings, rows, train.limits, own)
    boosted = boosting.boost(
        settings, own, valid, rounds=train.rounds, early_stopping=train.early_stopping
    )
    refitted = None
    if train.refit:
        both = _part(given, given.paths, place)
        refitted = _ubj(boosting.grow(settings, both, rounds=boosted.rounds))
    return SharedModel(_ubj(boosted.booster), boosted.rounds, refitted)


def _part(given: SharedTraining, paths: tuple[Path, ...], place: int) -> Any:
    """The matrix of a worker's rows of the tables, with their weights."""
    usecase, train, of = given.usecase, given.train, given.train.workers
    whole = sum(map(tables.rows, paths))
    start, stop = row_ranges.bounds(whole, place, of)
    part = row_ranges.part(usecase, paths, place, of)
    made = matrices.matrix(part, given.settings, -(-whole // of), train.limits)
    if train.reweigh:
        names = reweighing.needed(usecase, train.reweigh)
        parts = [tables.read(path, names) for path in paths]
        columns = {name: np.concatenate([one[name] for one in parts]) for name in names}
        made.set_weight(reweighing.weights(usecase, train.reweigh, columns)[start:stop])
    return made


def _ubj(booster: Any) -> bytes:
    return bytes(booster.save_raw("ubj"))
