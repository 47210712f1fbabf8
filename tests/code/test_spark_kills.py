"""The bench that kills Spark's workers: which one it kills, and when it says that it did."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench import spark_kills
from bench.spark_kills import Kills


@dataclass
class Worker:
    """As a process; `poll` is None while it runs."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code


@dataclass
class PretendCluster:
    """A cluster whose master counts the workers that live."""

    workers: list[Worker] = field(default_factory=lambda: [Worker(), Worker()])
    executors: int = 1

    def running(self) -> int:
        return self.executors

    def kill_worker(self, number: int) -> None:
        assert self.workers[number].code is None, (
            "it is dead already: the master would count no fewer"
        )
        self.workers[number].code = -9

    def start_worker(self) -> None:
        self.workers.append(Worker())


def test_each_kill_ends_a_worker_that_lives_and_starts_another():
    cluster: Any = PretendCluster()
    for _ in range(4):
        spark_kills.kill(cluster)
    assert [one.code for one in cluster.workers] == [-9] * 4 + [None] * 2


@pytest.mark.parametrize("executors", [1, 0])
def test_a_stage_that_is_over_is_no_kill(executors: int):
    cluster: Any = PretendCluster(executors=executors)
    ended = threading.Event()
    ended.set()
    assert spark_kills.disturb(cluster, 60, ended) >= 0
    assert [one.code for one in cluster.workers] == [None, None]


def test_a_kill_while_executors_run_is_counted():
    cluster: Any = PretendCluster()
    assert spark_kills.disturb(cluster, 0, threading.Event()) < 0
    assert [one.code for one in cluster.workers] == [-9, None, None]
    rows = spark_kills.table([Kills("tune", 3, 2, 3)]).splitlines()
    assert rows[-1] == "| tune | 2 of 3 | 3 |"
