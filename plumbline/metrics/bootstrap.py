"""Bootstrap: how far a figure could have come out otherwise, by drawing whole days again.

Events of one day share its weather, its campaigns and its faults, so days are drawn, not rows
(a block bootstrap: Künsch, Annals of Statistics 17, 1989). Rows of a table without time are drawn
themselves, or, above `ROW_UNITS` of them, in as many fixed groups, which bounds the memory.

A replicate is an integer weight per unit. Replicate 0 weighs every unit once: its figure is the plain
one, so that a figure and its interval come out of one pass, and two models' out of the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
Word = Literal["better", "worse", "within noise"]
PairedWord = Word | Literal["within margin"]
"""Of two models: within the margin is a difference beyond noise that is too small to count."""

ROW_UNITS = 5_000
SPAN = 10_000
"""Days between the first and the last for which a list of all days is held, beside one per row."""
MIN_UNITS = 5
"""With fewer days (or rows) than this an interval would only look certain: it is not given."""


@dataclass(frozen=True)
class Resample:
    """n rows in U units, and how often each of R replicates draws each unit.

    `unit` int (n,): the row's unit. `draws` int (U, R): column 0 is all ones.
    """

    unit: Array
    draws: Array

    def weights(self, order: Array) -> Iterator[Array]:
        """Per replicate the rows' weights, int (len(order),), in the given order of rows."""
        unit = self.unit[order]
        for replicate in self.draws.T:
            yield np.ascontiguousarray(replicate)[unit]

    def total(self, term: Array) -> Array:
        """The weighted sum of a term over the rows, float64 (R,).

        The order of every sum is fixed: row by row into units, then unit by unit.
        """
        units = np.bincount(self.unit, term, self.draws.shape[0])
        return np.add.reduce(self.draws * units[:, None], axis=0)

    def totals(self, term: Array, group: Array) -> Iterator[Array]:
        """`total` of the term over the rows of each group in `group`, int (n,), from 0 on."""
        units = self.draws.shape[0]
        summed = np.bincount(group * units + self.unit, term, (int(group.max()) + 1) * units)
        for own in summed.reshape(-1, units):
            yield np.add.reduce(self.draws * own[:, None], axis=0)

    def mean(self, term: Array) -> Array:
        """The weighted mean of a term over the rows, float64 (R,); NaN where nothing is drawn."""
        return divide(self.total(term), self.total(np.ones(len(self.unit))))


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval; `low` and `high` are NaN where there is too little to tell."""

    value: float
    low: float
    high: float


def units(rows: int, day: Array | None) -> Array:
    """What is drawn together: the days (datetime64[D], (n,)), or rows, int64 (n,)."""
    if day is None:
        return np.arange(rows) % ROW_UNITS
    return day.astype("datetime64[D]").astype(np.int64)


def resample(unit: Array, replicates: int, seed: int) -> Resample:
    """`replicates` draws with replacement of the units found in `unit` (n,); seeded.

    Only integers are drawn, so that every processor draws the same.
    """
    size, place = places(unit)
    draws = np.ones((size, replicates + 1), np.int32)
    random = np.random.default_rng(seed)
    for column in range(1, replicates + 1):
        draws[:, column] = np.bincount(random.integers(0, size, size), minlength=size)
    return Resample(place, draws)


def places(unit: Array) -> tuple[int, Array]:
    """How many units there are, and each row's place among them, rising, int (n,); days lie close: no sort."""
    low = int(unit.min()) if len(unit) else 0
    if not len(unit) or int(unit.max()) - low > len(unit) + SPAN:
        kinds, place = np.unique(unit, return_inverse=True)
        return len(kinds), place
    there = np.bincount(unit - low) > 0
    return int(there.sum()), (np.cumsum(there) - 1)[unit - low]


def every_row_once(rows: int) -> Resample:
    """No resampling: every row once, one replicate."""
    return Resample(np.zeros(rows, np.int64), np.ones((1, 1), np.int32))


def estimate(replicates: Array, sample: Resample, level: float) -> Estimate:
    """Replicate 0 and the percentile interval of the others at `level` (0.95, say).

    Undefined replicates (no positive was drawn) are left out; above one in ten there is no interval.
    """
    value, others = float(replicates[0]), replicates[1:]
    defined = np.sort(others[np.isfinite(others)])
    if sample.draws.shape[0] < MIN_UNITS or len(defined) < max(2, 0.9 * len(others)):
        return Estimate(value, math.nan, math.nan)
    tail = (1 - level) / 2
    low, high = np.quantile(defined, (tail, 1 - tail))
    return Estimate(value, float(low), float(high))


def beyond_noise(difference: Estimate) -> bool:
    """Whether the interval leaves out zero: what every sentence on noise rests on.

    >>> beyond_noise(Estimate(1.0, 0.5, 2.0)), beyond_noise(Estimate(1.0, -0.5, 2.0))
    (True, False)
    """
    return difference.low > 0 or difference.high < 0


def word(difference: Estimate, higher_is_better: bool) -> Word:
    """What the interval of (model minus other) says; one that holds zero, or none, says noise.

    >>> word(Estimate(-1.0, -2.0, -0.5), higher_is_better=False)
    'better'
    """
    if not beyond_noise(difference):
        return "within noise"
    return "better" if (difference.low > 0) == higher_is_better else "worse"


def divide(above: Array | float, below: Array | float) -> Array:
    """above / below, NaN where below is zero."""
    out = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), np.nan)
    return np.divide(above, below, out=out, where=np.asarray(below) != 0)
