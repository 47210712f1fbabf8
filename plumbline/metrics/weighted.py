"""Figures of events of which some labels were withheld by the decision, with intervals that hold. Pure.

The truth that an interval is about is the figure of these very events, had no label been withheld. What it leaves
out is how other days might have come out. An interval has no width where nothing was withheld; all is NaN, and
`cannot_tell` says why, where too few of the withheld events were let through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plumbline.metrics import withheld
from plumbline.metrics.bootstrap import Array, Estimate, divide
from plumbline.metrics.weighted_ranking import CORNERS, RankedEvents
from plumbline.metrics.withheld import Labelled

FEWEST = 5
"""Events let through below which nothing is said of those withheld."""
LEVEL = 0.99
"""Of one figure: a page shows several of the same window, and they are to hold together in 95 of 100 windows."""


@dataclass(frozen=True)
class Drawing:
    """How intervals are made: their level, the draws, the seed, and the fewest events let through."""

    level: float = LEVEL
    replicates: int = 4000
    seed: int = 0
    fewest: int = FEWEST


DEFAULT = Drawing()
UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Bounds:
    """A figure, and its draws with the events never seen at their lowest and at their highest, (R,) each."""

    value: float
    low: Array
    high: Array

    def estimate(self, level: float) -> Estimate:
        """The figure with its interval; the value lies inside."""
        tail = (1 - level) / 2
        low, high = np.quantile(self.low, tail), np.quantile(self.high, 1 - tail)
        return Estimate(self.value, min(float(low), self.value), max(float(high), self.value))


def cannot_tell(rows: Labelled, fewest: int = FEWEST) -> str | None:
    """Why nothing can be said of these rows, as a sentence; None where something can."""
    if not len(rows):
        return "there are no events"
    strata = rows.strata()
    unknown = sum(len(one.unknown) for one in strata)
    passed = sum(len(one.passed) for one in strata)
    if not unknown or passed >= fewest:
        return None
    return (
        f"{passed} of {passed + unknown} events whose decision withholds the label were let through; "
        f"{fewest} are needed"
    )


def total(rows: Labelled, values: Array, how: Drawing = DEFAULT) -> Estimate:
    """The sum over the events of what each gives under its label: `values` (n, k), column c for label c."""
    if cannot_tell(rows, how.fewest):
        return UNKNOWN
    return _total(rows, values, how).estimate(how.level)


def mean(rows: Labelled, values: Array, how: Drawing = DEFAULT) -> Estimate:
    """The mean of what an event gives under its label: `values` (n, k), column c for label c.

    A cost has what the decision costs for a negative and for a positive; a log loss that of each class.
    """
    sums, n = total(rows, values, how), max(len(rows), 1)
    return Estimate(sums.value / n, sums.low / n, sums.high / n)


def label_rate(rows: Labelled, how: Drawing = DEFAULT) -> Estimate:
    """The share of positives (label 1)."""
    return mean(rows, _positive(len(rows)), how)


def precision(rows: Labelled, alarm: Array, how: Drawing = DEFAULT) -> Estimate:
    """The share of positives among the alarms, bool (n,)."""
    return label_rate(rows.where(alarm), how)


def recall(rows: Labelled, alarm: Array, how: Drawing = DEFAULT) -> Estimate:
    """The share of the positives on which there was an alarm, bool (n,)."""
    if cannot_tell(rows, how.fewest):
        return UNKNOWN
    sides = [rows.where(mask) for mask in (alarm, ~alarm)]
    caught, missed = (_total(side, _positive(len(side)), how) for side in sides)
    value = divide(caught.value, caught.value + missed.value)
    low = divide(caught.low, caught.low + missed.high)
    high = divide(caught.high, caught.high + missed.low)
    return Bounds(float(value), low, high).estimate(how.level)


def cost_per_event(
    rows: Labelled, of_negative: Array, of_positive: Array, how: Drawing = DEFAULT
) -> Estimate:
    """The mean cost of the decisions: what each costs if the event is a negative, and if a positive, (n,) both."""
    return mean(rows, np.column_stack((of_negative, of_positive)), how)


def calibration_gap(rows: Labelled, score: Array, how: Drawing = DEFAULT) -> Estimate:
    """Mean score minus share of positives: above zero the probabilities (n,) are too high."""
    return mean(rows, np.column_stack((score, score - 1)), how)


def brier(rows: Labelled, score: Array, how: Drawing = DEFAULT) -> Estimate:
    """The mean squared error of a probability (n,)."""
    return mean(rows, np.column_stack((score**2, (1 - score) ** 2)), how)


def alarm_rate(alarm: Array) -> float:
    """The share of events with an alarm: it needs no label, and has no interval."""
    return float(np.mean(alarm)) if len(alarm) else math.nan


def average_precision(rows: Labelled, score: Array, how: Drawing = DEFAULT) -> Estimate:
    """Average precision of `score` (n,), higher = likelier.

    An event let through stands, with its score and label, for others of its stratum.
    """
    if cannot_tell(rows, how.fewest):
        return UNKNOWN
    ranked = RankedEvents.of(rows, score)
    chunks = [
        np.array([ranked.average_precision(chunk, corner) for corner in CORNERS])
        for chunk in withheld.draws(ranked.strata, how.replicates, how.seed)
    ]
    corners = np.concatenate(chunks, axis=1)
    return Bounds(ranked.plain(), corners.min(axis=0), corners.max(axis=0)).estimate(how.level)


def _total(rows: Labelled, values: Array, how: Drawing) -> Bounds:
    known = np.flatnonzero(rows.known)
    own = np.zeros(len(rows))
    own[known] = values[known, rows.label[known].astype(np.int64)]
    strata = rows.strata()
    ends = [_ends(values[one.unknown]) for one in strata]
    low, high = [], []
    for chunk in withheld.draws(strata, how.replicates, how.seed):
        drawn = list(zip(chunk, strata, ends, strict=True))
        seen = own.sum() + sum(draw.passed @ own[one.passed] for draw, one, _ in drawn)
        low.append(np.atleast_1d(seen + sum(least[draw.unseen] for draw, _, (least, _) in drawn)))
        high.append(np.atleast_1d(seen + sum(most[draw.unseen] for draw, _, (_, most) in drawn)))
    return Bounds(float(rows.weights() @ own), np.concatenate(low), np.concatenate(high))


def _ends(values: Array) -> tuple[Array, Array]:
    """The smallest and the largest sum that 0, 1, ... of these events (u, k) can give, (u + 1,) each."""
    rising, falling = np.sort(values.min(axis=1)), -np.sort(-values.max(axis=1))
    return _running(rising), _running(falling)


def _running(ordered: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(ordered)))


def _positive(n: int) -> Array:
    return np.tile([0.0, 1.0], (n, 1))
