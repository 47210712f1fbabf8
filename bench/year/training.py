"""Models from what was served: the windows of params.yaml, the project's own training."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from bench.year.calendar import CURRENT, START, TEST, VALID, WARMUP
from bench.year.service import Logged
from plumbline import config
from plumbline.core import documents, row_features
from plumbline.core.declarations import Array
from plumbline.features import splits
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow
from plumbline.model import boosting
from plumbline.model.boosting import Batch, Batches
from plumbline.model.tune_result import TuneResult
from plumbline.train import fitting
from plumbline.train.fitting import FittedModel
from plumbline.train.params import Train
from usecases.card_fraud.model import USECASE

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = Features(warmup_days=WARMUP, valid_days=VALID, test_days=TEST, current_days=CURRENT)
ROUNDS, PATIENCE = 80, 15
REVIEW = {"positive": {"column": "amount_cents", "times": 0.05}, "negative": 100, "capacity": 60}


@dataclass(frozen=True)
class Champion:
    """A model, the day up to which its data went, and its windows."""

    model: FittedModel
    as_of: date
    windows: dict[str, SplitWindow]


@cache
def settings() -> tuple[Train, TuneResult]:
    """The shipped params of training, with fewer rounds, and what tune found."""
    own = config.load(USECASE.name, ROOT / "params.yaml").train
    tuned = documents.read(TuneResult, ROOT / f"metrics/{USECASE.name}/tune.json")
    assert own.decisions is not None
    review = own.decisions.review.model_copy(update=REVIEW)
    few = {"rounds": ROUNDS, "early_stopping": PATIENCE, "refit": True, "threads": 1}
    few["decisions"] = own.decisions.model_copy(update={"review": review})
    return own.model_copy(update=few), tuned


def train(days: Sequence[Logged], as_of: date, without: Set[date] = frozenset()) -> Champion:
    """A model as of a day: train, valid and test windows as in the graph; days in `without` are left out."""
    params, tuned = settings()
    windows = splits.windows(USECASE, WINDOWS, START, as_of)
    full = fitting.booster_settings(USECASE, params, tuned, seed=7)
    parts = [columns(days, windows[name], without) for name in ("train", "valid")]
    first = boosting.binned(_batches(parts[:1]), max_bin=full["max_bin"], threads=1)
    second = boosting.binned(_batches(parts[1:]), max_bin=full["max_bin"], threads=1, like=first)
    both = boosting.binned(_batches(parts), max_bin=full["max_bin"], threads=1)
    model = fitting.fit(USECASE, params, full, (first, second), parts[1], both, decide=True)
    return Champion(model, as_of, windows)


def columns(
    days: Sequence[Logged], window: SplitWindow, without: Set[date] = frozenset()
) -> dict[str, Array]:
    """The labelled rows of a window, by column."""
    inside = [d for d in days if window.start <= d.payments.day < window.end]
    inside = [d for d in inside if d.payments.day not in without]
    known = [~np.isnan(d.label) for d in inside]
    names = inside[0].columns
    whole = {
        n: np.concatenate([d.columns[n][k] for d, k in zip(inside, known, strict=True)])
        for n in names
    }
    label = np.concatenate([d.label[k] for d, k in zip(inside, known, strict=True)])
    return {**whole, USECASE.label: label.astype(np.int64)}


def _batches(parts: Sequence[dict[str, Array]]) -> Batches:
    read: Callable[[], object] = lambda: iter(  # noqa: E731
        [Batch(row_features.matrix(USECASE.features, p), p[USECASE.label]) for p in parts]
    )
    return Batches(USECASE.features, read)


def yesterday(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)
