"""Workers of a training as processes of this machine: where there is no cluster, with the same bytes. An edge: processes.

A process that is killed ends the attempt: all start over, a few times. An error of XGBoost is raised.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

from plumbline.core.worker_process import WorkerProcess
from plumbline.model import library
from plumbline.train import training_part
from plumbline.train.training_part import LostWorkerError, SharedModel

LOOPBACK = "127.0.0.1"
SETTLES = 5.0
"""Seconds in which the others notice that a worker is gone."""


def attempt(packed: bytes, workers: int) -> SharedModel:
    """Train in as many processes. LostWorkerError where one was killed; XGBoostError where XGBoost refuses."""
    processes = [WorkerProcess(serve, b"%d:%b" % (place, packed)) for place in range(workers)]
    try:
        with group(workers, LOOPBACK) as found:
            for one in processes:
                with suppress(OSError):  # it is dead: so `_result` finds it
                    one.connection.send(found)
            return _result(processes)
    finally:
        for one in processes:
            one.stop()


@contextmanager
def group(workers: int, host: str) -> Iterator[Mapping[str, Any]]:
    """How the workers find each other: XGBoost's tracker, which runs here at the address `host`."""
    library.load()
    from xgboost import config_context
    from xgboost.tracker import RabitTracker

    with config_context(verbosity=0):
        tracker = RabitTracker(n_workers=workers, host_ip=host, sortby="task")
        tracker.start()
        threading.Thread(target=tracker.wait_for, daemon=True).start()
        yield tracker.worker_args()


def serve(parent: Connection, given: bytes) -> None:
    """A worker's process: trains, and sends the model, None, or XGBoost's words."""
    place, _, packed = given.partition(b":")
    library.load()
    from xgboost.core import XGBoostError

    try:
        parent.send(training_part.trained(packed, int(place), parent.recv()))
    except XGBoostError as error:
        parent.send(error)


def _result(processes: list[WorkerProcess]) -> SharedModel:
    """Worker 0's model, once all are done."""
    results: list[Any] = []
    waiting = {one.connection: one for one in processes}
    while waiting:
        for ready in connection.wait(list(waiting)):
            one = waiting.pop(ready)  # type: ignore[call-overload]
            try:
                results.append(one.connection.recv())
            except (EOFError, OSError):
                raise LostWorkerError(one.ending()) from None
            if isinstance(results[-1], Exception):
                _raise_first(processes, results[-1])
    return next(one for one in results if one is not None)


def _raise_first(processes: list[WorkerProcess], error: Exception) -> None:
    """An error of XGBoost is its own, or what it says of another worker that was killed."""
    for one in processes:
        one.process.join(SETTLES / len(processes))
    killed = [one for one in processes if (one.process.exitcode or 0) < 0]
    if killed:
        raise LostWorkerError(killed[0].ending())
    raise error
