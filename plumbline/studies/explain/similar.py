"""Past events like one event, in what counted for its score. Pure.

Two events are apart by the mean over the features of their gap, weighed by what each feature
contributed to the score in question. A number's gap is that of its ranks in train, 0 to 1, so that
neither unit nor outliers matter; a code's is 0 if it is the same, else 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Columns


@dataclass(frozen=True)
class Similar:
    """Places of the nearest rows, the nearest first, and how far each is, 0 to 1."""

    place: Array
    apart: Array


def nearest(
    past: Columns, event: Columns, weight: Mapping[str, float], codes: Collection[str], most: int
) -> Similar:
    """The `most` rows of `past` (n,) nearest to `event` (1,); `weight`: contributions by feature."""
    total = sum(abs(w) for w in weight.values())
    size = len(next(iter(past.values())))
    apart = np.zeros(size)
    for name, own in weight.items():
        if own:
            gap = differs if name in codes else ranks_apart
            apart += abs(own) / total * gap(past[name], event[name][0])
    place = np.argsort(apart, kind="stable")[:most]
    return Similar(place, apart[place])


def differs(values: Array, value: float) -> Array:
    """1 where a value is another, else 0; null is a value like any other."""
    same = (values == value) | (_null(values) & _null(np.array([value])))
    return np.where(same, 0.0, 1.0)


def ranks_apart(values: Array, value: float) -> Array:
    """How many of the values lie between each and `value`, as a share; null is 1 apart from a number.

    >>> ranks_apart(np.array([1.0, 2.0, 4.0, 9.0]), 4.0).tolist()
    [0.5, 0.25, 0.0, 0.25]
    """
    numbers = np.asarray(values, np.float64)
    known = np.isfinite(numbers)
    if not np.isfinite(value):
        return np.where(known, 1.0, 0.0)
    held = np.sort(numbers[known])
    place = np.where(known, _rank(held, numbers), np.inf)
    gap = np.abs(place - _rank(held, np.array([value], np.float64))[0])
    return np.where(known, gap, 1.0)


def _rank(held: Array, values: Array) -> Array:
    """The mean rank of each value among sorted ones, 0 to 1."""
    low, high = (np.searchsorted(held, values, side=side) for side in ("left", "right"))
    return (low + high) / (2.0 * max(len(held), 1))


def _null(values: Array) -> Array:
    return np.asarray(values) != np.asarray(values)
