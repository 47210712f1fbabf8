"""The decision threshold, chosen on the validation window; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import cost_matrix as matrix
from plumbline.metrics.cost import Money, cost
from plumbline.metrics.cost_matrix import Costs

DRAWS = 100
"""Samples of the events that a threshold is the mean of."""
BELIEF = 0.5
"""How far an event counts as its probability says rather than as it came out."""


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
    usecase: FeatureSet, columns: Columns, probability: Array, costs: Costs | None
) -> Threshold | None:
    """The threshold for a classification, by cost where there are costs, else by F1.

    `columns` holds the label and the costs' columns, (n,) as `probability`.
    """
    if usecase.problem != "classification":
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


def steady(label: Array, probability: Array, money: Money, draws: int = DRAWS) -> Threshold:
    """The threshold with as many alarms as the cheapest ones of `draws` samples have in the mean.

    The cost is flat around its least, and how a few events of great cost came out decides where in
    it the cheapest threshold lies. So each event counts half as it came out and half as its
    probability says, and samples drawn with replacement vote (bagging, Breiman 1996): alarms, not
    thresholds, have a mean, since probabilities crowd at nought. `python -m bench.thresholds` shows
    what this saves on other days. `objective` is what really came out; as `cheapest` else.
    """
    ladder, random = _ladder(label, probability, money), np.random.default_rng(0)
    n = len(label)
    case, none = (_saves(np.full(n, value), money) for value in (1, 0))
    expected = (probability * case + (1 - probability) * none)[ladder.order]
    saves = BELIEF * expected + (1 - BELIEF) * ladder.saves
    alarms = np.append(0, ladder.last + 1)
    wanted = []
    for _ in range(draws):
        times = np.bincount(random.integers(0, n, n), minlength=n)
        wanted.append(int(alarms[np.argmax(ladder.saved(times * saves))]))
    mean = sum(wanted) / draws
    return _priced(ladder, int(np.argmin(np.abs(alarms - mean))))


@dataclass(frozen=True)
class Ladder:
    """Events from the highest score down, in `order`. `ranked` their scores, `saves` what an alarm on
    each saves, (n,); `last` the last place of each distinct score, (k,); `quiet` the cost without any
    alarm."""

    order: Array
    ranked: Array
    saves: Array
    last: Array
    quiet: float

    def saved(self, saves: Array) -> Array:
        """What alarms on the first none, one, ... k distinct scores save, (k + 1,)."""
        return np.concatenate([[0.0], np.cumsum(saves)[self.last]])


def _ladder(label: Array, score: Array, money: Money) -> Ladder:
    order, last = _ranked(score)
    quiet = cost(label, np.zeros(len(label), bool), money)
    saves = _saves(label, money)[order]
    return Ladder(order, score[order], saves, last, float(np.sum(quiet)))


def _saves(label: Array, money: Money) -> Array:
    """What an alarm on each event saves, (n,)."""
    no = np.zeros(len(label), bool)
    return cost(label, no, money) - cost(label, ~no, money)


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
