"""What was observed of each event that takes part, and its sums by entity at every look. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import entity_means
from plumbline.metrics.entity_means import EntitySums

NEVER = np.iinfo(np.int64).max
"""The day on which a value that never comes is known."""


@dataclass(frozen=True)
class Observed:
    """One metric of n events: `value` (n,), what each counts for, `weight` (n,), and the day it is known, int (n,).

    A weight above 1: the event stands for others of which the decision withheld the label; 0: its own was withheld.
    """

    value: Array
    weight: Array
    known: Array

    def rows(self, chosen: Array) -> Observed:
        """Some of the events."""
        return Observed(self.value[chosen], self.weight[chosen], self.known[chosen])


@dataclass(frozen=True)
class Observations:
    """n events: the unit each belongs to, int (n,), its arm, object (n,), day of receipt, int (n,), and its metrics.

    `withheld`: events that are due, whose label the decision withheld and of whose kind none was let through.
    `unlabelled`: events that are due without feedback. `unpaired`: of a paired design, scores without a counterpart.
    """

    unit: Array
    arm: Array
    day: Array
    metrics: Mapping[str, Observed]
    withheld: int = 0
    unlabelled: int = 0
    unpaired: int = 0

    def __len__(self) -> int:
        return len(self.unit)

    def rows(self, chosen: Array) -> Observations:
        """Some of the events."""
        metrics = {name: one.rows(chosen) for name, one in self.metrics.items()}
        return replace(
            self,
            unit=self.unit[chosen],
            arm=self.arm[chosen],
            day=self.day[chosen],
            metrics=metrics,
        )

    def without_crossing(self) -> tuple[Observations, int]:
        """Each unit in the arm of its first event: without its events in others, and how many units have such."""
        _, first, place = np.unique(self.unit, return_index=True, return_inverse=True)
        stays = self.arm == self.arm[first][place]
        return self.rows(stays), len(np.unique(self.unit[~stays]))


def sums_by_look(
    observations: Observations, metric: str, arm: str, looks: Array
) -> Iterator[EntitySums]:
    """The sums over an arm's units of all that is known by the end of each day in `looks`, rising."""
    one = observations.metrics[metric]
    known = np.maximum(one.known, observations.day)
    of_arm = (observations.arm == arm) & (known <= looks[-1]) & (one.weight > 0)
    _, unit = np.unique(observations.unit[of_arm], return_inverse=True)
    look = np.searchsorted(looks, known[of_arm])
    order = np.argsort(look, kind="stable")
    edges = np.searchsorted(look[order], np.arange(len(looks) + 1))
    weight, total = one.weight[of_arm], one.weight[of_arm] * one.value[of_arm]
    size = int(unit.max(initial=-1)) + 1
    events, totals = np.zeros(size), np.zeros(size)
    for start, end in itertools.pairwise(edges):
        rows = order[start:end]
        events += np.bincount(unit[rows], weight[rows], size)
        totals += np.bincount(unit[rows], total[rows], size)
        yield EntitySums.of(events, totals)


def units_by_look(observations: Observations, arm: str, looks: Array) -> list[int]:
    """How many units of an arm had an event by the end of each day."""
    of_arm = observations.arm == arm
    _, first = np.unique(observations.unit[of_arm], return_index=True)
    days = np.sort(observations.day[of_arm][first])
    return [int(n) for n in np.searchsorted(days, looks, side="right")]


def lasting_variance(observations: Observations, metric: str) -> float:
    """The squared error of the metric's mean that entities' habits leave however many days there are."""
    one = observations.metrics[metric]
    there = one.weight > 0
    _, unit = np.unique(observations.unit[there], return_inverse=True)
    weight, total = one.weight[there], (one.weight * one.value)[there]
    size, odd = int(unit.max(initial=-1)) + 1, observations.day[there] % 2 == 1
    halves = (odd, ~odd)
    events = [np.bincount(unit[half], weight[half], size) for half in halves]
    totals = [np.bincount(unit[half], total[half], size) for half in halves]
    return entity_means.lasting_variance((events[0], events[1]), (totals[0], totals[1]))
