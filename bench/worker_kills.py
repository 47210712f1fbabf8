"""A process of `tune` or `train` killed in the middle: the trials and the bytes are those of an undisturbed run.

`python -m bench.worker_kills --kills 10` runs a search in two processes, and a training by two, that many times, and
kills one of them (kill -9) at moments spread over the run. On a cluster: `python -m bench.spark_kills`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from plumbline.core import tables
from plumbline.runtime import runner
from plumbline.train import fitting, training
from plumbline.train.params import Train
from plumbline.tune import parallel_trials
from plumbline.tune.params import Tune
from tests.boosting import COSTS, parcels, tuned, write

SPACE = {"eta": {"loguniform": [0.01, 0.5]}, "max_depth": {"int": [4, 9]}}
TUNE = Tune(max_evals=8, startup=4, parallel=4, rounds=60, space=SPACE)
TRAIN = Train(rounds=150, early_stopping=150, workers=2, costs=COSTS)


def search(folder: Path) -> object:
    """The trials."""
    paths = folder / "train.parquet", folder / "valid.parquet"
    return parallel_trials.run(parcels(), TUNE, 7, *paths, lambda *_: None)


def train(folder: Path) -> object:
    """The bytes of the trees, and the threshold."""
    paths = folder / "train.parquet", folder / "valid.parquet"
    settings = fitting.booster_settings(parcels(), TRAIN, tuned({"subsample": 0.7}), 7)
    model = training.fitted(parcels(), TRAIN, settings, paths, tables.read(paths[1]))
    return bytes(model.booster.save_raw("ubj")), model.threshold


def kill_one(number: int) -> None:
    """Of the processes that this one has started."""
    children = sorted(multiprocessing.active_children(), key=lambda one: one.pid or 0)
    if children:
        with suppress(ProcessLookupError):
            os.kill(children[number % len(children)].pid or 0, 9)


def killed(run: Callable[[Path], object], folder: Path, kills: int) -> bool:
    """Whether every disturbed run gives what the undisturbed one does."""
    started = time.perf_counter()
    expected = run(folder)
    whole, good = time.perf_counter() - started, True
    for number in range(kills):
        moment = whole * (number + 1) / (kills + 1)
        timer = threading.Timer(moment, kill_one, (number,))
        timer.start()
        same = run(folder) == expected
        timer.cancel()
        good &= same
        word = "the same" if same else "NOT THE SAME"
        print(f"{run.__name__}, killed after {moment:.1f} of {whole:.1f} s: {word}", flush=True)
    return good


def main() -> int:
    """1 where a run differs."""
    runner.prepare()  # threads that wait sleep, as in a stage
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=5, help="of each")
    parser.add_argument("--rows", type=int, default=40_000)
    chosen = parser.parse_args()
    os.environ["PLUMBLINE_ENGINE"], os.environ["PLUMBLINE_WORKERS"] = "duckdb", "2"
    with tempfile.TemporaryDirectory(prefix="plumbline-kills-") as name:
        write(Path(name), chosen.rows, chosen.rows // 4)
        return int(sum(not killed(run, Path(name), chosen.kills) for run in (search, train)) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
