"""One period's verdict from its summary and the stream's past. Pure: no file, no clock, no randomness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from plumbline.monitor import (
    calendar,
    drift_findings,
    input_faults,
    label_findings,
    outliers,
    seasonal_baseline,
    verdict,
)
from plumbline.monitor.binning import Binning
from plumbline.monitor.check_context import CheckContext
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.outlier_counts import OutlierCounts
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.verdict import Finding, Level


@dataclass(frozen=True)
class Judgement:
    """The verdict on one period, most severe finding first.

    `shift` of the score in standard deviations of its rank. `outliers`: rows beyond the reference's
    extremes, `usual` the shares of predictions and of rows to be expected. `blind`: the day until which labels cannot
    tell of this period. `cold`: why the past is too short to judge by, "" where it is not.
    """

    day: np.datetime64 | None
    rows: int
    findings: tuple[Finding, ...]
    mean: float
    shift: float
    outliers: OutlierCounts = field(default_factory=OutlierCounts)
    usual: tuple[float, float] = (0.0, 0.0)
    blind: np.datetime64 | None = None
    cold: str = ""

    @property
    def level(self) -> Level:
        """That of the most severe finding."""
        return verdict.level(self.findings)


def tests(binning: Binning) -> int:
    """How many tests a period's error is split over (Bonferroni): three per binned column and so on."""
    binned = sum(1 for s in binning.specs if s.size > 1) + len(binning.scores)
    raw = sum(1 for s in binning.specs if s.raw)
    of_columns = 3 * binned + 5 * raw
    of_entities = 2 * len(binning.entities) + len(binning.consistency_checks)
    return of_columns + of_entities + 4 + outliers.TESTS


def judge(
    binning: Binning,
    before: Sequence[PeriodSummary],
    now: PeriodSummary,
    limits: Monitor,
    labels: tuple[Sequence[LabelOutcome], Sequence[LabelOutcome]] = ((), ()),
    trail: Sequence[PeriodSummary] = (),
) -> Judgement:
    """The verdict on `now` by `before` (healthy periods, oldest first).

    `trail`: the periods just before, healthy or not, with which histories are compared. `labels`:
    outcomes of past periods and of the recent ones whose labels are known by now, both oldest first.
    """
    context = _context(binning, before, now, limits, trail)
    cold = _cold(context)
    broken = input_faults.findings(context)
    moved = drift_findings.score_has_moved(context) and not cold
    few_rows = now.rows < limits.min_rows
    drifted = [] if few_rows else drift_findings.drift(context, broken, score_moved=moved)
    trends = drift_findings.trends(context, {f.column for f in (*broken, *drifted)})
    extreme = outliers.findings(context, broken, drifted, score_moved=moved)
    of_labels = label_findings.findings(binning.problem, labels, limits, binning.classes)
    score = context.shifts.get("score")
    return Judgement(
        day=now.day,
        rows=now.rows,
        findings=tuple(verdict.order([*broken, *drifted, *trends, *extreme, *of_labels])),
        mean=now.mean,
        shift=score.size if score else float("nan"),
        outliers=now.outliers,
        usual=(outliers.expected(context, "predictions"), outliers.expected(context, "rows")),
        blind=_blind(binning, now),
        cold=cold,
    )


def _context(
    binning: Binning,
    before: Sequence[PeriodSummary],
    now: PeriodSummary,
    limits: Monitor,
    trail: Sequence[PeriodSummary],
) -> CheckContext:
    baseline = seasonal_baseline.baseline(binning, before, now)
    shifts = seasonal_baseline.shifts(baseline, (*binning.specs, *binning.scores))
    days = (limits.false_alert_days, limits.false_warning_days)
    alert, warning = (1 / d / tests(binning) for d in days)
    return CheckContext(binning, before, now, trail, baseline, shifts, limits, alert, warning)


def _cold(context: CheckContext) -> str:
    """Why drift can only be a warning, "" where it can be judged."""
    if context.now.rows < context.limits.min_rows:
        return (
            f"{context.now.rows} rows, {context.limits.min_rows} are needed: only what is missing or "
            "null is judged; a longer period_days gathers more"
        )
    if not context.short and context.baseline.matched[-1]:
        return ""
    return (
        f"{len(context.before)} past periods, {context.limits.min_history} and two of the same season "
        "are needed: drift can only be a warning"
    )


def _blind(binning: Binning, now: PeriodSummary) -> np.datetime64 | None:
    if now.day is None or binning.label_delay == 0:
        return None
    last = now.day + (binning.period_days - 1) * calendar.DAY
    return calendar.known_on(last, binning.label_delay)
