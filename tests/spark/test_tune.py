"""The search on a cluster: the trials of the local processes, also where a worker is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from plumbline.core.errors import PlumblineError
from plumbline.tune import parallel_trials, search, trial_cluster
from plumbline.tune.params import Tune
from plumbline.tune.search import Trial
from tests.boosting import parcels, write

SPACE = {"eta": {"loguniform": [0.01, 0.5]}, "max_depth": {"int": [1, 5]}}
TUNE = Tune(max_evals=6, startup=2, parallel=3, rounds=10, space=SPACE)


def trials(folder: Path, on_trial: search.OnTrial = lambda *_: None) -> tuple[Trial, ...]:
    """Of a use case that no test's module is needed for: Spark's workers have none."""
    usecase = parcels(rows=(), features=("height", "kind_code", "sender_mean_7d"))
    return parallel_trials.run(
        usecase, TUNE, 7, folder / "train.parquet", folder / "valid.parquet", on_trial
    )


def kill_python(trial: Trial, _: Trial | None) -> None:
    """After the first round: kill -9 every process of Python that Spark runs here for a worker."""
    if trial.number != 1:
        return
    for one in psutil.process_iter(["cmdline"]):
        if "pyspark.daemon" in (one.info["cmdline"] or ()):
            os.kill(one.pid, signal.SIGKILL)


@pytest.mark.capability("E5")
def test_the_trials_are_those_of_one_process_though_workers_are_killed(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path)
    numbers: list[int] = []
    on_cluster = trials(tmp_path, lambda t, b: (numbers.append(t.number), kill_python(t, b))[0])
    monkeypatch.setenv("PLUMBLINE_ENGINE", "duckdb")
    monkeypatch.setenv("PLUMBLINE_WORKERS", "1")
    assert on_cluster == trials(tmp_path)
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert {t.status for t in on_cluster} == {"ok"}


def test_a_lost_task_is_a_failed_trial_and_an_error_of_python_stops_the_search():
    task = {"misc": {"error": ("Py4JJavaError", None)}, "result": {"status": "new"}}
    lost = trial_cluster._trial(task, (3, {"eta": 0.1}))
    assert (lost.number, lost.status, dict(lost.params)) == (3, "failed", {"eta": 0.1})
    assert "its Spark task failed" in lost.reason
    missing = {"misc": {}, "result": {"done": PlumblineError("t.parquet: no such file")}}
    with pytest.raises(PlumblineError, match=r"has to see the same paths: t\.parquet"):
        trial_cluster._trial(missing, (3, {}))
    task["misc"] = {"error": ("ImportError", "Traceback\n  File\nImportError: no module x")}
    with pytest.raises(PlumblineError, match="ImportError: no module x"):
        trial_cluster._trial(task, (3, {}))
