"""What every check of one period looks at, and how a finding is graded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor.binning import Layout, Plan
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import Raw, Sketch
from plumbline.monitor.seasonal_baseline import Past, Shift
from plumbline.monitor.verdict import Level

ROWS = "share of rows"


@dataclass(frozen=True)
class Scene:
    """One period (`now`), the healthy ones `before` it and the last ones, healthy or not (`trail`).

    `past` and `moved` are the columns' counts and shifts. `alert` and `warning` are the chances
    per test at which a finding has that level: the period's error budget over all its tests.
    """

    layout: Layout
    before: Sequence[Sketch]
    now: Sketch
    trail: Sequence[Sketch]
    past: Past
    moved: Mapping[str, Shift]
    limits: Monitor
    alert: float
    warning: float

    @property
    def short(self) -> bool:
        """Whether the past is too short to know what is usual."""
        return len(self.before) < self.limits.min_history

    def used(self, plan: Plan) -> bool:
        """Whether the model uses the column, itself or through what is made of it."""
        return plan.reach >= self.limits.min_importance

    def graded(self, chance: float, size: float, alert: float, *, used: bool) -> Level | None:
        """A finding's level by its chance and size, None for no finding; `alert`: the size from which it is one."""
        if chance >= self.warning:
            return None
        return "alert" if used and chance < self.alert and size >= alert else "warning"

    def counts(
        self, count: Callable[[Sketch], int], share: float | None = None
    ) -> tuple[Array, Array]:
        """Past counts and rows; without a past `share` of the training rows, if given."""
        if not self.before and share is not None:
            return np.array([share * self.layout.rows]), np.array([float(self.layout.rows)])
        return (
            np.array([count(s) for s in self.before], float),
            np.array([s.rows for s in self.before], float),
        )

    def raws(self, plan: Plan, *, season: bool = False) -> list[Raw]:
        """What the raw column showed in each past period (of the season, if asked), where it was there."""
        some: Sequence[Sketch] = self.before
        if season and self.past.matched[-1]:
            some = [self.before[i] for i in np.flatnonzero(self.past.weights[-1]).tolist()]
        return [s.raw[plan.name] for s in some if plan.name in s.raw]


def percent(share: float) -> str:
    """
    >>> percent(0.0512), percent(0.51)
    ('5.1 %', '51 %')
    """
    return f"{100 * share:.2g} %" if share < 0.095 else f"{100 * share:.0f} %"
