"""DuckDB beside a Spark cluster on this machine: seconds of each stage, and whether the bytes are the same.

`python -m bench.spark_speed --events 35000000` simulates the payments (not counted), then runs data, validate and
features by DuckDB on `--workers` processors and by a cluster of as many workers of one core each. CPU is that of
the stage, the master, the workers and their executors; the Java process that the stage starts as Spark's driver is not
in it (measured apart: 17 s in features of 60,000 events).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import spark_cluster, spark_stages
from bench.spark_cluster import Cluster
from plumbline.core import spark_session

LINE = "{:<10}{:<8}{:>9}{:>9}{:>11}  {}"


def main() -> int:
    """1 where a stage's bytes differ."""
    chosen = _arguments()
    spark_session.home(), spark_session.java()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.workers])
    print(LINE.format("stage", "engine", "wall, s", "CPU, s", "peak, MB", "bytes"))
    with tempfile.TemporaryDirectory(prefix="plumbline-spark-") as name:
        folder = Path(name)
        root = spark_stages.project(folder / "project", chosen.events, chosen.months)
        expected = {}
        for stage in spark_stages.STAGES:
            _duckdb(root, stage, folder / "scratch", chosen.memory)
            expected[stage] = spark_stages.outs(root, stage)
        memory = f"{chosen.worker_memory}m"
        with spark_cluster.cluster(folder / "cluster", chosen.workers, 1, memory) as cluster:
            engine = cluster.environment(f"spark.executor.memory {memory}\n")
            engine |= {"PLUMBLINE_MEMORY": chosen.memory}
            return int(
                not all(
                    _spark(root, stage, folder / "scratch", cluster, engine, expected[stage])
                    for stage in spark_stages.STAGES
                )
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="of a stage, for DuckDB and the driver")
    parser.add_argument("--worker-memory", type=int, default=1500, help="MB of each worker")
    return parser.parse_args()


def _duckdb(root: Path, stage: str, scratch: Path, memory: str) -> None:
    engine = {"PLUMBLINE_ENGINE": "duckdb", "PLUMBLINE_MEMORY": memory}
    used = spark_stages.run(root, stage, scratch, engine)
    shown = (f"{used.wall:.1f}", f"{used.cpu:.1f}", f"{used.resident:,.0f}")
    print(LINE.format(stage, "DuckDB", *shown, ""), flush=True)


def _spark(
    root: Path,
    stage: str,
    scratch: Path,
    cluster: Cluster,
    engine: Mapping[str, str],
    expected: Mapping[str, str],
) -> bool:
    before = cluster.cpu()
    used = spark_stages.run(root, stage, scratch, engine)
    cpu = used.cpu + cluster.cpu() - before
    differing = spark_stages.differing(expected, spark_stages.outs(root, stage))
    verdict = f"differ: {', '.join(differing[:3])}" if differing else "the same"
    shown = (f"{used.wall:.1f}", f"{cpu:.1f}", f"{used.resident:,.0f}")
    print(LINE.format(stage, "Spark", *shown, verdict), flush=True)
    return not differing


if __name__ == "__main__":
    raise SystemExit(main())
