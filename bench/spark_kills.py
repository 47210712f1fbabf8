"""A Spark worker killed in the middle of each stage: the bytes are those of an undisturbed run by DuckDB.

`python -m bench.spark_kills --kills 20` runs data, validate, features, tune and train on a cluster of two workers on this machine
that many times, and kills one of them, its executor with it, at moments spread over the stage; another one joins a
second later.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from bench import spark_cluster, spark_stages
from bench.spark_cluster import Cluster


def main() -> int:
    """1 where a run's bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=5, help="in each stage")
    parser.add_argument("--stages", nargs="+", default=list(spark_stages.STAGES))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plumbline-spark-") as name:
        folder = Path(name)
        root = spark_stages.project(folder / "project", chosen.events, 5)
        good = True
        with spark_cluster.cluster(folder / "cluster") as cluster:
            for stage in spark_stages.STAGES:
                spark_stages.run(root, stage, folder / "scratch", {"PLUMBLINE_ENGINE": "duckdb"})
                if stage in chosen.stages:
                    good &= _killed(root, stage, folder / "scratch", cluster, chosen.kills)
        return int(not good)


def _killed(root: Path, stage: str, scratch: Path, cluster: Cluster, kills: int) -> bool:
    """Whether every run gives the bytes that are there."""
    expected = spark_stages.outs(root, stage)
    whole = spark_stages.run(root, stage, scratch, cluster.environment()).wall
    good = _same(stage, "undisturbed", expected, spark_stages.outs(root, stage))
    for number in range(kills):
        moment = whole * (number + 1) / (kills + 1)
        worker = len(cluster.workers) - 1 - number % 2
        timer = threading.Timer(moment, _replace, (cluster, worker))
        timer.start()
        try:
            spark_stages.run(root, stage, scratch, cluster.environment())
        finally:
            timer.join()
        when = f"killed after {moment:.1f} of {whole:.1f} s"
        good &= _same(stage, when, expected, spark_stages.outs(root, stage))
    return good


def _replace(cluster: Cluster, number: int) -> None:
    cluster.kill_worker(number)
    cluster.start_worker()


def _same(stage: str, when: str, expected: Mapping[str, str], result: Mapping[str, str]) -> bool:
    differing = spark_stages.differing(expected, result)
    print(
        f"{stage}, {when}: {'differ: ' + ', '.join(differing) if differing else 'the same'}",
        flush=True,
    )
    return not differing


if __name__ == "__main__":
    raise SystemExit(main())
