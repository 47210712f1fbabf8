"""Intervals of a mean that hold at every look at once, and how long a difference takes to leave them. Pure.

A plain interval holds for one look; whoever looks each day and stops at the first that excludes zero is
wrong far more often than it says (about one time in six at 5 % over a month). A confidence sequence holds
for all looks together. This is the asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
(arXiv 2103.06476, theorem 2.2): a normal mixture, narrowest at the information that it is planned for.

Information is 1 / error²: for independent units of one spread it is their number over the variance. Where the same
entities are seen again and again it grows more slowly than their events.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics.bootstrap import Estimate

GRID = 161
"""Points of the numerical integration over what a running mean may be at a look."""
REACH = 8.0
"""Standard deviations around the drift that it covers."""
FEWEST = 30
"""Units on each side below which nothing is said: the normal approximation has no footing."""


@dataclass(frozen=True)
class Moments:
    """Count, mean and variance of independent units: an entity's total, not its events one by one."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: Array) -> Moments:
        """Of the units' values, (n,).

        >>> Moments.of(np.array([1.0, 3.0]))
        Moments(n=2, mean=2.0, variance=2.0)
        """
        n = len(values)
        variance = float(np.var(values, ddof=1)) if n > 1 else math.nan
        return cls(n, float(np.mean(values)) if n else math.nan, variance)

    @property
    def error(self) -> float:
        """The mean's standard error; NaN for no unit."""
        return math.sqrt(self.variance / self.n) if self.n else math.nan


def half_width(error: float, planned: float, alpha: float = 0.05) -> float:
    """Of the interval around a mean with the standard error `error`.

    `planned`: the standard error at which it is narrowest; another one costs width, never validity.

    >>> round(half_width(1.0, 1.0), 2)  # a single look has 1.96
    3.04
    """
    tuned = -2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)
    seen = tuned * (planned / error) ** 2
    return error * math.sqrt((1 + 1 / seen) * math.log((seen + 1) / alpha**2))


def mean(values: Moments, planned: float, alpha: float = 0.05) -> Estimate:
    """The mean of one side, of paired differences for instance, with its interval.

    NaN ends for too few units, or where they are all alike and say nothing of the spread.
    """
    if values.n < FEWEST or not values.error > 0:
        return Estimate(values.mean, math.nan, math.nan)
    width = half_width(values.error, planned, alpha)
    return Estimate(values.mean, values.mean - width, values.mean + width)


def difference(control: Moments, treated: Moments, planned: float, alpha: float = 0.05) -> Estimate:
    """Treated minus control, two independent sides, with its interval; `planned`: its standard error.

    NaN ends where a side has too few units, or units that are all alike.
    """
    gap = treated.mean - control.mean
    if min(control.n, treated.n) < FEWEST or not min(control.error, treated.error) > 0:
        return Estimate(gap, math.nan, math.nan)
    width = half_width(math.hypot(control.error, treated.error), planned, alpha)
    return Estimate(gap, gap - width, gap + width)


def power(
    effect: float, errors: Sequence[float], planned: float, alpha: float = 0.05
) -> list[float]:
    """The probability that the interval has excluded zero by each look.

    `effect`: the true mean; `errors`: its standard error at each look, falling. By numerical integration over the
    running sum at each look of those who have not stopped (Armitage, McPherson and Rowe).

    >>> power(0.0, [0.3, 0.2, 0.1], 0.1)[-1] <= 0.05
    True
    """
    out, before = [], 0.0
    grid, mass = np.zeros(1), np.ones(1)
    for error in errors:
        information = error**-2
        step = information - before
        if step > 0:
            end = half_width(error, planned, alpha) * information
            fresh = _grid(effect * information, math.sqrt(information), end)
            mass = _moved(grid, mass, fresh, effect * step, math.sqrt(step))
            grid, before = fresh, information
        out.append(min(1.0, max(0.0, 1.0 - float(mass.sum()))))
    return out


def needed_error(effect: float, looks: int, alpha: float, wanted: float) -> float:
    """The standard error at the last of equal looks at which an effect is found with the power `wanted`.

    >>> round(needed_error(1.0, 28, 0.05, 0.8), 2)
    0.27
    """
    return abs(effect) * _needed(looks, alpha, wanted)


@cache
def _needed(looks: int, alpha: float, wanted: float) -> float:
    low, high = 0.05, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        errors = [middle * math.sqrt(looks / look) for look in range(1, looks + 1)]
        enough = power(1.0, errors, middle, alpha)[-1] >= wanted
        low, high = (middle, high) if enough else (low, middle)
    return low


def _grid(centre: float, deviation: float, end: float) -> Array:
    """Midpoints of equal cells over the part of [-end, end] that the running sum can lie in."""
    low = max(-end, centre - REACH * deviation)
    high = min(end, centre + REACH * deviation)
    if high <= low:
        low, high = -end, end
    edges = np.linspace(low, high, GRID + 1)
    return (edges[1:] + edges[:-1]) / 2


def _moved(grid: Array, mass: Array, fresh: Array, centre: float, deviation: float) -> Array:
    """The mass on each cell of `fresh` after one step, normal with this centre and deviation."""
    half = (fresh[1] - fresh[0]) / 2
    edges = np.append(fresh - half, fresh[-1] + half)
    below = _normal((edges[:, None] - grid[None, :] - centre) / deviation)
    return np.diff(below, axis=0) @ mass


def _normal(values: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(values))
