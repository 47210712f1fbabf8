"""More predictions, or more rows, beyond the extremes of the reference than the past periods explain.

One count of predictions and one of rows are tested, however many columns there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plumbline.monitor import chances
from plumbline.monitor.check_context import ROWS, CheckContext
from plumbline.monitor.verdict import LEVELS, Finding
from plumbline.report import numbers

NAMED = 3
"""Columns that a finding names."""
TESTS = 2
"""Tests of a period."""


def findings(
    context: CheckContext,
    faults: Sequence[Finding],
    drifted: Sequence[Finding],
    *,
    score_moved: bool,
) -> Iterator[Finding]:
    """What a fault of the input explains is left out, and what a drift of at least the same level says.

    Extreme values that leave the scores where they were are a warning.
    """
    if not context.before or context.now.rows < context.limits.min_rows:
        return
    prediction = _prediction(context)
    if prediction and not _is_covered([*faults, *_of_score(drifted)], prediction):
        yield prediction
    values = _values(context, important=score_moved)
    same = [f for f in (*faults, *drifted) if f.column in _concerned(context)]
    if values and not _is_covered(same, values):
        yield values


def expected(context: CheckContext, name: str) -> float:
    """The share of rows beyond the extremes by the past periods; `name`: predictions or rows."""
    before = context.counts(lambda s: getattr(s.outliers, name), 0.0)
    return chances.rate(0, 1, *before)[1]


def _prediction(context: CheckContext) -> Finding | None:
    low, high = context.binning.score.bounds or (np.nan, np.nan)
    where = f"of predictions below {low:.3g} or above {high:.3g}"
    cause = "the model answers beyond what it was validated on"
    return _rated(
        context, "predictions", "outlier_predictions", where, cause, important=not context.short
    )


def _values(context: CheckContext, *, important: bool) -> Finding | None:
    names = [f"{name} in {numbers.share(share)}" for name, share in _columns(context)]
    where = "of rows beyond the extremes of a feature that the model relies on"
    cause = ", ".join(names[:NAMED])
    return _rated(context, "rows", "extreme_values", where, cause, important=important)


def _rated(
    context: CheckContext, name: str, check: str, where: str, cause: str, *, important: bool
) -> Finding | None:
    before = context.counts(lambda s: getattr(s.outliers, name), 0.0)
    number, rows = getattr(context.now.outliers, name), context.now.rows
    chance, usual = chances.rate(number, rows, *before)
    size = number / rows - usual
    level = context.graded(chance, size, context.limits.fault_share, important=important)
    text = f"{number / rows:.1%} {where}, {usual:.2%} before"
    return Finding(check, level, size, ROWS, text, cause=cause) if level else None


def _columns(context: CheckContext) -> list[tuple[str, float]]:
    """The features with more rows beyond their extremes than before, and the share; the most first."""
    rows, past = context.now.rows, sum(s.rows for s in context.before) or 1
    counts = context.now.outliers.columns
    before = {n: sum(s.outliers.columns.get(n, 0) for s in context.before) for n in counts}
    excess = {n: counts[n] / rows - before[n] / past for n in counts}
    ordered = sorted((n for n in excess if excess[n] > 0), key=lambda n: (-excess[n], n))
    return [(n, counts[n] / rows) for n in ordered]


def _concerned(context: CheckContext) -> set[str]:
    """The features with more extreme values than before, and the raw columns that they read."""
    names = {name for name, _ in _columns(context)}
    return names | {root for n in names for root in context.binning.by_name[n].roots}


def _of_score(drifted: Sequence[Finding]) -> list[Finding]:
    return [f for f in drifted if f.check == "prediction"]


def _is_covered(others: Sequence[Finding], finding: Finding) -> bool:
    """Whether one of `others` is at least as severe."""
    least = LEVELS.index(finding.level)
    return any(LEVELS.index(f.level) >= least for f in others)
