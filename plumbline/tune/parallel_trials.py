"""The search with the trials of a round side by side: in this process, in several, or on a Spark cluster.

Where they run is the machine's setting (`plumbline.core.machine`). The points are the same everywhere, and so is the
best trial: a model's bytes do not depend on the process, nor on its threads.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from plumbline.core import machine, spark_session
from plumbline.core.usecase import FeatureSet
from plumbline.tune import trials
from plumbline.tune.params import Tune
from plumbline.tune.search import Evaluate, OnTrial, Trial
from plumbline.tune.trial_worker import TrialInputs

log = logging.getLogger("plumbline")


def run(
    usecase: FeatureSet, tune: Tune, seed: int, train: Path, valid: Path, on_trial: OnTrial
) -> tuple[Trial, ...]:
    """All trials, compared by the primary metric on the table `valid`; none where max_evals is 0.

    A trial whose settings XGBoost refuses is kept as failed, and so is one whose process dies twice. `on_trial` is
    called after each, in the order of their numbers.
    """
    if not tune.max_evals:
        return ()
    trials.check(usecase, tune)
    with _evaluate(TrialInputs(usecase, tune, seed, train, valid)) as evaluate:
        return trials.by(usecase, tune, seed, evaluate, on_trial)


@contextmanager
def _evaluate(given: TrialInputs) -> Iterator[Evaluate]:
    """Runs the trials of a round; ends with all processes that it started."""
    together = min(given.tune.parallel, given.tune.max_evals) if given.tune.space else 1
    if together > 1 and machine.engine() != machine.DUCKDB:
        from plumbline.tune.trial_cluster import TrialCluster

        with spark_session.connect(machine.engine()) as session:
            log.info("tune: %d trials at a time on %s", together, machine.engine())
            yield TrialCluster.of(session, given)
        return
    size = min(together, machine.workers())
    if size == 1:
        matrices = trials.read(given.usecase, given.tune, given.seed, given.train, given.valid)
        yield partial(map, partial(trials.trial, given.usecase, given.tune, matrices))
        return
    from plumbline.tune.trial_pool import TrialPool

    log.info("tune: %d trials at a time in %d processes", together, size)
    with TrialPool(given.with_threads((os.cpu_count() or 1) // size).packed(), size) as pool:
        yield pool
