"""One period's verdict from its sketch and the stream's past. Pure: no file, no clock, no chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.monitor import calendar, faults, label_outcomes, seasonal_baseline, verdict
from plumbline.monitor.binning import Layout, Plan
from plumbline.monitor.check_context import Scene
from plumbline.monitor.label_outcomes import Outcome
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import Sketch
from plumbline.monitor.seasonal_baseline import Shift
from plumbline.monitor.verdict import Finding, Level

CLUSTERS = 4
"""Times that a test of labels is counted: cases come in clusters that outlast a run of days."""
SLOW = 28
"""Periods that are pooled to be held against the training window."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one period, gravest finding first.

    `shift` of the score in standard deviations of its rank. `blind` the day until which labels cannot
    tell of this period. `cold` says why the past is too short to judge by, "" where it is not.
    """

    day: np.datetime64 | None
    rows: int
    findings: tuple[Finding, ...]
    mean: float
    shift: float
    blind: np.datetime64 | None = None
    cold: str = ""

    @property
    def level(self) -> Level:
        """The gravest finding's."""
        return verdict.level(self.findings)


def tests(layout: Layout) -> int:
    """How many tests a period's error is split over (Bonferroni): three per binned column and so on."""
    binned = sum(1 for p in layout.plans if p.size > 1) + 1
    raw = sum(1 for p in layout.plans if p.raw)
    return 3 * binned + 5 * raw + 2 * len(layout.entities) + len(layout.claims) + 4


def judge(
    layout: Layout,
    before: Sequence[Sketch],
    now: Sketch,
    limits: Monitor,
    labels: tuple[Sequence[Outcome], Sequence[Outcome]] = ((), ()),
    trail: Sequence[Sketch] = (),
) -> Judgement:
    """The verdict on `now` by `before` (healthy periods, oldest first).

    `trail`: the periods just before, healthy or not, against which histories are held.
    `labels`: outcomes of the usual periods and of the recent ones whose labels are known by now, both
    oldest first.
    """
    past = seasonal_baseline.past(layout, before, now)
    moved = seasonal_baseline.shifts(past, (*layout.plans, layout.score))
    split = tests(layout)
    alert, warning = (1 / d / split for d in (limits.false_alert_days, limits.false_warning_days))
    scene = Scene(layout, before, now, trail, past, moved, limits, alert, warning)
    cold = _cold(scene)
    broken = faults.findings(scene)
    drifted = [] if now.rows < limits.min_rows else _drift(scene, broken, felt=_felt(scene, cold))
    told = label_findings(layout, labels, limits)
    slow = _slow(scene, {f.column for f in (*broken, *drifted)})
    score = moved.get("score")
    return Judgement(
        day=now.day,
        rows=now.rows,
        findings=tuple(verdict.order([*broken, *drifted, *slow, *told])),
        mean=now.mean,
        shift=score.size if score else float("nan"),
        blind=_blind(layout, now),
        cold=cold,
    )


def label_findings(
    layout: Layout, labels: tuple[Sequence[Outcome], Sequence[Outcome]], limits: Monitor
) -> list[Finding]:
    """A loss of quality, or labels off the scores, on matured periods; the clearest run of each."""
    found = label_outcomes.tests(layout.problem, *labels)
    tests = 2 * len(label_outcomes.RUNS) * CLUSTERS
    out = []
    for name, bound in (("quality", limits.quality), ("calibration", limits.calibration)):
        mine = sorted((t for t in found if t.name == name), key=lambda t: t.p)
        graded: tuple[tuple[Level, float, float], ...] = (
            ("alert", limits.false_alert_days, bound.alert),
            ("warning", limits.false_warning_days, bound.warning),
        )
        for level, days, least in graded:
            chosen = [t for t in mine if t.p < 1 / days / tests and abs(t.size) >= least]
            if chosen:
                out.append(_label_finding(layout, chosen[0], level))
                break
    return out


def _label_finding(layout: Layout, test: label_outcomes.Test, level: Level) -> Finding:
    metric = {"classification": "average precision", "regression": "mean absolute error"}
    if test.name == "quality":
        text = f"{metric[layout.problem]} {test.usual:.3g} before, {test.now:.3g} now"
        unit, cause = "relative loss", "what decides the label has changed"
    elif layout.problem == "classification":
        text = f"{test.now:.3g} cases per case expected by the scores, {test.usual:.3g} before"
        unit = "relative change"
        cause = f"labels {1 + test.size:.2g} times as frequent as the scores say"
    else:
        text = f"mean error {test.now:.3g}, {test.usual:.3g} before"
        unit, cause = "mean absolute errors", "the label has moved away from the scores"
    days = f"{test.first} to {test.last}" if test.run > 1 else f"{test.last}"
    return Finding(
        test.name,
        level,
        abs(test.size),
        unit,
        f"{text} (labels of {days})",
        cause=cause,
        since=str(test.first),
    )


def _felt(scene: Scene, cold: str) -> bool:
    """Whether the score has moved, beyond chance and far enough to matter."""
    score = scene.moved.get("score")
    if cold or score is None:
        return False
    return score.p < scene.alert and abs(score.size) >= scene.limits.score_shift


def _drift(scene: Scene, broken: Sequence[Finding], *, felt: bool) -> list[Finding]:
    """Columns that moved, and the score; features whose raw column is named already are left out."""
    named = {f.column for f in broken}
    found: dict[str, Finding] = {}
    for plan in scene.layout.plans:
        shift = scene.moved.get(plan.name)
        if shift is None or plan.name in named or named & set(plan.roots):
            continue
        level = scene.graded(shift.p, 0.0, 0.0, used=felt and scene.used(plan))
        if level:
            found[plan.name] = _drift_finding(plan.name, shift, level, plan.reach)
    raw = {n for n in found if scene.layout.named[n].raw}
    out = [f for n, f in found.items() if not raw & set(scene.layout.named[n].roots)]
    score = scene.moved.get("score")
    if score is not None and score.p < scene.warning and (felt or not broken):
        out.append(_score_finding(score, "alert" if felt else "warning"))
    return out


def _slow(scene: Scene, named: set[str | None]) -> list[Finding]:
    """Used columns far from the training window over the last weeks: no reference that moves shows it."""
    recent = [*scene.before, scene.now][-SLOW:]
    if len(recent) < SLOW or not scene.layout.period_days:
        return []
    counts = np.sum([s.counts for s in recent], axis=0)
    out = []
    for plan in scene.layout.plans:
        if plan.importance < scene.limits.min_importance or plan.name in named or plan.size < 2:
            continue
        psi, size = seasonal_baseline.distance(
            counts[plan.place], scene.layout.training[plan.place], plan.order
        )
        if abs(size) >= scene.limits.trend_shift:
            text = (
                f"{size:+.2f} deviations of its rank from training in {SLOW} periods, PSI {psi:.2f}"
            )
            out.append(_slow_finding(plan, abs(size), text))
    return out


def _slow_finding(plan: Plan, size: float, text: str) -> Finding:
    cause = "it has moved away since training"
    return Finding("trend_shift", "warning", size, "deviations", text, plan.name, plan.reach, cause)


def _drift_finding(name: str, shift: Shift, level: Level, reach: float) -> Finding:
    way = "up" if shift.size > 0 else "down"
    text = f"shift {shift.size:+.2f} deviations of its rank, PSI {shift.psi:.2f}"
    cause = f"values went {way}" if abs(shift.size) > 0.02 else "another mix of values"
    return Finding("drift", level, abs(shift.size), "deviations", text, name, reach, cause)


def _score_finding(shift: Shift, level: Level) -> Finding:
    text = f"scores shifted {shift.size:+.2f} deviations of their rank, PSI {shift.psi:.2f}"
    return Finding("prediction", level, abs(shift.size), "deviations", text)


def _cold(scene: Scene) -> str:
    """Why drift can only be a warning, "" where it can be judged."""
    if scene.now.rows < scene.limits.min_rows:
        return (
            f"{scene.now.rows} rows, {scene.limits.min_rows} are needed: only what is missing or "
            "null is judged; a longer period_days gathers more"
        )
    if not scene.short and scene.past.matched[-1]:
        return ""
    return (
        f"{len(scene.before)} past periods, {scene.limits.min_history} and two of the same season "
        "are needed: drift can only be a warning"
    )


def _blind(layout: Layout, now: Sketch) -> np.datetime64 | None:
    if now.day is None or layout.label_delay == 0:
        return None
    last = now.day + (layout.period_days - 1) * calendar.DAY
    return calendar.known_on(last, layout.label_delay)
