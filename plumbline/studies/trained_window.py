"""The two windows that a model is learned from, in memory, and fits on parts of them. An edge: reads tables.

Answers are judged on the validation window, as the trials of tune are: the test window is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core import tables
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics
from plumbline.metrics.bootstrap import Resample
from plumbline.repo import artifacts
from plumbline.studies.backtest import refit
from plumbline.train import fitting
from plumbline.train.fitting import FittedModel


@dataclass(frozen=True)
class TrainedWindow:
    """Columns (n,) of train and (m,) of validation, and how answers to the second are judged."""

    usecase: UseCase
    params: UseCaseParams
    train: Columns
    valid: Columns
    labelled: LabelledWindow

    @property
    def sign(self) -> float:
        """1 where a higher metric is better, -1 where a lower one is."""
        return 1.0 if self.labelled.higher_is_better else -1.0

    def fit(self, settings: Mapping[str, Any], rows: Array | None = None) -> FittedModel:
        """Fit as the train stage fits, on the rows of train in `rows`, bool (n,); None: all.

        Without calibration and costs, which change no ranking, and without `train.refit`.
        """
        train = self.train if rows is None else taken(self.train, rows)
        pair = refit.binned(self.usecase, settings, train, self.valid)
        return fitting.fit(self.usecase, _plain(self.params), settings, pair, self.valid)

    def replicates(self, answer: Array, sample: Resample) -> Array:
        """The primary metric of answers (m,), for each draw of the validation days, (R,)."""
        window = self.labelled
        return metrics.primary(window.problem, window.label, answer, sample)


def read(
    usecase: UseCase,
    params: UseCaseParams,
    root: Path,
    replicates: int,
    extra: tuple[str, ...] = (),
) -> TrainedWindow:
    """The tables that train and tune read; `extra`: further columns of train.

    `replicates`: at most, of the validation days.
    """
    pair = [artifacts.path(usecase.name, role, root) for role in artifacts.LEARNED]
    time = [usecase.time] if usecase.time else []
    names = [usecase.key, *time, *fitting.needed_columns(usecase, None)]
    train = tables.read(pair[0], list(dict.fromkeys([*names, *extra])))
    valid = tables.read(pair[1], list(dict.fromkeys(names)))
    evaluate = params.evaluate
    labelled = LabelledWindow(
        problem=usecase.problem,
        label=valid[usecase.label].astype(np.float64),
        day=valid[usecase.time].astype("datetime64[D]") if usecase.time else None,
        replicates=min(replicates, evaluate.bootstrap),
        level=evaluate.level,
        seed=params.seed,
    )
    return TrainedWindow(usecase, params, train, valid, labelled)


def taken(columns: Columns, rows: Array) -> dict[str, Array]:
    """The rows of `columns` in `rows`, bool (n,)."""
    return {name: values[rows] for name, values in columns.items()}


def settings(window: TrainedWindow, tuned: Any, seed: int) -> dict[str, Any]:
    """XGBoost's settings as the train stage has them, under another seed."""
    return fitting.booster_settings(window.usecase, window.params.train, tuned, seed)


def _plain(params: UseCaseParams) -> Any:
    update = {"costs": None, "decisions": None, "calibration": "none", "refit": False}
    return params.train.model_copy(update=update)
