"""How nearly one column, or a formula of some, answers the label by itself: shares from 0 to 1. Pure.

A regression is measured by R² of the values or of their ranks, which no tail and no scale decides; a
classification by the average precision of the rarer class above its share of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import baselines

BINS = 200
"""Groups of neighbouring values, at most, in which a column's answer is one number."""
ROWS_OF_BIN = 10
QUICK, FEW = 2_000, 10
"""Rows that are looked at first, and those of the rarer class that suffice."""
HOPELESS = 0.6
"""What an answer that may be suspected reaches on them."""


@dataclass(frozen=True)
class LabelledRows:
    """The label of some rows of one window, float64 (n,)."""

    label: Array
    classes: bool

    @cached_property
    def target(self) -> Array:
        """What an answer is compared with: 1 for the rarer class, else the label's ranks."""
        if not self.classes:
            return ranked(self.label)
        positive = self.label > 0
        return (positive if positive.mean() <= 0.5 else ~positive).astype(np.float64)

    @property
    def telling(self) -> int:
        """Rows that an answer is measured on: of a classification those of the rarer class."""
        return int(self.target.sum()) if self.classes else len(self.label)

    def hopeless(self, answer: Array) -> bool:
        """Whether an answer is far from the target on a part of the rows already; False where they are few."""
        rows = baselines.evenly(len(self.label), QUICK)
        if len(rows) == len(self.label) or (self.classes and self.target[rows].sum() < FEW):
            return False
        return LabelledRows(self.label[rows], self.classes).reach(answer[rows]) < HOPELESS

    def reach(self, answer: Array) -> float:
        """How nearly an answer (n,) gives the target, in either direction."""
        if self.classes:
            return max(precise(self.target, answer), precise(self.target, -answer))
        held = np.isfinite(answer)
        plain = explained(self.label[held], answer[held]) if held.mean() > 0.5 else 0.0
        return max(explained(self.target, ranked(answer)), plain)


def ranked(values: Array) -> Array:
    """Average ranks from 0 to 1; what is missing comes first.

    >>> ranked(np.array([5.0, np.nan, 7.0, 5.0])).tolist()
    [0.5, 0.0, 1.0, 0.5]
    """
    _, place, count = np.unique(
        np.where(np.isnan(values), -np.inf, values), return_inverse=True, return_counts=True
    )
    middle = np.cumsum(count) - (count + 1) / 2
    return middle[place] / max(len(values) - 1, 1)


def explained(target: Array, answer: Array) -> float:
    """The squared correlation; 0 where either does not vary, or is missing anywhere."""
    if not len(target):
        return 0.0
    both = target - target.mean(), answer - answer.mean()
    size = float(both[0] @ both[0]) * float(both[1] @ both[1])
    if not size > 0 or not np.isfinite(size):
        return 0.0
    return min(float(both[0] @ both[1]) ** 2 / size, 1.0)


def precise(target: Array, answer: Array) -> float:
    """Average precision above the share of the positives, over what is above it; ties count as one step.

    >>> precise(np.array([1.0, 0.0, 0.0, 1.0]), np.array([9.0, 1.0, 2.0, 8.0]))
    1.0
    """
    share = float(target.mean())
    if not 0 < share < 1:
        return 0.0
    answer = np.where(np.isnan(answer), -np.inf, answer)
    order = np.argsort(-answer, kind="stable")
    ordered = answer[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(order) - 1)
    hits = np.cumsum(target[order])[last]
    gained = np.diff(hits, prepend=0.0)
    average = float(np.sum(gained * hits / (last + 1)) / hits[-1])
    return max((average - share) / (1 - share), 0.0)


def alone(train: LabelledRows, test: LabelledRows, seen: Array, value: Array) -> float:
    """How nearly a column gives the label on both windows; `seen`, `value`: its values in train and test.

    It may rise or fall with the label, answer in any other shape (its groups' means in train), or be
    made of the label: a rounded or transformed one varies with nothing else.
    """
    if not _varies(seen) or not _varies(value):
        return 0.0
    learnt = learned(seen, value, train.target)
    return max(_both(train, test, seen, value), _both(train, test, *learnt))


def _both(train: LabelledRows, test: LabelledRows, seen: Array, value: Array) -> float:
    """What an answer reaches on both windows; 0 where it is far from it on one."""
    if test.hopeless(value) or train.hopeless(seen):
        return 0.0
    return min(train.reach(seen), test.reach(value))


def made_of(train: LabelledRows, test: LabelledRows, seen: Array, value: Array) -> float:
    """How much of a column the label explains, on both windows: 1 for a step, a power, a rounded label."""
    if not _varies(seen) or not _varies(value):
        return 0.0
    own, other = ranked(seen), ranked(value)
    fitted = learned(train.label, test.label, own)
    return min(explained(own, fitted[0]), explained(other, fitted[1]))


def learned(seen: Array, value: Array, target: Array) -> tuple[Array, Array]:
    """The mean target of each value's neighbours in train, for train and for test; nulls are one group."""
    held = seen[~np.isnan(seen)]
    distinct = np.unique(held)
    if len(distinct) > len(seen) // 3:
        bins = max(2, min(BINS, len(held) // ROWS_OF_BIN))
        distinct = np.unique(np.quantile(held, np.arange(1, bins) / bins))
    codes = [
        np.where(np.isnan(v), len(distinct) + 1, np.searchsorted(distinct, v, side="right"))
        for v in (seen, value)
    ]
    size = len(distinct) + 2
    count, total = (np.bincount(codes[0], w, size) for w in (None, target))
    mean = np.where(count > 0, total / np.maximum(count, 1), target.mean())
    return mean[codes[0]], mean[codes[1]]


def _varies(values: Array) -> bool:
    held = values[~np.isnan(values)]
    some = 0 < len(held) < len(values)
    return len(held) > 0 and (some or bool(held.min() < held.max()))
