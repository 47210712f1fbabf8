"""The decision threshold, chosen on the validation window; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plumbline.model import costs as matrix
from plumbline.model.costs import Costs
from plumbline.model.money import Money, cost
from plumbline.usecase import Array, Columns, UseCase

DRAWS = 100
"""Samples of the events that a threshold is the mean of."""


@dataclass(frozen=True)
class Threshold:
    """Alarm where the probability is at least `value`.

    `chosen` is "cost" or "f1"; `objective` what it gives on the validation window: the mean cost per
    event in the costs' unit, or F1. `alarms` is the share of events at or above the threshold.
    """

    value: float
    chosen: str
    objective: float
    alarms: float


def choose(
    usecase: UseCase, columns: Columns, probability: Array, costs: Costs | None
) -> Threshold | None:
    """The threshold for a classification, by cost where there are costs, else by F1.

    `columns` holds the label and the costs' columns, (n,) as `probability`.
    """
    if usecase.problem == "regression":
        return None
    label = columns[usecase.label]
    if costs is None:
        return best_f1(label, probability)
    return steady(label, probability, matrix.money(costs, columns))


def cheapest(label: Array, score: Array, money: Money) -> Threshold:
    """The threshold with the least mean cost; of equals, the one with the fewest alarms.

    `score` (n,) may be anything that rises with the chance of a case.
    """
    ladder = _ladder(label, score, money)
    return _priced(ladder, int(np.argmax(ladder.saved(ladder.saves))))


def steady(label: Array, score: Array, money: Money, draws: int = DRAWS) -> Threshold:
    """The mean of the cheapest thresholds of `draws` samples of the events, drawn with replacement.

    The cost is flat around its least, so that the cheapest threshold of one window hangs on a few
    events; the mean over samples (bagging, Breiman 1996) costs less on other events. As `cheapest`
    else; no alarm at all where most samples want none.
    """
    ladder, random = _ladder(label, score, money), np.random.default_rng(0)
    n = len(label)
    places = []
    for _ in range(draws):
        times = np.bincount(random.integers(0, n, n), minlength=n)
        places.append(int(np.argmax(ladder.saved(times * ladder.saves))))
    values = [float(ladder.values[place - 1]) for place in places if place]
    if 2 * len(values) < draws:
        return _priced(ladder, 0)
    mean = math.fsum(values) / len(values)
    return _priced(ladder, int(np.searchsorted(-ladder.values, -mean, side="right")))


@dataclass(frozen=True)
class Ladder:
    """Events from the highest score down. `ranked` their scores, `saves` what an alarm on each saves,
    (n,); `last` the last place of each distinct score, (k,); `quiet` the cost without any alarm."""

    ranked: Array
    saves: Array
    last: Array
    quiet: float

    @property
    def values(self) -> Array:
        """The distinct scores, falling, (k,)."""
        return self.ranked[self.last]

    def saved(self, saves: Array) -> Array:
        """What alarms on the first none, one, ... k distinct scores save, (k + 1,)."""
        return np.concatenate([[0.0], np.cumsum(saves)[self.last]])


def _ladder(label: Array, score: Array, money: Money) -> Ladder:
    order, last = _ranked(score)
    quiet = cost(label, np.zeros(len(label), bool), money)
    saves = (quiet - cost(label, np.ones(len(label), bool), money))[order]
    return Ladder(score[order], saves, last, float(np.sum(quiet)))


def _priced(ladder: Ladder, best: int) -> Threshold:
    """The threshold below the first `best` distinct scores, with its mean cost."""
    mean = (ladder.quiet - float(ladder.saved(ladder.saves)[best])) / len(ladder.ranked)
    return _threshold(ladder.ranked, ladder.last, best, "cost", mean)


def best_f1(label: Array, probability: Array) -> Threshold:
    """The threshold with the highest F1; of equals, the one with the fewest alarms."""
    order, last = _ranked(probability)
    case = np.asarray(label)[order] == 1
    hits = np.concatenate([[0], np.cumsum(case)[last]])
    alarms = np.concatenate([[0], last + 1])
    f1 = 2 * hits / np.maximum(alarms + np.sum(case), 1)
    best = int(np.argmax(f1))
    return _threshold(probability[order], last, best, "f1", float(f1[best]))


def _ranked(probability: Array) -> tuple[Array, Array]:
    """Events from the highest probability down, and the last place of each distinct value."""
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    return order, np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))


def _threshold(ranked: Array, last: Array, best: int, chosen: str, objective: float) -> Threshold:
    """Half way between the lowest flagged value and the next; to flag none 2, or above the highest."""
    values = np.append(ranked[last], 0.0)
    value = (values[best - 1] + values[best]) / 2 if best else max(2.0, values[0] + 1)
    share = (last[best - 1] + 1) / len(ranked) if best else 0.0
    return Threshold(float(value), chosen, float(objective), float(share))
