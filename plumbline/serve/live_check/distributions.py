"""How far a window's values are from the recorded ones: the greatest difference of their distribution functions. Pure.

A. Dvoretzky, J. Kiefer, J. Wolfowitz, "Asymptotic minimax character of the sample distribution function", 1956, with P.
Massart's constant, 1990: it holds for every distribution and every number of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import numpy as np

from plumbline.core.declarations import Array

LEAST = 0.15
"""A distance that is always tolerated: minutes differ from a whole window without any fault."""
STEADY = 0.4
"""A column whose hours, days or weekdays are further apart says nothing about a minute: it is not watched."""
FEWEST = 20
"""Recorded values of a part that is compared."""
HOURS = 6
"""Hours of a part of the day."""
RECORDED = 0.01
"""How probable it is that the recorded values mislead by more than is allowed for."""


class Distribution:
    """The recorded values of one column or score, float64 (m,); `parts`: ways to divide them, int (m,) each."""

    def __init__(self, values: Array, parts: Sequence[Array] = ()) -> None:
        self._places = np.unique(values)
        self._recorded = self._shares(values)
        self.apart = max((self._apart(values, one) for one in parts), default=0.0)
        self.tolerated = max(LEAST, self.apart) + margin(len(values), RECORDED)

    @property
    def watched(self) -> bool:
        """Whether a window can be compared: the values do not follow the clock or the calendar."""
        return self.apart <= STEADY

    def counts(self, values: Array) -> Array:
        """How many lie on each recorded value and between two of them, int (2k + 1,)."""
        left = np.searchsorted(self._places, values, "left")
        place = left + np.searchsorted(self._places, values, "right")
        return np.bincount(place, minlength=2 * len(self._places) + 1)

    def distance(self, counts: Array) -> float:
        """From 0, the same, to 1: of values that were counted; 0.0 without any."""
        return self._distance(counts, self._recorded)

    def _distance(self, counts: Array, recorded: Array) -> float:
        total = counts.sum()
        return float(np.abs(np.cumsum(counts) / total - recorded).max()) if total else 0.0

    def _shares(self, values: Array) -> Array:
        return np.cumsum(self.counts(values)) / len(values)

    def _apart(self, values: Array, part: Array) -> float:
        """The distance of the part that is furthest from all."""
        each = [values[part == one] for one in np.unique(part)]
        return max((self.distance(self.counts(v)) for v in each if len(v) >= FEWEST), default=0.0)


class DailyDistribution(Distribution):
    """Recorded values that follow the hour: a window is held against the hours of the day that its events are of.

    `hours`: of the values, int (m,), 0 to 23.
    """

    def __init__(self, values: Array, hours: Array) -> None:
        super().__init__(values)
        of_part = hours // HOURS
        here = {int(p): values[of_part == p] for p in np.unique(of_part)}
        large = {p: own for p, own in here.items() if len(own) >= FEWEST}
        self._parts = {p: self._shares(own) for p, own in large.items()}
        finer = hours // (HOURS // 2)
        self.apart = max(
            (self._of_half(values[finer == f], int(f) // 2) for f in np.unique(finer)), default=0.0
        )
        fewest = min(map(len, large.values()), default=len(values))
        self.tolerated = max(LEAST, self.apart) + margin(fewest, RECORDED)

    def distance_at(self, counts: Array, hours: Array) -> float:
        """The same of values that came at these hours: `hours` is how many came at each, int (24,)."""
        weights = hours.reshape(-1, HOURS).sum(axis=1)
        each = [w * self._parts.get(p, self._recorded) for p, w in enumerate(weights)]
        return self._distance(counts, np.sum(each, axis=0) / max(weights.sum(), 1))

    def _of_half(self, values: Array, part: int) -> float:
        if len(values) < FEWEST or part not in self._parts:
            return 0.0
        return self._distance(self.counts(values), self._parts[part])


def margin(count: int, chance: float) -> float:
    """By how much the distance of so many values exceeds the true one with this probability at most."""
    return sqrt(log(2 / chance) / (2 * count)) if count else 1.0


def exceeds(hits: int, count: int, tolerated: float, chance: float) -> bool:
    """Whether a share above `tolerated` is beyond chance: W. Hoeffding's bound of the binomial's tail, 1963.

    >>> exceeds(30, 1000, 0.02, 1e-6), exceeds(80, 1000, 0.02, 1e-6)
    (False, True)
    """
    share = hits / count if count else 0.0
    if share <= tolerated:
        return False
    rest = (1 - share) * log((1 - share) / (1 - tolerated)) if share < 1 else 0.0
    return count * (share * log(share / tolerated) + rest) > log(1 / chance)
