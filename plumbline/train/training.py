"""Boosting, calibration and threshold of the final model, by one worker or by several.

By several (`train.workers`) the trees depend on their number, since each adds up its own rows first; they are the same
bytes wherever the workers run: processes of this machine, or tasks of a Spark cluster (`plumbline.core.machine`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import machine
from plumbline.core.declarations import Columns
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import library, matrices
from plumbline.model.boosting import Boosted
from plumbline.train import fitting
from plumbline.train.fitting import FittedModel
from plumbline.train.params import Train
from plumbline.train.training_part import LostWorkerError, SharedModel, SharedTraining

ATTEMPTS = 3
"""Trainings of which a worker may be lost, but for the last."""

log = logging.getLogger("plumbline")


def fitted(
    usecase: FeatureSet,
    train: Train,
    settings: Mapping[str, Any],
    paths: tuple[Path, Path],
    valid: Columns,
) -> FittedModel:
    """The final model of the train table and the validation window in `paths`.

    `settings`: XGBoost's in full; `valid`: the columns of the window that `fitting.fit` needs, (m,) each.
    """
    if train.workers > 1:
        return _shared(usecase, train, settings, paths, valid)
    pair = matrices.binned(usecase, settings, *paths, train.limits)
    matrices.weigh(usecase, train.reweigh, pair[0], paths[0])
    rows, features, watched = pair[0].num_row(), pair[0].num_col(), pair[1].num_row()
    log.info("train: %d rows, %d features, %d rows watched", rows, features, watched)
    both = matrices.both(usecase, settings, *paths, train.limits) if train.refit else None
    matrices.weigh(usecase, train.reweigh, both, *paths)
    return fitting.fit(usecase, train, settings, pair, valid, both, decide=True)


def _shared(
    usecase: FeatureSet,
    train: Train,
    settings: Mapping[str, Any],
    paths: tuple[Path, Path],
    valid: Columns,
) -> FittedModel:
    rows = [matrices.check(usecase, path) for path in paths]
    log.info(
        "train: %d rows, %d features, %d workers", rows[0], len(usecase.features), train.workers
    )
    if rows[0] < train.workers:
        raise PlumblineError(
            f"{paths[0]}: {rows[0]} rows for {train.workers} workers; lower train.workers in params.yaml"
        )
    with _attempt(SharedTraining(usecase, train, settings, paths)) as attempt:
        made = _made(attempt)
    boosted = Boosted(_booster(made.trees, settings), made.rounds)
    again = None if made.refitted is None else _booster(made.refitted, settings)
    return fitting.completed(usecase, train, boosted, valid, again)


@contextmanager
def _attempt(given: SharedTraining) -> Iterator[Callable[[], SharedModel]]:
    """Trains once, on this machine or the cluster."""
    if machine.engine() != machine.DUCKDB:
        from plumbline.core import spark_session
        from plumbline.train import training_cluster

        with spark_session.connect(machine.engine()) as session:
            yield partial(training_cluster.attempt, session, given)
        return
    from plumbline.train import training_processes

    workers = given.train.workers
    packed = given.with_threads((os.cpu_count() or 1) // workers).packed()
    yield partial(training_processes.attempt, packed, workers)


def _made(attempt: Callable[[], SharedModel]) -> SharedModel:
    """The model; PlumblineError where a worker was lost each time."""
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except LostWorkerError as error:
            log.warning("train: attempt %d of %d lost a worker: %s", number, ATTEMPTS, error)
            reason = str(error)
    raise PlumblineError(
        f"train: a worker was lost in each of {ATTEMPTS} attempts, last by {reason}; previous outputs are intact. "
        "Give the workers more memory, or set fewer `train.workers`"
    )


def _booster(trees: bytes, settings: Mapping[str, Any]) -> Any:
    library.load()
    import xgboost

    booster = xgboost.Booster(params={"nthread": settings["nthread"]})
    booster.load_model(bytearray(trees))
    return booster
