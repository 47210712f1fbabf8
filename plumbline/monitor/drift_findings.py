"""Columns and scores that have moved: against the season-matched past, and against the training window."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np

from plumbline.monitor import seasonal_baseline
from plumbline.monitor.binning import Binning, ColumnSpec
from plumbline.monitor.check_context import CheckContext
from plumbline.monitor.seasonal_baseline import ColumnShift
from plumbline.monitor.verdict import Finding, Level

TREND_PERIODS = 28
"""Periods that are pooled to be compared with the training window."""
YEAR = 364
"""Days of a year in whole weeks: longer periods are pooled to one where the training window has a year."""
CALENDAR = 2
"""Values of a feature of the clock in one period, up to which the period's place in the calendar decides on them."""
SMALL = 0.1
"""Shift of a period, deviations, below which a run of periods, not itself, is why a column has drifted."""


def score_has_moved(context: CheckContext) -> bool:
    """Whether the score has moved, beyond chance and far enough to matter."""
    return any(_moved_far(context, shift) for _, shift in _of_scores(context))


def _moved_far(context: CheckContext, score: ColumnShift) -> bool:
    return score.p < context.alert and abs(score.size) >= context.limits.score_shift


def _of_scores(context: CheckContext) -> list[tuple[str, ColumnShift]]:
    """The score's shift and, of several classes, that of each probability, with their names."""
    names = ["score", *(spec.name for spec in context.binning.class_scores)]
    return [(n, context.shifts[n]) for n in names if n in context.shifts]


def drift(context: CheckContext, broken: Sequence[Finding], *, score_moved: bool) -> list[Finding]:
    """Columns that moved, and the score; a feature is left out where a raw column that it reads is named."""
    named = {f.column for f in broken}
    moved: dict[str, Finding] = {}
    for spec in context.binning.specs:
        shift = context.shifts.get(spec.name)
        if shift is None or spec.name in named or named & set(spec.roots):
            continue
        if spec.clock and np.count_nonzero(context.now.counts[spec.bin_range]) <= CALENDAR:
            continue  # the month has changed, as it does
        important = score_moved and context.important(spec)
        level = context.graded(shift.p, 0.0, 0.0, important=important)
        if level:
            moved[spec.name] = _of_column(spec, shift, level)
    specs = context.binning.by_name
    raw = {n for n in moved if specs[n].raw}
    out = [f for n, f in moved.items() if not raw & set(specs[n].roots)]
    scores = _of_scores(context)
    far = [one for one in scores if _moved_far(context, one[1])] or scores
    name, score = min(far, key=lambda one: one[1].p, default=("", None))
    if score is not None and score.p < context.warning and (score_moved or not broken):
        out.append(_of_score(name, score, "alert" if score_moved else "warning"))
    return out


def trends(context: CheckContext, named: Set[str | None]) -> list[Finding]:
    """Important columns far from the training window over the last weeks.

    A reference that moves with the stream does not show them. Columns in `named` have a finding already;
    what is read from the clock alone moves with it, and has no trend.
    """
    wanted = trend_periods(context.binning.period_days, context.binning.days)
    recent = [*context.before, context.now][-wanted:]
    if len(recent) < wanted or not context.binning.period_days:
        return []
    counts = np.sum([s.counts for s in recent], axis=0)
    out = []
    for spec in context.binning.specs:
        minor = spec.importance < context.limits.min_importance
        if minor or spec.clock or spec.name in named or spec.size < 2:
            continue
        training = context.binning.training[spec.bin_range]
        psi, size = seasonal_baseline.distance(counts[spec.bin_range], training, spec.order)
        if abs(size) >= context.limits.trend_shift:
            out.append(_of_trend(context.binning, spec, size, psi))
    return out


def trend_periods(period_days: int, training_days: int) -> int:
    """Periods to pool: a year of longer ones, where the training window has one, so that seasons cancel.

    >>> trend_periods(1, 800), trend_periods(7, 100), trend_periods(7, 400)
    (28, 28, 52)
    """
    if period_days > 1 and training_days >= YEAR:
        return max(2, round(YEAR / period_days))
    return TREND_PERIODS


def _of_trend(binning: Binning, spec: ColumnSpec, size: float, psi: float) -> Finding:
    periods = trend_periods(binning.period_days, binning.days)
    text = f"{size:+.2f} deviations of its rank from training in {periods} periods, PSI {psi:.2f}"
    cause = "it has moved away since training"
    if binning.period_days > 1 and binning.days < YEAR:
        cause += f"; a season looks the same: training has {binning.days} days"
    return Finding(
        "trend_shift", "warning", abs(size), "deviations", text, spec.name, spec.reach, cause
    )


def _of_column(spec: ColumnSpec, shift: ColumnShift, level: Level) -> Finding:
    way = "up" if shift.size > 0 else "down"
    text = f"shift {shift.size:+.2f} deviations of its rank, PSI {shift.psi:.2f}"
    cause = f"values went {way}" if abs(shift.size) > 0.02 else "another mix of values"
    if abs(shift.size) < SMALL and shift.p_run < min(shift.p_mean, shift.p_shape):
        way = "up" if shift.run > 0 else "down"
        cause = f"{seasonal_baseline.RUN} periods in a row went {way} on the whole"
    return Finding(
        "drift", level, abs(shift.size), "deviations", text, spec.name, spec.reach, cause
    )


def _of_score(name: str, shift: ColumnShift, level: Level) -> Finding:
    what = "scores" if name == "score" else f"{name}:"
    text = f"{what} shifted {shift.size:+.2f} deviations of their rank, PSI {shift.psi:.2f}"
    return Finding("prediction", level, abs(shift.size), "deviations", text)
