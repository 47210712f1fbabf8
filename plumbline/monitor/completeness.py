"""Faults of the feed as a whole: missing hours, a wrong clock, missing and repeated rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import causes, seasonal_baseline
from plumbline.monitor.check_context import ROWS, Scene
from plumbline.monitor.period_summary import Sketch
from plumbline.monitor.verdict import Finding, Level

DEPTH = 4
"""Weeks of which the row counts are compared."""


def hours(scene: Scene) -> Iterator[Finding]:
    """Missing hours, or else a clock that is late or early."""
    plan = scene.layout.named.get(scene.layout.time or "")
    if plan is None or plan.name not in scene.moved or scene.short:
        return
    mine, before = scene.past.counts[-1, plan.place], scene.past.reference[-1, plan.place]
    gap = causes.missing_hours(mine, before)
    if gap and gap.share >= scene.limits.hours and gap.chance < scene.alert:
        text = f"no row {gap.words}, where {gap.share:.0%} of a day's rows are usual"
        cause = f"nothing {gap.words}"
        yield Finding("hours", "alert", gap.share, ROWS, text, plan.name, plan.reach, cause)
        return
    late = causes.clock(mine, before)
    if late and scene.moved[plan.name].p < scene.alert:
        cause = f"times {abs(late)} hours {'late' if late > 0 else 'early'}"
        text = f"the day's hours fit the usual ones when moved by {-late:+d} hours"
        yield Finding("time", "alert", abs(late), "hours", text, plan.name, plan.reach, cause)


def keys(scene: Scene) -> Iterator[Finding]:
    """Rows that come twice, and rows whose time lies outside the period."""
    named = (
        ("repeated", scene.layout.key, "rows have a key that came before", "rows come twice"),
        (
            "outside_period",
            scene.layout.time,
            "event times outside the period",
            "times out of the period",
        ),
    )
    for check, column, text, cause in named:
        count = _of(scene.now, check)
        before = np.array([_of(s, check) for s in scene.before], float)
        rows = np.array([s.rows for s in scene.before], float)
        if not len(before):
            continue
        chance, share = seasonal_baseline.rate(count, scene.now.rows, before, rows)
        excess = count / scene.now.rows - share
        level = scene.graded(chance, excess, scene.limits.fault_share, used=True)
        if level:
            evidence = f"{count / scene.now.rows:.1%} {text}, {share:.2%} before"
            yield Finding(check, level, excess, ROWS, evidence, column, None, cause)


def rows(scene: Scene) -> Iterator[Finding]:
    """More or fewer rows than the same weekday had: an alert only where most are missing."""
    if scene.short or not scene.layout.period_days:
        return
    seasons = np.array(
        [seasonal_baseline.season(scene.layout, s) for s in (*scene.before, scene.now)]
    )
    counts = np.array([s.rows for s in (*scene.before, scene.now)], float)
    expected = _expected(seasons, counts)
    if not np.isfinite(expected[-1]) or expected[-1] < scene.limits.min_rows:
        return
    rest = np.log((counts + 1) / (expected + 1))
    values = np.append(rest[:-1][np.isfinite(rest[:-1])], rest[-1])
    chance = seasonal_baseline.moderated({"": values}, np.ones(len(values), bool), floor=0.02)[""]
    change = float(counts[-1] / expected[-1] - 1)
    if chance >= scene.warning or abs(change) < scene.limits.rows_change.warning:
        return
    gone = change <= -scene.limits.rows_change.alert and chance < scene.alert
    like = "the same weekday" if scene.layout.period_days == 1 else "the last periods"
    text = f"{scene.now.rows:,} rows, {expected[-1]:,.0f} expected from {like}"
    cause = "rows are missing" if change < 0 else "more rows than usual"
    level: Level = "alert" if gone else "warning"
    yield Finding("rows", level, abs(change), "relative change", text, cause=cause)


def _expected(seasons: Array, counts: Array) -> Array:
    """The mean of the last DEPTH earlier counts of the same season (n,), NaN without any."""
    out = np.full(len(counts), np.nan)
    for place in range(len(counts)):
        same = counts[:place][seasons[:place] == seasons[place]][-DEPTH:]
        if len(same):
            out[place] = same.mean()
    return out


def _of(sketch: Sketch, check: str) -> int:
    return sketch.repeated if check == "repeated" else sketch.astray
