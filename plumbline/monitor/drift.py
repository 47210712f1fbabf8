"""How far a column's values have moved: effect sizes that do not grow with the number of rows.

Every size comes with its noise: what two windows of these row counts would show with no drift at
all. Rows are seldom independent (a day's weather, an entity's history), so the reference's own weeks
tell how much more than by chance they differ, and that many rows count as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd

from plumbline.core.declarations import Array
from plumbline.monitor import divergences

ValueKind = Literal["numeric", "category", "identifier"]
"""How values are compared: in quantile bins, value by value, or not at all (only nulls)."""

CATEGORIES = 50
"""Values of a category with a bin of their own; the rarer ones share one."""


@dataclass(frozen=True)
class EffectSize:
    """A measured change and the change that means nothing, in the same unit."""

    value: float
    noise: float

    @property
    def excess(self) -> float:
        """What is left of the change above its noise, never negative."""
        return max(0.0, self.value - self.noise)


@dataclass(frozen=True)
class ColumnEffect:
    """One column, current against reference.

    `psi` (population stability index, nats), `js` (square root of the Jensen-Shannon divergence, 0 to
    1) and `ks` (largest gap between the cumulative shares of bins; of a category half the sum of
    gaps, 0 to 1) compare the values that are not null. `null` is the change in the share of nulls,
    `unseen` the share of values that the reference never had, `outside` the share beyond its range.
    `constant`: it varied and does no longer. `all_null`: no value is left.
    """

    rows: tuple[int, int]
    psi: EffectSize
    js: float
    ks: float
    null: EffectSize
    null_shares: tuple[float, float]
    unseen: EffectSize
    outside: EffectSize
    constant: bool
    all_null: bool


def compare(
    reference: Array,
    current: Array,
    kind: ValueKind,
    *,
    bins: int,
    chance: float,
    stretches: Sequence[Array] = (),
) -> ColumnEffect:
    """The effect between two columns of n and m values, n > 0 and m > 0.

    `chance` is the share of windows without drift whose sizes may exceed their noise. `stretches`:
    each int (n,) numbers stretches of the reference in time, -1 for rows in none; the more they
    differ from each other, the larger the noise.
    """
    null = (pd.isna(reference), pd.isna(current))
    known = (reference[~null[0]], current[~null[1]])
    usable = kind != "identifier" and len(known[0]) > 0 and len(known[1]) > 0
    placed = _place(*known, kind, bins) if usable else (np.zeros(0, np.int64),) * 2
    counts = _counts(*placed)
    alike = max(
        [1.0, *(divergences.overdispersion(placed[0], s[~null[0]]) for s in stretches if usable)]
    )
    beyond = (
        _outside(*known, chance, alike) if usable and kind == "numeric" else EffectSize(0.0, 0.0)
    )
    unseen = (
        _unseen(*known, chance, alike) if usable and kind == "category" else EffectSize(0.0, 0.0)
    )
    return ColumnEffect(
        rows=(len(reference), len(current)),
        psi=EffectSize(divergences.psi(*counts), alike * divergences.psi_noise(*counts, chance)),
        js=divergences.jensen_shannon(*counts),
        ks=divergences.ks_gap(*counts, ordered=kind == "numeric"),
        null=_share_change(*null, chance),
        null_shares=(float(null[0].mean()), float(null[1].mean())),
        unseen=unseen,
        outside=beyond,
        constant=usable and _stuck(*known, chance),
        all_null=bool(null[1].all() and not null[0].all()),
    )


def bin_edges(values: Array, bins: int) -> Array:
    """Inner edges, ascending; bin i holds edge[i-1] < value <= edge[i].

    Up to `bins` distinct values get a bin each. Of more, one that fills over 1/bins of the rows gets
    its own, and the others share the remaining bins in equal parts.

    >>> bin_edges(np.array([0.0, 0.0, 1.0]), 10).tolist()
    [0.0]
    """
    kinds, counts = np.unique(values, return_counts=True)
    if len(kinds) <= bins:
        return kinds[:-1]
    rest, single, top = values, np.zeros(0), counts.argmax()
    if counts[top] > len(values) / bins:
        rest = values[values != kinds[top]]
        single = np.array([np.nextafter(kinds[top], -np.inf), kinds[top]])
    parts = ceil(bins * len(rest) / len(values))
    inner = np.quantile(rest, np.arange(1, parts) / parts, method="lower")
    return np.unique(np.concatenate([inner, single]))


def _counts(reference: Array, current: Array) -> tuple[Array, Array]:
    size = int(max(reference.max(initial=-1), current.max(initial=-1))) + 1
    return np.bincount(reference, minlength=size), np.bincount(current, minlength=size)


def _place(reference: Array, current: Array, kind: ValueKind, bins: int) -> tuple[Array, Array]:
    if kind == "category":
        codes = {v: i for i, v in enumerate(_vocabulary(reference))}
        return _codes(reference, codes), _codes(current, codes)
    past, now = reference.astype(np.float64), current.astype(np.float64)
    edges = bin_edges(past, bins)
    return np.searchsorted(edges, past), np.searchsorted(edges, now)


def _vocabulary(reference: Array) -> Sequence[object]:
    counts = pd.Series(reference).value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [value for value, _ in ordered[:CATEGORIES]]


def _codes(values: Array, codes: dict[object, int]) -> Array:
    inverse, kinds = pd.factorize(values)
    return np.array([codes.get(k, len(codes)) for k in kinds], np.int64)[inverse]


def _share_change(reference: Array, current: Array, chance: float) -> EffectSize:
    before, now, n, m = reference.mean(), current.mean(), len(reference), len(current)
    pooled = float((before * n + now * m) / (n + m))
    rows = n * m / (n + m)  # the variance of a difference of two means
    return EffectSize(
        float(abs(now - before)), divergences.share_noise(pooled, rows, chance) - pooled
    )


def _unseen(reference: Array, current: Array, chance: float, alike: float) -> EffectSize:
    """Good and Turing's estimate of what is unseen without drift: the values seen once."""
    seen = pd.Series(reference).value_counts()
    expected = float((seen == 1).sum() / len(reference))
    value = 1 - pd.Series(current).isin(seen.index).mean()
    return EffectSize(float(value), divergences.share_noise(expected, len(current) / alike, chance))


def _outside(reference: Array, current: Array, chance: float, alike: float) -> EffectSize:
    value = ((current < reference.min()) | (current > reference.max())).mean()
    expected = 2 / (len(reference) / alike + 1)
    return EffectSize(float(value), divergences.share_noise(expected, len(current) / alike, chance))


def _stuck(reference: Array, current: Array, chance: float) -> bool:
    """Whether one value for all rows is less likely than `chance` by the reference's shares."""
    if (current != current[0]).any():
        return False
    share = float((reference == current[0]).mean())
    return share ** len(current) < chance
