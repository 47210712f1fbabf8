"""Whether a search is the same wherever its trials run, and Hyperopt's SparkTrials as it comes beside it.

`python -m bench.spark_trials` starts a cluster of two workers on this machine. It runs a search by `plumbline.tune` with
five seeds in one process, in a pool of two, and on the cluster, prints the best trial of each, and ends with 1 where
any trial differs. `--shipped 4` then runs so many pairs of searches by SparkTrials as Hyperopt ships it, and prints
from which trial on the two of a pair differ.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench import spark_cluster
from plumbline.core import spark_session
from plumbline.runtime import runner
from plumbline.tune import parallel_trials, search, trial_cluster
from plumbline.tune.params import Tune
from tests.boosting import parcels, write

TRIALS, STARTUP, TOGETHER, SEED = 12, 4, 4, 1
SPACE = {"eta": {"loguniform": [0.01, 0.5]}, "max_depth": {"int": [1, 5]}}
TUNE = Tune(max_evals=TRIALS, startup=STARTUP, parallel=TOGETHER, rounds=20, space=SPACE)


def figure(value: float) -> float:
    """A trial of up to three seconds: how long one takes is the machine's doing, and not twice the same."""
    time.sleep(random.SystemRandom().uniform(0, 3))
    return (value - 0.3) ** 2


def as_it_comes(session: Any) -> list[float]:
    """The values that were tried, in the order of their numbers."""
    import hyperopt

    trials = trial_cluster._spark_trials()(parallelism=TOGETHER, spark_session=session)
    hyperopt.fmin(
        figure,
        hyperopt.hp.uniform("gamma", 0, 1),
        algo=partial(hyperopt.tpe.suggest, n_startup_jobs=STARTUP),
        max_evals=TRIALS,
        trials=trials,
        rstate=np.random.default_rng(SEED),
        verbose=False,
        show_progressbar=False,
        return_argmin=False,
    )
    return [one["misc"]["vals"]["gamma"][0] for one in trials.trials]


def everywhere(folder: Path, seed: int, address: str) -> bool:
    """Whether the trials of a search are equal in one process, in a pool, and on the cluster."""
    places = {
        "one process": ("duckdb", "1"),
        "pool": ("duckdb", "2"),
        "SparkTrials": (address, "1"),
    }
    ran = {}
    for name, (engine, workers) in places.items():
        os.environ |= {"PLUMBLINE_ENGINE": engine, "PLUMBLINE_WORKERS": workers}
        ran[name] = _search(folder, seed)
        best = search.best(ran[name], higher_is_better=True)
        shown = (best.number, best.metric) if best else None
        print(f"seed {seed}, {name}: best trial and its metric: {shown}", flush=True)
    same = all(one == ran["one process"] for one in ran.values())
    print(f"seed {seed}: all trials {'are equal' if same else 'DIFFER'}", flush=True)
    return same


def _search(folder: Path, seed: int) -> tuple[search.Trial, ...]:
    """Of a use case that no module of the tests is needed for: Spark's workers have none."""
    usecase = parcels(rows=(), features=("height", "kind_code", "sender_mean_7d"))
    paths = folder / "train.parquet", folder / "valid.parquet"
    return parallel_trials.run(usecase, TUNE, seed, *paths, lambda *_: None)


def first_difference(one: Sequence[float], other: Sequence[float]) -> str:
    """The number of the first trial that differs."""
    places = [n for n, pair in enumerate(zip(one, other, strict=True), 1) if pair[0] != pair[1]]
    return f"differ from trial {places[0]} on" if places else "are equal"


def shipped(address: str, pairs: int) -> None:
    """Searches by Hyperopt's class alone."""
    with spark_session.connect(address) as session:
        for _ in range(pairs):
            print(f"as shipped: two searches {first_difference(*map(as_it_comes, [session] * 2))}")


def main() -> int:
    """1 where a search differs."""
    runner.prepare()  # threads that wait sleep, as in a stage
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shipped", type=int, default=0, help="pairs of searches")
    chosen = parser.parse_args()
    with TemporaryDirectory() as name, spark_cluster.cluster(Path(name) / "cluster") as made:
        os.environ |= made.environment()
        write(Path(name))
        same = [everywhere(Path(name), seed, made.address) for seed in range(1, chosen.seeds + 1)]
        shipped(made.address, chosen.shipped)
    return int(not all(same))


if __name__ == "__main__":
    raise SystemExit(main())
