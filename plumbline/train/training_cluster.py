"""Workers of a training as tasks of a Spark cluster that run at the same time (a barrier). An edge: Spark.

The rows of a task are those of the local process with the same number: so are the model's bytes. Spark does not run a
lost barrier's tasks again; the attempt is over, and all start over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import spark_errors, spark_session
from plumbline.core.errors import PlumblineError
from plumbline.model import library
from plumbline.train import training_part, training_processes
from plumbline.train.training_part import LostWorkerError, SharedModel, SharedTraining

WAIT = 60.0
"""Seconds in which the cluster has to have as many free cores as there are workers."""


def attempt(session: Any, given: SharedTraining) -> SharedModel:
    """Train in as many tasks as `train.workers`.

    LostWorkerError where one was lost; XGBoostError where XGBoost refuses; PlumblineError where the cluster has no
    room for so many, or a worker does not see the tables.
    """
    workers = given.train.workers
    spark_session.ship(session, Path.cwd())
    _await_room(session, workers)
    cores = int(session.sparkContext.getConf().get("spark.task.cpus", "1"))
    task = partial(_task, given.absolute().with_threads(cores).packed())
    places = session.sparkContext.parallelize(range(workers), workers)
    try:
        results = places.barrier().mapPartitions(task).collect()
    except spark_errors.failures() as error:
        raise LostWorkerError(spark_errors.reason(error)) from None
    for one in results:
        if isinstance(one, Exception):
            raise one
    return next(one for one in results if one is not None)


def _task(packed: bytes, _: Iterable[int]) -> Iterator[SharedModel | Exception | None]:
    """Runs on a worker: the model of the first, None of the others, or the error that all would have."""
    from pyspark import BarrierTaskContext

    library.load()
    from xgboost.core import XGBoostError

    context = BarrierTaskContext.get()
    place, infos = context.partitionId(), context.getTaskInfos()
    problems = [one for one in context.allGather(training_part.problem(packed)) if one]
    if problems:
        yield PlumblineError(
            f"train, on a Spark worker, which has to see the same paths: {problems[0]}"
        )
        return
    with training_processes.group(len(infos), infos[0].address.rpartition(":")[0]) as own:
        found = context.allGather(json.dumps(dict(own)))[0]
        try:
            yield training_part.trained(packed, place, json.loads(found))
        except XGBoostError as error:
            yield error


def _await_room(session: Any, workers: int) -> None:
    """Waits for as many free cores: Spark would try for minutes, and then say it in many lines."""
    context = session.sparkContext._jsc.sc()
    profile = context.resourceProfileManager().resourceProfileFromId(0)
    until = time.monotonic() + WAIT
    while (room := context.maxNumConcurrentTasks(profile)) < workers:
        if time.monotonic() > until:
            raise PlumblineError(
                f"train.workers: expected {workers} free cores on the cluster, found {room}; start workers, end what "
                "holds their cores, or set engine: duckdb, which gives the same bytes"
            )
        time.sleep(0.5)
