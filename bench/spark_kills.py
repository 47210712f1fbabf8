"""A Spark worker killed in the middle of each stage: the bytes are those of an undisturbed run by DuckDB.

`python -m bench.spark_kills` runs data, validate, features, tune, train and `plumbline score` on a cluster of two
workers on this machine, several times each, and kills one of them, its executor with it, at moments spread over the
time in which executors run; another one joins at once. A table ends it: kills, and how many runs kept the bytes.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import spark_cluster, spark_stages
from bench.large.processes import Used
from bench.spark_cluster import Cluster

STAGES = (*spark_stages.STAGES, spark_stages.SCORE)
EVERY = 0.2
"""Seconds between two looks at the cluster."""


@dataclass(frozen=True)
class Kills:
    """Of a stage: runs in which a worker was to be killed, those in which it was while an executor ran, and those that
    ended with the bytes of the undisturbed run."""

    stage: str
    runs: int
    killed: int
    same: int


@dataclass(frozen=True)
class StageRuns:
    """A stage of a project, which a cluster runs."""

    root: Path
    stage: str
    scratch: Path
    cluster: Cluster

    def run(self, delay: float = float("inf")) -> tuple[Used, float]:
        """Run the stage, and kill a worker `delay` seconds after the first executor; until when, from that one, it
        ran (0 where no executor was seen), or negative where a worker was killed."""
        ended = threading.Event()
        with ThreadPoolExecutor(1) as beside:
            disturbed = beside.submit(disturb, self.cluster, delay, ended)
            try:
                environment = self.cluster.environment()
                used = spark_stages.run(self.root, self.stage, self.scratch, environment)
            finally:
                ended.set()
            return used, disturbed.result()


def disturb(cluster: Cluster, delay: float, ended: threading.Event) -> float:
    """Seconds from the first executor to the end of the stage; -1 where a worker was killed before."""
    while not cluster.running():
        if ended.wait(EVERY):
            return 0.0
    first = time.monotonic()
    if ended.wait(None if delay == float("inf") else delay):
        return time.monotonic() - first
    kill(cluster)
    return -1.0


def kill(cluster: Cluster) -> None:
    """Kill the oldest worker that lives, and start another one."""
    living = [n for n, one in enumerate(cluster.workers) if one.poll() is None]
    cluster.kill_worker(living[0])
    cluster.start_worker()


def killed(runs: StageRuns, kills: int) -> Kills:
    """Run the stage undisturbed, and as often as that with a kill."""
    expected = spark_stages.outs(runs.root, runs.stage)
    _, busy = runs.run()
    differing = spark_stages.differing(expected, spark_stages.outs(runs.root, runs.stage))
    print(f"{runs.stage}, undisturbed: {_word(differing)}", flush=True)
    results = [_one(runs, busy * (n + 1) / (kills + 1), expected) for n in range(kills)]
    same = sum(same for _, same in results)
    hit = sum(hit for hit, _ in results)
    return Kills(runs.stage, kills, hit, 0 if differing else same)


def _one(runs: StageRuns, delay: float, expected: dict[str, str]) -> tuple[bool, bool]:
    """Whether a worker was killed, and whether the bytes are the same."""
    try:
        _, until = runs.run(delay)
        word = _word(spark_stages.differing(expected, spark_stages.outs(runs.root, runs.stage)))
    except RuntimeError as error:
        until, word = -1.0, f"FAILED: {error}"
    when = f"killed {delay:.1f} s after the first executor" if until < 0 else "over before the kill"
    print(f"{runs.stage}, {when}: {word}", flush=True)
    return until < 0, word == "the same"


def _word(differing: list[str]) -> str:
    return f"DIFFER: {', '.join(differing)}" if differing else "the same"


def table(stages: Iterable[Kills]) -> str:
    """A row for each stage."""
    rows = [f"| {one.stage} | {one.killed} of {one.runs} | {one.same} |" for one in stages]
    head = ("| stage | runs with a worker killed | the same bytes |", "|---|---|---|")
    return "\n".join((*head, *rows))


def main() -> int:
    """1 where a run failed or its bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--kills", type=int, default=2, help="in each stage")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    chosen = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="plumbline-spark-") as name:
        folder = Path(name)
        root = spark_stages.project(folder / "project", chosen.events, 5)
        with spark_cluster.cluster(folder / "cluster") as cluster:
            for stage in STAGES[: 1 + max(map(STAGES.index, chosen.stages))]:
                runs = StageRuns(root, stage, folder / "scratch", cluster)
                spark_stages.run(root, stage, runs.scratch, {"PLUMBLINE_ENGINE": "duckdb"})
                if stage in chosen.stages:
                    results.append(killed(runs, chosen.kills))
    print(table(results))
    return int(any(one.same < one.runs for one in results))


if __name__ == "__main__":
    raise SystemExit(main())
