"""Trials side by side: the same search however many processes there are, and whichever of them die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from plumbline.core import worker_process
from plumbline.core.errors import PlumblineError
from plumbline.tune import parallel_trials, proposals, search, space, trial_pool, trial_worker
from plumbline.tune.params import Tune
from plumbline.tune.search import Point, Trial
from plumbline.tune.trial_pool import TrialPool
from tests.boosting import parcels, write

SPACE = {"eta": {"loguniform": [0.01, 0.5]}, "max_depth": {"int": [1, 5]}}
TUNE = Tune(max_evals=7, startup=3, parallel=3, rounds=10, space=SPACE)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write(tmp_path_factory.mktemp("tables"))


def trials(
    tables: tuple[Path, Path], workers: int, on_trial: search.OnTrial = lambda *_: None
) -> tuple[Trial, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_WORKERS", str(workers))
        return parallel_trials.run(parcels(), TUNE, 7, *tables, on_trial)


@pytest.fixture(scope="module")
def alone(tables: tuple[Path, Path]) -> tuple[Trial, ...]:
    """The trials in one process."""
    return trials(tables, 1)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[worker_process.WorkerProcess]:
    """The processes of pools, as they start."""
    processes: list[worker_process.WorkerProcess] = []

    class Noted(worker_process.WorkerProcess):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            processes.append(self)

    monkeypatch.setattr(trial_pool, "WorkerProcess", Noted)
    return processes


@pytest.mark.capability("E8")
def test_the_same_trials_in_one_process_and_in_two_of_which_one_is_killed(
    tables: tuple[Path, Path],
    alone: tuple[Trial, ...],
    started: list[worker_process.WorkerProcess],
):
    numbers: list[int] = []

    def kill_first(trial: Trial, _: Trial | None) -> None:
        numbers.append(trial.number)
        if trial.number == 1:
            os.kill(started[0].process.pid or 0, signal.SIGKILL)

    assert trials(tables, 2, kill_first) == alone
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    assert not any(one.process.is_alive() for one in started), "a process is left over"


def test_ctrl_c_in_the_middle_of_a_search_leaves_no_process(
    tables: tuple[Path, Path], started: list[worker_process.WorkerProcess]
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt  # not by a signal: test runners in the background ignore it

    with pytest.raises(KeyboardInterrupt):
        trials(tables, 2, interrupt)
    assert len(started) == 2
    assert not any(one.process.is_alive() for one in started)


def drawn(parallel: int, **changed: Any) -> tuple[Trial, ...]:
    """30 trials of a plain figure, in rounds of `parallel`."""
    evaluate = search.in_turn(lambda p: (p["eta"], 1), ())
    given = {"higher_is_better": True, "max_evals": 30, "seed": 1, "startup": 5, **changed}
    return search.search(space.parse(SPACE), evaluate, parallel=parallel, **given)


def test_points_of_a_round_come_from_the_rounds_before_it():
    one_by_one, together = drawn(1), [drawn(4), drawn(4)]
    assert together[0] == together[1]
    assert together[0][:5] == one_by_one[:5]
    assert together[0] != one_by_one
    assert len({tuple(t.params.items()) for t in together[0]}) > 25, "points come twice"


@pytest.mark.parametrize("method", ["random", "grid"])
def test_what_learns_nothing_is_the_same_in_rounds(method: proposals.Method):
    alone = drawn(1, method=method)
    assert all(drawn(n, method=method) == alone for n in (4, 30, 40))


def dying(connection: Connection, packed: bytes) -> None:
    """A process that dies at trial 2, and at the first attempt of trial 3."""
    while True:
        number, params = connection.recv()
        if number == 2 or (number == 3 and not Path(packed.decode()).exists()):
            Path(packed.decode()).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        connection.send(Trial(number, params, 0.5, 1))


def test_a_trial_that_takes_two_processes_down_is_a_failed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trial_worker, "serve", dying)
    points: list[Point] = [(n, {"eta": 0.1}) for n in (1, 2, 3, 4)]
    with TrialPool(str(tmp_path / "mark").encode(), 1) as pool:
        done = list(pool(points))
    assert [t.number for t in done] == [1, 2, 3, 4]
    assert [t.status for t in done] == ["ok", "failed", "ok", "ok"]
    assert done[1].reason == "its process ended 2 times, last by SIGKILL: too little memory?"


def test_an_error_of_the_tables_stops_the_search(tables: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(PlumblineError, match=r"gone\.parquet: no such file"):
        trials((tables[0], tmp_path / "gone.parquet"), 2)


def forever(connection: Connection, _: bytes) -> None:
    connection.send(os.getpid())
    time.sleep(600)


@pytest.fixture
def sleeper() -> Iterator[worker_process.WorkerProcess]:
    worker = worker_process.WorkerProcess(forever, b"")
    yield worker
    worker.stop()


def test_ctrl_c_is_left_to_the_parent_and_stop_ends_the_process(
    sleeper: worker_process.WorkerProcess,
):
    assert sleeper.connection.recv() == sleeper.process.pid
    os.kill(sleeper.process.pid or 0, signal.SIGINT)
    assert not sleeper.connection.poll(0.2)
    assert sleeper.process.is_alive()
    sleeper.stop()
    assert not sleeper.process.is_alive()
