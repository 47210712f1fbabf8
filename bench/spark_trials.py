"""Whether Hyperopt's SparkTrials gives the same search twice: as it comes, and a round at a time.

`python -m bench.spark_trials` starts a cluster of two workers on this machine, runs the same search with the same seed
twice in each way, and prints from which trial on the two differ, and the seconds.
"""

from __future__ import annotations

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
from plumbline.tune import search, space, trial_cluster

TRIALS, STARTUP, TOGETHER, SEED = 12, 4, 4, 1
SPACE = space.parse({"gamma": {"uniform": [0, 1]}})


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


def trial(point: search.Point) -> search.Trial:
    """The same figure."""
    return search.Trial(*point, figure(point[1]["gamma"]), 1)


def in_rounds(session: Any) -> list[float]:
    """The same, through `plumbline.tune`."""
    given = {"higher_is_better": False, "max_evals": TRIALS, "seed": SEED, "startup": STARTUP}
    ran = search.search(
        SPACE, trial_cluster.TrialCluster(session, trial), parallel=TOGETHER, **given
    )
    return [one.params["gamma"] for one in ran]


def first_difference(one: Sequence[float], other: Sequence[float]) -> str:
    """The number of the first trial that differs."""
    places = [n for n, pair in enumerate(zip(one, other, strict=True), 1) if pair[0] != pair[1]]
    return f"differ from trial {places[0]} on" if places else "are equal"


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        spark_cluster.cluster(Path(folder)) as made,
        spark_session.connect(made.address) as session,
    ):
        for way in (as_it_comes, in_rounds):
            started = time.perf_counter()
            one, other = way(session), way(session)
            seconds = (time.perf_counter() - started) / 2
            print(
                f"{way.__name__}: two searches {first_difference(one, other)}; {seconds:.1f} s each"
            )


if __name__ == "__main__":
    main()
