"""Several workers train together: the same bytes each time, also where one is killed; never half a model."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.core.worker_process import WorkerProcess
from plumbline.model import matrices, row_ranges
from plumbline.model.reweighing import Reweigh
from plumbline.train import fitting, training, training_processes
from plumbline.train.fitting import FittedModel
from plumbline.train.params import Train
from plumbline.train.training_part import LostWorkerError
from tests.boosting import COSTS, parcels, tuned, write

GIVEN = {"rounds": 20, "early_stopping": 5, "costs": COSTS, "reweigh": Reweigh(column="kind")}


def fit(folder: Path, workers: int, **changed: Any) -> FittedModel:
    train = Train(**{**GIVEN, "refit": True, "workers": workers, **changed})
    settings = fitting.booster_settings(parcels(), train, tuned({"subsample": 0.7}), 7)
    columns = tables.read(folder / "valid.parquet")
    paths = folder / "train.parquet", folder / "valid.parquet"
    return training.fitted(parcels(), train, settings, paths, columns)


def plain(model: FittedModel) -> tuple[object, ...]:
    trees = bytes(model.booster.save_raw("ubj"))
    return trees, model.rounds, model.metric, model.calibration, model.threshold


def test_the_same_bytes_twice_though_a_worker_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path)
    first = fit(tmp_path, 2)
    started: list[WorkerProcess] = []

    class Killed(WorkerProcess):
        """The second process of the first attempt is killed."""

        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            started.append(self)
            if len(started) == 2:
                os.kill(self.process.pid or 0, signal.SIGKILL)

    monkeypatch.setattr(training_processes, "WorkerProcess", Killed)
    assert plain(fit(tmp_path, 2)) == plain(first)
    assert len(started) == 4
    assert not any(one.process.is_alive() for one in started)
    alone = fit(tmp_path, 1)
    assert plain(alone) != plain(first)
    assert abs(alone.metric - first.metric) < 0.05


def test_a_worker_that_is_lost_each_time_is_one_message():
    attempts: list[int] = []

    def lost() -> Any:
        attempts.append(1)
        raise LostWorkerError("SIGKILL")

    with pytest.raises(PlumblineError, match="lost in each of 3 attempts, last by SIGKILL"):
        training._made(lost)
    assert len(attempts) == 3


def test_more_workers_than_rows_and_a_label_that_cannot_be_learned(tmp_path: Path):
    write(tmp_path, train=30)
    with pytest.raises(PlumblineError, match=r"30 rows for 31 workers; lower train\.workers"):
        fit(tmp_path, 31)
    write(tmp_path, train=1)
    with pytest.raises(PlumblineError, match="a label to be classified holds 0 and 1"):
        fit(tmp_path, 2)


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_the_parts_of_the_workers_are_the_rows_in_their_order(tmp_path: Path, of: int):
    paths = write(tmp_path, train=500, valid=301)
    for path in paths:
        pq.write_table(pq.read_table(path), path, row_group_size=64)
    usecase = parcels()
    whole = [b for path in paths for b in matrices.open_table(usecase, path).read()]
    parts = [b for n in range(of) for b in row_ranges.part(usecase, paths, n, of).read()]
    for name in ("x", "y"):
        both = [np.concatenate([getattr(b, name) for b in bs]) for bs in (whole, parts)]
        np.testing.assert_array_equal(*both)
    sizes = [
        sum(len(b.y) for b in row_ranges.part(usecase, paths, n, of).read()) for n in range(of)
    ]
    assert max(sizes) - min(sizes) <= 1
