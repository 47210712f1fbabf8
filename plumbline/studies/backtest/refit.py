"""Refit a model from columns in memory as the train stage fits it from tables, for studies that train many.

`tests/code/test_refit.py` holds both against each other: the same rows give the same trees to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from plumbline.config import UseCaseParams
from plumbline.core import row_features, tables
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.model import boosting, label_checks, reweighing, scale
from plumbline.model.tune_result import TuneResult
from plumbline.train import fitting
from plumbline.train.fitting import FittedModel


def settings(usecase: UseCase, params: UseCaseParams, tuned: TuneResult) -> dict[str, Any]:
    """XGBoost's settings as the train stage has them."""
    return fitting.booster_settings(usecase, params.train, tuned, params.seed)


def fit(
    usecase: UseCase,
    params: UseCaseParams,
    settings: Mapping[str, Any],
    train: Columns,
    valid: Columns,
) -> FittedModel:
    """Boost on the columns `train`; early stopping, calibration and threshold on `valid`.

    Raises PlumblineError where a window has no rows, or a label that cannot be learned.
    """
    pair = binned(usecase, settings, train, valid)
    reweighing.weigh(usecase, params.train.reweigh, pair[0], [train])
    both = None
    if params.train.refit:
        parts = [batches(usecase, columns) for columns in (train, valid)]
        how = {"max_bin": settings["max_bin"], "threads": settings["nthread"]}
        both = boosting.binned(boosting.joined(parts), **how)
        reweighing.weigh(usecase, params.train.reweigh, both, [train, valid])
    return fitting.fit(usecase, params.train, settings, pair, valid, both)


def binned(
    usecase: UseCase, settings: Mapping[str, Any], train: Columns, valid: Columns
) -> tuple[Any, Any]:
    """Both windows as QuantileDMatrices; `valid` takes over the bins of `train`."""
    for name, columns in (("train", train), ("valid", valid)):
        label_checks.check(usecase.problem, [columns[usecase.label]], f"the {name} window")
    matrix = partial(boosting.binned, max_bin=settings["max_bin"], threads=settings["nthread"])
    learn = matrix(batches(usecase, train))
    return learn, matrix(batches(usecase, valid), like=learn)


def batches(usecase: UseCase, columns: Columns) -> boosting.Batches:
    """Columns in memory (n,) as batches of the size that the stage reads."""

    def read() -> Iterator[boosting.Batch]:
        for first in range(0, len(columns[usecase.label]), tables.CHUNK):
            part = {n: v[first : first + tables.CHUNK] for n, v in columns.items() if n in names}
            x = row_features.matrix(usecase.features, part)
            offset = scale.start(usecase.scale, usecase.offset, part)
            yield boosting.Batch(x, scale.learned(usecase, part), offset)

    names = {*usecase.features, usecase.label, *([usecase.offset] if usecase.offset else [])}
    return boosting.Batches(usecase.features, read, usecase.native)
