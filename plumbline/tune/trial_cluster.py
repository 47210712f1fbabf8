"""The trials of a round on a Spark cluster, by Hyperopt's SparkTrials. An edge: Spark.

As it comes, SparkTrials proposes a point whenever a trial ends, from the trials that have ended by then: the same
seed may give another search (`python -m bench.spark_trials`). Here it is given the points of a round, which were proposed
from the rounds before, and its results are taken in their order: the points of the local processes, to the bit.

Spark runs a task that is lost with its worker again, up to `spark.task.maxFailures` times (4).
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import spark_session
from plumbline.core.errors import PlumblineError
from plumbline.tune import trial_worker
from plumbline.tune.search import Point, Trial
from plumbline.tune.trial_worker import TrialInputs

TAGS = "Spark session is not provided"
"""A warning of pyspark where a thread has no session: SparkTrials' have none."""
LOST = "its Spark task failed each time it was run; see the logs of the cluster's workers"


class TrialCluster:
    """Runs the trials of a round as tasks of a session's cluster, each on one worker."""

    def __init__(self, session: Any, run: Callable[[Point], Trial]) -> None:
        """`run`: what a task does; its modules go to the workers."""
        spark_session.ship(session, Path.cwd())
        self.session, self.run = session, run

    @classmethod
    def of(cls, session: Any, given: TrialInputs) -> TrialCluster:
        """Of trials on tables, which the workers read by their paths, the same on all."""
        cores = int(session.sparkContext.getConf().get("spark.task.cpus", "1"))
        shared = replace(given, train=given.train.absolute(), valid=given.valid.absolute())
        return cls(session, partial(trial_worker.run, shared.with_threads(cores).packed()))

    def __call__(self, points: Sequence[Point]) -> list[Trial]:
        """The trials of `points`, in their order."""
        import hyperopt

        run, waiting = self.run, list(points)
        ran = _spark_trials()(parallelism=len(points), spark_session=self.session)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=TAGS)
            hyperopt.fmin(
                lambda place: _task(run, waiting[place]),
                hyperopt.hp.randint("place", len(points)),
                algo=_in_order,
                max_evals=len(points),
                max_queue_len=len(points),
                trials=ran,
                rstate=np.random.default_rng(0),
                return_argmin=False,
                verbose=False,
                show_progressbar=False,
            )
        self._refuse_stopped()
        tasks = sorted(ran._dynamic_trials, key=lambda task: task["tid"])
        return [_trial(task, point) for task, point in zip(tasks, points, strict=True)]

    def _refuse_stopped(self) -> None:
        """PlumblineError where the session is gone, and with it every trial to come."""
        if self.session.sparkContext._jsc.sc().isStopped():
            raise PlumblineError(
                "tune: the Spark session ended during the search; see the logs of the master, then run again"
            )


def _task(run: Callable[[Point], Trial], point: Point) -> dict[str, Any]:
    """Runs on a worker: the trial, or the error that no other trial would escape, as a result of Hyperopt."""
    try:
        done: Trial | PlumblineError = run(point)
    except PlumblineError as error:
        done = error
    return {"status": "ok", "loss": 0.0, "done": done}


def _in_order(ids: Sequence[int], domain: Any, trials: Any, _: int) -> Any:
    """As an algorithm of Hyperopt: the point in place n is trial n of this round."""
    notes = [
        {"tid": n, "cmd": domain.cmd, "workdir": domain.workdir}
        | {"idxs": {"place": [n]}, "vals": {"place": [n]}}
        for n in ids
    ]
    return trials.new_trial_docs(
        ids, [None for _ in ids], [domain.new_result() for _ in ids], notes
    )


def _trial(task: Mapping[str, Any], point: Point) -> Trial:
    """What a task of SparkTrials came to; PlumblineError where its Python failed, and not its worker."""
    _, traceback = task["misc"].get("error", ("", None))
    done = task["result"].get("done")
    if isinstance(done, Trial):
        return done
    if traceback:
        done = traceback.strip().splitlines()[-1]
    if done:
        raise PlumblineError(f"tune, on a Spark worker, which has to see the same paths: {done}")
    return Trial(*point, reason=LOST)


def _spark_trials() -> Any:
    """Hyperopt's class, quiet; where Hyperopt was imported before pyspark was there, it has to look again."""
    from hyperopt import spark

    made = (spark if spark._have_spark else importlib.reload(spark)).SparkTrials
    logging.getLogger("hyperopt-spark").setLevel(logging.CRITICAL)
    return made
