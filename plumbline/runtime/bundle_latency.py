"""How long a bundle takes for an event: CPU time beside a yardstick's, in one process. An edge: reads the clock.

No out holds it: seconds are never the same twice. It stands in the run's record, from where the comparison
takes it, and in MLflow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import FeatureSet
from plumbline.model import bundle, library
from plumbline.runtime import run_records

SINGLE, BATCH = 40, 2_000
"""Events that are scored one by one, and together."""
ROUNDS, DEPTH, ROWS = 100, 6, 2_000
"""The yardstick's trees, and the random rows that it is grown on."""
NAMES = ("single_us", "batch_us", "single_ratio", "batch_ratio")


@dataclass(frozen=True)
class Latency:
    """Microseconds of CPU per event, one by one and in a batch, with row features; over the yardstick's, which takes
    the model's features as they are."""

    single_us: float
    batch_us: float
    single_ratio: float
    batch_ratio: float

    @property
    def figures(self) -> dict[str, float]:
        """By name, to three significant digits."""
        return {name: float(f"{value:.3g}") for name, value in asdict(self).items()}


def measure(model: Path, usecase: FeatureSet, columns: Columns) -> Latency:
    """The latency of the bundle in the folder `model`, on one thread, for raw events out of `columns`, (n,) each, of a
    model table.
    """
    scorer = bundle.load(model, usecase.name, threads=1)
    raw = stored_columns.first(columns, BATCH)
    singles = [{n: v[i : i + 1] for n, v in raw.items()} for i in range(min(SINGLE, _rows(raw)))]
    yardstick, x = _yardstick(len(scorer.features), _rows(raw))
    single = _least(lambda i: scorer.score(usecase, singles[i]), len(singles))
    batch = _least(lambda _: scorer.score(usecase, raw), 3) / _rows(raw)
    one = _least(lambda i: yardstick(x[i : i + 1]), len(singles))
    all_ = _least(lambda _: yardstick(x), 3) / _rows(raw)
    return Latency(1e6 * single, 1e6 * batch, single / one, batch / all_)


def noted(model: Path, usecase: FeatureSet, columns: Columns) -> dict[str, float]:
    """The figures of `measure`, kept for the run's record; {} where the run leaves none."""
    if not run_records.kept():
        return {}
    figures = measure(model, usecase, columns).figures
    run_records.note("latency", figures)
    return figures


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _least(call: Callable[[int], Any], times: int) -> float:
    """Median CPU seconds of a call; the first one only warms up."""
    call(0)
    taken = []
    for number in range(times):
        started = time.process_time()
        call(number)
        taken.append(time.process_time() - started)
    return max(float(np.median(taken)), 1e-9)


def _yardstick(features: int, rows: int) -> tuple[Callable[[Array], Any], Array]:
    """What answers by 100 trees of depth 6 over random features, and rows for it."""
    library.load()
    import xgboost

    random = np.random.default_rng(0)
    x = random.random((ROWS, features), np.float32)
    label = (x[:, 0] > random.random(ROWS)).astype(np.float32)
    data = xgboost.QuantileDMatrix(x, label, nthread=1)
    settings = {"max_depth": DEPTH, "objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(settings, data, ROUNDS)
    return booster.inplace_predict, np.resize(x, (rows, features))
