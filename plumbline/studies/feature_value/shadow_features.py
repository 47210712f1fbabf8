"""Does each feature bring more than noise? Training beside shadows: columns of the same values, shuffled.

After Kursa and Rudnicki, "Feature Selection with the Boruta Package" (Journal of Statistical Software
36, 2010): a feature that a shuffled column outdoes says nothing that chance does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Problem
from plumbline.metrics import metrics
from plumbline.model import boosting, softmax
from plumbline.model.boosting import Batch, Batches


@dataclass(frozen=True)
class TrainingWindow:
    """A window: the matrix float32 (n, k), the label (n,), and the offset (n,) if any."""

    x: Array
    y: Array
    offset: Array | None = None


@dataclass(frozen=True)
class FeatureContribution:
    """What a column brought in one training: total gain, and what the metric loses without it."""

    gain: float
    loss: float


@dataclass(frozen=True)
class TrainingSettings:
    """The model's own: problem, XGBoost's settings in full, rounds at most, early stopping."""

    problem: Problem
    full: Mapping[str, Any]
    rounds: int
    early_stopping: int
    native: frozenset[str] = frozenset()  # categories that are split on as sets


def once(
    names: Sequence[str],
    train: TrainingWindow,
    valid: TrainingWindow,
    settings: TrainingSettings,
    shadow_count: int,
    seed: int,
) -> tuple[dict[str, FeatureContribution], list[FeatureContribution]]:
    """One training beside `shadows` shuffled columns: what each feature brought, and each shadow."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(names), size=min(shadow_count, len(names)), replace=False)
    beside = [_beside(t, chosen, random) for t in (train, valid)]
    every = [*names, *(f"shadow {i}" for i in range(len(chosen)))]
    shuffled = {f"shadow {i}" for i, c in enumerate(chosen) if names[c] in settings.native}
    pair = _binned(every, beside, replace(settings, native=settings.native | shuffled))
    boosted = boosting.boost(
        settings.full, *pair, rounds=settings.rounds, early_stopping=settings.early_stopping
    )
    gains = boosted.booster.get_score(importance_type="total_gain")
    losses = list(_losses(boosted.booster, beside[1], settings.problem, random))
    result = [
        FeatureContribution(float(gains.get(n, 0.0)), loss)
        for n, loss in zip(every, losses, strict=True)
    ]
    return dict(zip(names, result, strict=False)), result[len(names) :]


def _beside(table: TrainingWindow, chosen: Array, random: np.random.Generator) -> TrainingWindow:
    shuffled = [random.permutation(table.x[:, i]) for i in chosen]
    return TrainingWindow(np.column_stack([table.x, *shuffled]), table.y, table.offset)


def _binned(
    names: Sequence[str], tables: Sequence[TrainingWindow], settings: TrainingSettings
) -> list[Any]:
    matrices: list[Any] = []
    for table in tables:
        batches = Batches(
            tuple(names),
            lambda t=table: iter([Batch(t.x, t.y, t.offset)]),  # type: ignore[misc]
            settings.native,
        )
        like = matrices[0] if matrices else None
        bins, threads = int(settings.full["max_bin"]), int(settings.full["nthread"])
        matrices.append(boosting.binned(batches, max_bin=bins, threads=threads, like=like))
    return matrices


def _losses(
    booster: Any, valid: TrainingWindow, problem: Problem, random: np.random.Generator
) -> Iterator[float]:
    """By how much the primary metric is worse with one column of `valid` shuffled, column by column."""
    plain_figure, x = _figure(booster, valid, valid.x, problem), valid.x.copy()
    sign = 1.0 if metrics.PRIMARY[problem] in metrics.HIGHER_IS_BETTER else -1.0
    for i in range(x.shape[1]):
        x[:, i] = random.permutation(valid.x[:, i])
        yield sign * (plain_figure - _figure(booster, valid, x, problem))
        x[:, i] = valid.x[:, i]


def _figure(booster: Any, valid: TrainingWindow, x: Array, problem: Problem) -> float:
    label = valid.y.astype(np.float64)
    if problem == "multiclass":
        margin = booster.inplace_predict(x, predict_type="margin", validate_features=False)
        return metrics.primary_figure(problem, label, softmax.of(margin))
    figure = metrics.average_precision if problem == "classification" else metrics.mae
    answer = booster.inplace_predict(x, base_margin=valid.offset, validate_features=False)
    return float(figure(label, np.asarray(answer, np.float64)))
