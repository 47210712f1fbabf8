"""Faults of the input as a whole: missing hours, a wrong clock, missing and repeated rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import causes, chances, seasonal_baseline
from plumbline.monitor.check_context import ROWS, CheckContext
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.verdict import Finding, Level

DEPTH = 4
"""Periods of the same season whose row counts are compared."""


def hours(context: CheckContext) -> Iterator[Finding]:
    """Missing hours, or else a clock that is late or early."""
    spec = context.binning.by_name.get(context.binning.time or "")
    if spec is None or spec.name not in context.shifts or context.short:
        return
    now = context.baseline.counts[-1, spec.bin_range]
    before = context.baseline.reference[-1, spec.bin_range]
    gap = causes.missing_hours(now, before)
    if gap and gap.share >= context.limits.hours and gap.chance < context.alert:
        text = f"no row {gap.description}, where {gap.share:.0%} of a day's rows are usual"
        cause = f"nothing {gap.description}"
        yield Finding("hours", "alert", gap.share, ROWS, text, spec.name, spec.reach, cause)
        return
    late = causes.clock(now, before)
    if late and context.shifts[spec.name].p < context.alert:
        cause = f"times {abs(late)} hours {'late' if late > 0 else 'early'}"
        text = f"the day's hours fit the usual ones when moved by {-late:+d} hours"
        yield Finding("time", "alert", abs(late), "hours", text, spec.name, spec.reach, cause)


def keys(context: CheckContext) -> Iterator[Finding]:
    """Rows that come twice, and rows whose time lies outside the period."""
    checks = (
        ("repeated", context.binning.key, "rows have a key that came before", "rows come twice"),
        (
            "outside_period",
            context.binning.time,
            "event times outside the period",
            "times out of the period",
        ),
    )
    for check, column, text, cause in checks:
        count = _count(context.now, check)
        before = np.array([_count(s, check) for s in context.before], float)
        rows = np.array([s.rows for s in context.before], float)
        if not len(before):
            continue
        chance, share = chances.rate(count, context.now.rows, before, rows)
        excess = count / context.now.rows - share
        level = context.graded(chance, excess, context.limits.fault_share, important=True)
        if level:
            evidence = f"{count / context.now.rows:.1%} {text}, {share:.2%} before"
            yield Finding(check, level, excess, ROWS, evidence, column, None, cause)


def rows(context: CheckContext) -> Iterator[Finding]:
    """More or fewer rows than the same weekday had: an alert only where most are missing."""
    if context.short or not context.binning.period_days:
        return
    periods = (*context.before, context.now)
    seasons = np.array([seasonal_baseline.season(context.binning, s) for s in periods])
    counts = np.array([s.rows for s in periods], float)
    expected = _expected(seasons, counts)
    if not np.isfinite(expected[-1]) or expected[-1] < context.limits.min_rows:
        return
    rest = np.log((counts + 1) / (expected + 1))
    values = np.append(rest[:-1][np.isfinite(rest[:-1])], rest[-1])
    chance = chances.moderated({"": values}, np.ones(len(values), bool), floor=0.02)[""]
    change = float(counts[-1] / expected[-1] - 1)
    if chance >= context.warning or abs(change) < context.limits.rows_change.warning:
        return
    most_missing = change <= -context.limits.rows_change.alert and chance < context.alert
    like = "the same weekday" if context.binning.period_days == 1 else "the last periods"
    text = f"{context.now.rows:,} rows, {expected[-1]:,.0f} expected from {like}"
    cause = "rows are missing" if change < 0 else "more rows than usual"
    level: Level = "alert" if most_missing else "warning"
    yield Finding("rows", level, abs(change), "relative change", text, cause=cause)


def _expected(seasons: Array, counts: Array) -> Array:
    """The mean of the last DEPTH earlier counts of the same season (n,), NaN without any."""
    out = np.full(len(counts), np.nan)
    for period in range(len(counts)):
        same = counts[:period][seasons[:period] == seasons[period]][-DEPTH:]
        if len(same):
            out[period] = same.mean()
    return out


def _count(summary: PeriodSummary, check: str) -> int:
    return summary.repeated if check == "repeated" else summary.outside_period
