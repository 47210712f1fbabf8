"""Intervals from few units, as wide as they have to be. Pure.

A bootstrap of n days is too narrow by sqrt((n - 1) / n), and normal where a t is called for: with a
week of days a 95 % interval holds the truth in about 87 of 100 cases. Hesterberg's expanded
percentile interval (The American Statistician 69, 2015) reads the quantiles further out.
"""

from __future__ import annotations

import math

import numpy as np

from plumbline.metrics.bootstrap import Array, Estimate

PAIRS = 3
"""Fewer independent values than this have no interval."""


def level(nominal: float, units: int) -> float:
    """The level at which percentiles of a bootstrap of `units` units give an interval of level `nominal`.

    >>> round(level(0.95, 7), 3), round(level(0.95, 1000), 3)
    (0.992, 0.95)
    """
    from scipy import special

    if units < 2:
        return nominal
    tail = special.stdtrit(units - 1, (1 - nominal) / 2) * math.sqrt(units / (units - 1))
    return float(1 - 2 * special.ndtr(tail))


def mean(values: Array, nominal: float) -> Estimate:
    """The mean of independent values (n,) with Student's interval; NaN ends for fewer than three.

    >>> mean(np.array([1.0, 2.0, 3.0]), 0.95).high.__round__(2)
    4.48
    """
    from scipy import special

    value = float(np.mean(values))
    if len(values) < PAIRS:
        return Estimate(value, math.nan, math.nan)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = -float(special.stdtrit(len(values) - 1, (1 - nominal) / 2)) * error
    return Estimate(value, value - half, value + half)
