"""Stages of a run by DVC share one process that talks to MLflow, and lose nothing by it."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plumbline.tracking import mlflow_process, shared_process
from plumbline.tracking.mlflow_process import SharedWorker, UnreachableError

STAND_IN = """
import sys, time
from plumbline.tracking import shared_process
seat = shared_process.Seat(int(sys.argv[1]), sys.argv[2])
connection = seat.next()
{then}
"""


@pytest.fixture(autouse=True)
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stage that DVC runs, in a folder and with a place for sockets of its own."""
    mlflow_process.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train@parcels")
    with tempfile.TemporaryDirectory(
        prefix="mlflow-", dir="/tmp"
    ) as sockets:  # a socket's path is short
        monkeypatch.setattr(shared_process.tempfile, "tempdir", sockets)
        yield from served(tmp_path, monkeypatch)


def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Its folder; the processes that served it end with the test."""
    pids: list[int] = []
    monkeypatch.setattr(shared_process, "greeted", noting(pids, shared_process.greeted))
    yield tmp_path
    mlflow_process.close()
    for pid in {p for p in pids if p}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def noting(pids, greeted):
    def call(connection):
        pids.append(greeted(connection))
        return pids[-1]

    return call


def ask(path: Path, **more: float) -> mlflow_process.Worker:
    """A stage's request, made as a stage makes it."""
    worker = mlflow_process.worker()
    where = f"sqlite:///{path}"
    worker.prepare(where)
    worker.ask({"action": "prepare", "address": where, "experiment": "parcels"}, **more)
    return worker


def next_stage(monkeypatch: pytest.MonkeyPatch, name: str, **environment: str) -> None:
    mlflow_process.close()
    for key, value in {"DVC_STAGE": name, **environment}.items():
        monkeypatch.setenv(key, value)


def tables(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return len(database.execute("select * from sqlite_master").fetchall())


def test_the_next_stage_has_the_same_process_and_a_new_file_is_seen(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted and made anew, MLflow's file is not written to by what has the old one open."""
    file = stage / "mlflow.db"
    first = ask(file)
    assert isinstance(first, SharedWorker)
    next_stage(monkeypatch, "evaluate@parcels")
    second = ask(file)
    assert isinstance(second, SharedWorker)
    assert (second.pid, second.own) == (first.pid, None)
    file.unlink()
    next_stage(monkeypatch, "monitor@parcels")
    third = ask(file)
    assert isinstance(third, SharedWorker)
    assert third.own is not None
    assert tables(file) > 10


def test_another_environment_or_folder_has_another(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    environment = dict(os.environ)
    for change in ({}, {"MLFLOW_TRACKING_TOKEN": "x"}, {"DVC_STAGE": "other"}):
        names.add(shared_process._name(["python"], environment | change))
    assert len(names) == 2
    (stage / "there").mkdir()
    monkeypatch.chdir(stage / "there")
    names.add(shared_process._name(["python"], environment))
    assert len(names) == 3


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, then: str) -> None:
    script = folder / "worker.py"
    script.write_text(STAND_IN.format(then=then))
    monkeypatch.setattr(mlflow_process, "_command", lambda: [sys.executable, str(script)])


def test_one_that_hangs_is_killed(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, stage, "time.sleep(600)")
    with pytest.raises(UnreachableError, match=r"no answer in 0\.2 s"):
        ask(stage / "mlflow.db", patience=0.2)
    assert not mlflow_process.worker.cache_info().currsize


def test_one_that_dies_says_its_last_words(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, stage, "sys.exit('out of memory')")
    with pytest.raises(UnreachableError, match="out of memory"):
        ask(stage / "mlflow.db", patience=30)


def test_one_that_serves_another_stage_is_left_to_it(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(stage / "mlflow.db")
    assert isinstance(first, SharedWorker)
    connection = shared_process.connect(mlflow_process._command(), mlflow_process._environment())
    assert connection is not None
    monkeypatch.setattr(shared_process, "GREETING", 0.05)
    assert shared_process.greeted(connection) is None
    connection.close()


def test_a_folder_that_others_can_enter_is_not_used(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path(tempfile.gettempdir()) / f"plumbline-{os.getuid()}").mkdir(mode=0o755)
    assert type(mlflow_process.worker()) is mlflow_process.Worker


def test_it_ends_when_no_stage_comes(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    path = stage / "mlflow-1"
    monkeypatch.setattr(shared_process, "IDLE", 0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        seat = shared_process.Seat(os.dup(listener.fileno()), str(path))
        assert seat.next() is None
    assert not path.exists()


def test_by_hand_a_stage_has_its_own(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE")
    assert type(mlflow_process.worker()) is mlflow_process.Worker
