"""Training by several workers of a cluster: the bytes of as many local processes.

Of a use case that no test's module is needed for: Spark's workers have none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.train import fitting, training_cluster, training_processes
from plumbline.train.params import Train
from plumbline.train.training_part import SharedTraining
from tests.boosting import parcels, tuned, write

TRAIN = Train(rounds=15, early_stopping=5, workers=2)


def test_the_bytes_are_those_of_local_processes(
    tmp_path: Path, session: Any, monkeypatch: pytest.MonkeyPatch
):
    usecase = parcels(rows=(), features=("height", "kind_code", "sender_mean_7d"))
    settings = fitting.booster_settings(usecase, TRAIN, tuned({"subsample": 0.7}), 7)
    given = SharedTraining(usecase, TRAIN, settings, write(tmp_path))
    on_cluster = training_cluster.attempt(session, given)
    assert training_processes.attempt(given.packed(), TRAIN.workers) == on_cluster

    gone = replace(given, paths=(tmp_path / "gone.parquet", given.paths[1]))
    with pytest.raises(PlumblineError, match=r"has to see the same paths: .*gone\.parquet"):
        training_cluster.attempt(session, gone)
    monkeypatch.setattr(training_cluster, "WAIT", 0.5)
    with pytest.raises(PlumblineError, match="expected 3 free cores on the cluster, found 2"):
        training_cluster._await_room(session, 3)
