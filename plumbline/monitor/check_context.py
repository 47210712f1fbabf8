"""What every check of one period looks at, and how the level of a finding is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor.binning import Binning, ColumnSpec
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import PeriodSummary, RawColumn
from plumbline.monitor.seasonal_baseline import Baseline, ColumnShift
from plumbline.monitor.verdict import Level

ROWS = "share of rows"


@dataclass(frozen=True)
class CheckContext:
    """One period (`now`), the healthy ones `before` it and the last ones, healthy or not (`trail`).

    `baseline` and `shifts`: the columns' past counts, and how far each has moved. `alert` and
    `warning` are the chances per test at which a finding has that level: the period's error budget
    over all its tests.
    """

    binning: Binning
    before: Sequence[PeriodSummary]
    now: PeriodSummary
    trail: Sequence[PeriodSummary]
    baseline: Baseline
    shifts: Mapping[str, ColumnShift]
    limits: Monitor
    alert: float
    warning: float

    @property
    def short(self) -> bool:
        """Whether there are too few healthy periods to compare with."""
        return len(self.before) < self.limits.min_history

    def important(self, spec: ColumnSpec) -> bool:
        """Whether enough of the model depends on the column, itself or through features of it."""
        return spec.reach >= self.limits.min_importance

    def graded(self, chance: float, size: float, alert: float, *, important: bool) -> Level | None:
        """The level of a finding of this chance and size; None where it is no finding.

        `alert`: the size from which an important one is an alert.
        """
        if chance >= self.warning:
            return None
        return "alert" if important and chance < self.alert and size >= alert else "warning"

    def counts(
        self, count: Callable[[PeriodSummary], int], share: float | None = None
    ) -> tuple[Array, Array]:
        """Past counts and rows; without a past `share` of the training rows, if given."""
        if not self.before and share is not None:
            return np.array([share * self.binning.rows]), np.array([float(self.binning.rows)])
        return (
            np.array([count(s) for s in self.before], float),
            np.array([s.rows for s in self.before], float),
        )

    def raw_columns(self, spec: ColumnSpec, *, season: bool = False) -> list[RawColumn]:
        """What the raw column showed in each past period that has it; `season`: of the same season only."""
        periods: Sequence[PeriodSummary] = self.before
        if season and self.baseline.matched[-1]:
            chosen = np.flatnonzero(self.baseline.weights[-1]).tolist()
            periods = [self.before[i] for i in chosen]
        return [s.raw[spec.name] for s in periods if spec.name in s.raw]
