"""A model as the train stage makes it, from columns in memory: for studies that train many.

`tests/code/test_refit.py` holds it against the stage: the same tables, the same trees to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core import row_features, tables
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.metrics import metrics
from plumbline.model import boosting, bundle, calibration
from plumbline.model import threshold as decision
from plumbline.model.calibration import Calibration


@dataclass(frozen=True)
class Refit:
    """A fitted model; `threshold`: alarm at this probability and above, None for a regression."""

    usecase: UseCase
    booster: Any
    rounds: int
    calibration: Calibration
    threshold: float | None

    def predict(self, columns: Columns) -> Array:
        """Calibrated probability, or value in the label's unit, float64 (n,)."""
        case = self.usecase
        raw = bundle.raw_score(self.booster, case.features, case.offset, columns)
        return calibration.apply(self.calibration, raw)


def settings(case: UseCase, params: UseCaseParams, found: Mapping[str, Any]) -> dict[str, Any]:
    """XGBoost's settings as the train stage has them; `found` is what tune wrote."""
    train = params.train
    given = {**found["fixed"], **train.params, **found["params"]}
    given |= boosting.monotone(case, train.monotone)
    return boosting.settings(case.problem, given, seed=params.seed, threads=train.threads)


def fit(
    case: UseCase,
    params: UseCaseParams,
    full: Mapping[str, Any],
    train: Columns,
    valid: Columns,
) -> Refit:
    """Boost on `train`; early stopping, calibration and threshold on `valid`.

    Raises PlumblineError where a table has no rows, or a label that cannot be learned.
    """
    how, label = params.train, valid[case.label].astype(np.float64)
    learn, watch = matrices(case, full, train, valid)
    boosted = boosting.boost(
        full, learn, watch, rounds=how.rounds, early_stopping=how.early_stopping
    )
    raw = bundle.raw_score(boosted.booster, case.features, case.offset, valid)
    fitted = Calibration()
    if case.problem == "classification":
        fitted = calibration.fit(how.calibration, raw, label)
    alarm = decision.choose(case, valid, calibration.apply(fitted, raw), how.costs)
    return Refit(case, boosted.booster, boosted.rounds, fitted, alarm.value if alarm else None)


def quality(case: UseCase, columns: Columns, score: Array) -> float:
    """The primary metric of `score` (n,): average precision, or the mean absolute error."""
    figure = metrics.mae if case.problem == "regression" else metrics.average_precision
    return figure(columns[case.label].astype(np.float64), score)


def matrices(
    case: UseCase, full: Mapping[str, Any], train: Columns, valid: Columns
) -> tuple[Any, Any]:
    """Both tables as QuantileDMatrices; `valid` takes over the bins of `train`."""
    for name, table in (("train", train), ("valid", valid)):
        boosting.check_label(case.problem, table[case.label], f"the {name} window")
    binned = partial(boosting.binned, max_bin=full["max_bin"], threads=full["nthread"])
    learn = binned(held(case, train))
    return learn, binned(held(case, valid), like=learn)


def held(case: UseCase, columns: Columns) -> boosting.Batches:
    """Columns in memory as batches of the size that the stage reads."""

    def read() -> Iterator[boosting.Batch]:
        for first in range(0, len(columns[case.label]), tables.CHUNK):
            part = {n: v[first : first + tables.CHUNK] for n, v in columns.items() if n in names}
            offset = part[case.offset].astype(np.float32) if case.offset else None
            label = part[case.label].astype(np.float32)
            yield boosting.Batch(row_features.matrix(case.features, part), label, offset)

    names = {*case.features, case.label, *([case.offset] if case.offset else [])}
    return boosting.Batches(case.features, read)
