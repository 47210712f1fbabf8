"""Does each feature bring more than noise? Training beside shadows: columns of the same values, shuffled.

After Kursa and Rudnicki, "Feature Selection with the Boruta Package" (Journal of Statistical Software
36, 2010): a feature that a shuffled column outdoes says nothing that chance does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import metrics
from plumbline.model import boosting
from plumbline.model.boosting import Batch, Batches


@dataclass(frozen=True)
class Table:
    """A window: the matrix float32 (n, k), the label (n,), and the offset (n,) if any."""

    x: Array
    y: Array
    offset: Array | None = None


@dataclass(frozen=True)
class Brought:
    """What a column brought in one training: total gain, and what the metric loses without it."""

    gain: float
    loss: float


@dataclass(frozen=True)
class Settings:
    """The model's own: problem, XGBoost's settings in full, rounds at most, early stopping."""

    problem: boosting.Problem
    full: Mapping[str, Any]
    rounds: int
    early_stopping: int


def once(
    names: Sequence[str], train: Table, valid: Table, asked: Settings, shadows: int, seed: int
) -> tuple[dict[str, Brought], list[Brought]]:
    """One training beside `shadows` shuffled columns: what each feature brought, and each shadow."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(names), size=min(shadows, len(names)), replace=False)
    beside = [_beside(t, chosen, random) for t in (train, valid)]
    every = [*names, *(f"shadow {i}" for i in range(len(chosen)))]
    pair = _binned(every, beside, asked)
    boosted = boosting.boost(
        asked.full, *pair, rounds=asked.rounds, early_stopping=asked.early_stopping
    )
    gains = boosted.booster.get_score(importance_type="total_gain")
    losses = list(_losses(boosted.booster, beside[1], asked.problem, random))
    found = [Brought(float(gains.get(n, 0.0)), loss) for n, loss in zip(every, losses, strict=True)]
    return dict(zip(names, found, strict=False)), found[len(names) :]


def _beside(table: Table, chosen: Array, random: np.random.Generator) -> Table:
    shuffled = [random.permutation(table.x[:, i]) for i in chosen]
    return Table(np.column_stack([table.x, *shuffled]), table.y, table.offset)


def _binned(names: Sequence[str], tables: Sequence[Table], asked: Settings) -> list[Any]:
    made: list[Any] = []
    for table in tables:
        batches = Batches(tuple(names), lambda t=table: iter([Batch(t.x, t.y, t.offset)]))  # type: ignore[misc]
        like = made[0] if made else None
        bins, threads = int(asked.full["max_bin"]), int(asked.full["nthread"])
        made.append(boosting.binned(batches, max_bin=bins, threads=threads, like=like))
    return made


def _losses(
    booster: Any, valid: Table, problem: boosting.Problem, random: np.random.Generator
) -> Iterator[float]:
    """By how much the primary metric is worse with one column of `valid` shuffled, column by column."""
    whole, x = _figure(booster, valid, valid.x, problem), valid.x.copy()
    sign = 1.0 if metrics.PRIMARY[problem] in metrics.HIGHER_IS_BETTER else -1.0
    for i in range(x.shape[1]):
        x[:, i] = random.permutation(valid.x[:, i])
        yield sign * (whole - _figure(booster, valid, x, problem))
        x[:, i] = valid.x[:, i]


def _figure(booster: Any, valid: Table, x: Array, problem: boosting.Problem) -> float:
    figure = metrics.average_precision if problem == "classification" else metrics.mae
    answer = booster.inplace_predict(x, base_margin=valid.offset, validate_features=False)
    return float(figure(valid.y.astype(np.float64), np.asarray(answer, np.float64)))
