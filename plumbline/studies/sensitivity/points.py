"""Which settings to try around the best, one changed at a time, and what came of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plumbline.metrics.bootstrap import PairedWord
from plumbline.model.tune_result import SettingValue
from plumbline.studies.sensitivity.sensitivity_record import FlatRange, FlatValues
from plumbline.tune import space
from plumbline.tune.space import Dimension


def values(dimension: Dimension, count: int) -> list[Any]:
    """At most `count` values evenly over the dimension (in the logarithm where it is searched so).

    >>> values(Dimension("max_depth", "int", 4, 9, 1.0), 3)
    [4, 6, 9]
    """
    if dimension.kind == "choice":
        return list(dimension.choices)
    if dimension.step:
        steps = np.unique(np.linspace(0, dimension.steps, min(count, dimension.steps + 1)).round())
        return [space.value(dimension, float(s)) for s in steps]
    if dimension.kind == "loguniform":
        ends = math.log(dimension.low), math.log(dimension.high)
        return [space.value(dimension, math.exp(v)) for v in np.linspace(*ends, count)]
    return [
        space.value(dimension, float(v)) for v in np.linspace(dimension.low, dimension.high, count)
    ]


def plan(
    dimensions: Sequence[Dimension], best: Mapping[str, Any], count: int
) -> list[tuple[str, Any]]:
    """(setting, value) of every trial: all of `values` but the best one's own."""
    return [(d.name, v) for d in dimensions for v in values(d, count) if v != best[d.name]]


def flat(
    words: Sequence[tuple[SettingValue, PairedWord]], best: SettingValue
) -> FlatValues | FlatRange:
    """Over which values around the best nothing is lost beyond the margin, and the share of those tried.

    `words`: value and word each, the best among them or not; in the order of the values.
    """
    good = {value for value, word in words if word != "worse"} | {best}
    every: list[Any] = [value for value, _ in words]
    every += [] if best in every else [best]
    share = len(good) / len(every)
    if any(isinstance(v, str) for v in every):
        return FlatValues(share=share, values=sorted(map(str, good)))
    every = sorted(every)
    low = high = every.index(best)
    while low > 0 and every[low - 1] in good:
        low -= 1
    while high < len(every) - 1 and every[high + 1] in good:
        high += 1
    return FlatRange.model_validate({"share": share, "from": every[low], "to": every[high]})


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None for fewer than three or a constant.

    >>> rank_correlation([1, 2, 3, 4], [2, 4, 8, 9])
    1.0
    """
    if len(one) < 3:
        return None
    a, b = _ranks(one), _ranks(other)
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / spread if spread else None


def _ranks(values: Sequence[float]) -> np.ndarray:
    _, place, count = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]
