"""A grid of any number of trials, spread evenly over the space. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from plumbline.tune import space
from plumbline.tune.space import Dimension


def points(dimensions: Sequence[Dimension], count: int, seed: int) -> list[dict[str, Any]]:
    """`count` settings: the full grid of as many or the next more points, evenly thinned.

    Each dimension has levels at the middle of equal parts of its range (of its logarithm where it is
    searched so). `seed` draws which dimensions have a level more than others, where not all have as many.
    Where the space has fewer settings than `count`, each is there once.
    """
    order = np.random.default_rng(seed).permutation(len(dimensions))
    chosen = _levels([_most(dimensions[place]) for place in order], count)
    values = {
        dimensions[place].name: list(_values(dimensions[place], levels))
        for place, levels in zip(order, chosen, strict=True)
    }
    names = [d.name for d in dimensions]
    whole = [dict(zip(names, one, strict=True)) for one in product(*(values[n] for n in names))]
    if len(whole) <= count:
        return whole
    return [whole[math.floor((place + 0.5) * len(whole) / count)] for place in range(count)]


def _levels(most: Sequence[int], count: int) -> list[int]:
    """Levels per dimension, as even as `most` allows, whose product is the first to reach `count`.

    >>> _levels([9, 9, 9], 16), _levels([2, 9], 12)
    ([3, 3, 2], [2, 6])
    """
    levels = [1] * len(most)
    while math.prod(levels) < count:
        open_ = [place for place, own in enumerate(levels) if own < most[place]]
        if not open_:
            break
        levels[min(open_, key=lambda place: (levels[place], place))] += 1
    return levels


def _most(dimension: Dimension) -> int:
    """How many values a dimension has at most."""
    if dimension.kind == "choice":
        return len(dimension.choices)
    return dimension.steps + 1 if dimension.step else 1_000_000


def _values(dimension: Dimension, levels: int) -> Iterator[Any]:
    """Values at the middle of `levels` equal parts of the range."""
    most = _most(dimension)
    for place in range(levels):
        middle = (place + 0.5) / levels
        if dimension.kind == "choice" or dimension.step:
            yield space.value(dimension, float(math.floor(middle * most)))
        elif dimension.kind == "loguniform":
            low, high = math.log(dimension.low), math.log(dimension.high)
            yield space.value(dimension, math.exp(low + middle * (high - low)))
        else:
            yield space.value(dimension, dimension.low + middle * (dimension.high - dimension.low))
