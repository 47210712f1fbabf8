"""What the model's answers are made of on a sample of rows: contributions by feature, for pictures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core import stored_columns
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines
from plumbline.evaluate.curves import Table
from plumbline.metrics.bootstrap import Array
from plumbline.model import contributions, scale
from plumbline.model.bundle import Bundle

UNITS = {"classification": "log odds", "multiclass": "log of the decided class's weight"}
BINS = 12
"""Of a feature's values, inside which another feature's influence is looked for."""


@dataclass(frozen=True)
class Explained:
    """`each`, `values` float64 (n, k): by feature, in the model's order; contributions in `unit`.

    `words`: of a code, the categories that it stands for.
    """

    features: tuple[str, ...]
    each: Array
    values: Array
    unit: str
    words: Mapping[str, tuple[str, ...]]

    def top(self, most: int) -> list[int]:
        """Places of the features that contribute most, by mean absolute contribution."""
        ranked = contributions.ranked(self.each, self.features)
        return [self.features.index(name) for name, _ in ranked[:most]]

    @property
    def table(self) -> Table:
        """x rank, y mean absolute contribution, series the feature; the largest first."""
        ranked = contributions.ranked(self.each, self.features)
        return {
            "x": np.arange(1, len(ranked) + 1),
            "y": np.array([size for _, size in ranked]),
            "series": np.array([name for name, _ in ranked], object),
        }


def explain(usecase: UseCase, scorer: Bundle, columns: Columns, most: int) -> Explained:
    """At most `most` evenly spaced rows of a table, explained as the scores are: calibrated."""
    rows = baselines.evenly(stored_columns.count(columns), most)
    names = [*scorer.features, *([scorer.offset] if scorer.offset else [])]
    some = stored_columns.select(stored_columns.only(columns, list(dict.fromkeys(names))), rows)
    sampled = stored_columns.loaded(some)
    decided = scorer.decided(scorer.predict(sampled)) if scorer.classes else None
    result = contributions.of(
        scorer.booster, scorer.features, scorer.offset, sampled, scorer.manifest.scale, decided
    )
    calibrated = contributions.calibrated(result, scorer.calibration, decided)
    return Explained(
        features=scorer.features,
        each=calibrated.each,
        values=np.column_stack([np.asarray(sampled[n], np.float64) for n in scorer.features]),
        unit=UNITS.get(usecase.problem) or _unit(usecase),
        words={c.name: (*map(str, c.values), "other") for c in usecase.categories},
    )


def shares(values: Array) -> Array:
    """Each value's mean rank among the known ones, 0 to 1, for a colour; NaN for a null."""
    known = np.isfinite(values)
    held = np.sort(values[known])
    low, high = (np.searchsorted(held, values, side=side) for side in ("left", "right"))
    return np.where(known, (low + high) / (2.0 * max(len(held), 1)), np.nan)


def partner(shown: Explained, place: int, among: list[int]) -> int:
    """The feature whose value moves the contributions of the one at `place` most, its own aside.

    Within bins of the feature's own value, the covariation of its contribution with the other's rank.
    """
    own = shown.each[:, place]
    bins = np.minimum((shares(shown.values[:, place]) * BINS), BINS - 1)
    bins = np.where(np.isfinite(bins), bins, BINS).astype(np.int64)
    others = [i for i in among if i != place]
    moved = [_within(own, shares(shown.values[:, i]), bins) for i in others]
    return others[int(np.argmax(np.round(moved, 6)))] if others else place


def beeswarm_offsets(values: Array, bins: int = 120) -> Array:
    """A height in [-1, 1] for each point, so that points of one place lie side by side, (n,)."""
    spread = float(np.ptp(values)) or 1.0
    place = np.minimum((values - values.min()) / spread * bins, bins - 1).astype(np.int64)
    order = np.lexsort((values, place))
    _, first, count = np.unique(place[order], return_index=True, return_counts=True)
    number = np.arange(len(values)) - np.repeat(first, count)
    step = (number + 1) // 2 * np.where(number % 2, 1, -1)
    out = np.empty(len(values))
    out[order] = 2.0 * step / max(int(count.max()), 2)
    return out


def _within(own: Array, other: Array, bins: Array) -> float:
    """The share of the contributions' spread inside the bins that goes with the other's rank."""
    total = 0.0
    for kind in np.unique(bins):
        rows = (bins == kind) & np.isfinite(other)
        if rows.sum() > 2:
            a, b = own[rows] - own[rows].mean(), other[rows] - other[rows].mean()
            spread = np.sqrt(np.sum(a * a) * np.sum(b * b))
            total += abs(np.sum(a * b)) * np.sqrt(np.sum(a * a)) / spread if spread else 0.0
    return float(total)


def _unit(usecase: UseCase) -> str:
    return scale.unit(usecase.scale, usecase.column(usecase.label).unit)
