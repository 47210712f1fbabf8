"""The decision threshold, chosen on the validation window; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plumbline.model import costs as matrix
from plumbline.model.costs import Costs
from plumbline.model.money import Money, cost
from plumbline.usecase import Array, Columns, UseCase


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
    return cheapest(label, probability, matrix.money(costs, columns))


def cheapest(label: Array, probability: Array, money: Money) -> Threshold:
    """The threshold with the least mean cost; of equals, the one with the fewest alarms.

    `probability` (n,) may be any score that rises with the chance of a case.
    """
    order, last = _ranked(probability)
    quiet = cost(label, np.zeros(len(label), bool), money)
    saves = (quiet - cost(label, np.ones(len(label), bool), money))[order]
    saved = np.concatenate([[0.0], np.cumsum(saves)[last]])
    best = int(np.argmax(saved))
    mean = (float(np.sum(quiet)) - float(saved[best])) / len(label)
    return _threshold(probability[order], last, best, "cost", mean)


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
    """Half way between the lowest flagged value and the next; 2, which none reaches, to flag none."""
    values = np.append(ranked[last], 0.0)
    value = (values[best - 1] + values[best]) / 2 if best else 2.0
    share = (last[best - 1] + 1) / len(ranked) if best else 0.0
    return Threshold(float(value), chosen, float(objective), float(share))
