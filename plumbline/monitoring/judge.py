"""One period's verdict from its sketch and the stream's past. Pure: no file, no clock, no chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.monitoring import faults, matured, usual, verdict
from plumbline.monitoring.layout import Layout
from plumbline.monitoring.matured import Outcome
from plumbline.monitoring.sketch import Sketch
from plumbline.monitoring.usual import Past, Shift
from plumbline.monitoring.verdict import Finding, Level
from plumbline.params import Monitor


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


@dataclass(frozen=True)
class Budget:
    """Chances per test at which something is paged and watched: the window's error over all tests."""

    page: float
    watch: float


def budget(layout: Layout, limits: Monitor) -> Budget:
    """The window's chance of a false alarm, split evenly over its tests (Bonferroni)."""
    binned = sum(1 for p in layout.plans if p.size > 1) + 1
    raw = sum(1 for p in layout.plans if p.raw)
    tests = 3 * binned + 5 * raw + 2 * len(layout.entities) + len(layout.claims) + 4
    return Budget(1 / limits.false_page_days / tests, 1 / limits.false_watch_days / tests)


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
    chances = budget(layout, limits)
    past = usual.past(layout, before, now)
    moved = usual.shifts(past, (*layout.plans, layout.score))
    cold = _cold(before, past, limits)
    broken = faults.findings(layout, before, now, trail, past, moved, limits, chances)
    drifted = (
        [] if now.rows < limits.min_rows else _drift(layout, moved, broken, limits, chances, cold)
    )
    told = label_findings(layout, labels, limits)
    score = moved.get("score")
    return Judgement(
        day=now.day,
        rows=now.rows,
        findings=tuple(verdict.order([*broken, *drifted, *told])),
        mean=now.mean,
        shift=score.size if score else float("nan"),
        blind=_blind(layout, now),
        cold=cold,
    )


def label_findings(
    layout: Layout, labels: tuple[Sequence[Outcome], Sequence[Outcome]], limits: Monitor
) -> list[Finding]:
    """A loss of quality, or labels off the scores, on matured periods; the clearest run of each."""
    from scipy.special import ndtri

    found = matured.tests(layout.problem, *labels)
    z_page = -float(ndtri(1 / limits.false_page_days / 12))
    z_watch = -float(ndtri(1 / limits.false_watch_days / 12))
    out = []
    for name in ("quality", "calibration"):
        mine = [t for t in found if t.name == name]
        if not mine:
            continue
        bound = limits.quality if name == "quality" else limits.calibration
        signed = [(t.z if name == "quality" else abs(t.z), abs(t.size), t) for t in mine]
        paged = [s for s in signed if s[0] >= z_page and s[1] >= bound.page]
        watched = [s for s in signed if s[0] >= z_watch and s[1] >= bound.watch]
        for chosen, level in ((paged, "page"), (watched, "watch")):
            if chosen:
                out.append(_label_finding(layout, max(chosen, key=lambda s: s[0])[2], level))
                break
    return out


def _label_finding(layout: Layout, test: matured.Test, level: str) -> Finding:
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
        level,  # type: ignore[arg-type]
        abs(test.size),
        unit,
        f"{text} (labels of {days})",
        cause=cause,
        since=str(test.first),
    )


def _drift(
    layout: Layout,
    moved: dict[str, Shift],
    broken: Sequence[Finding],
    limits: Monitor,
    chances: Budget,
    cold: str,
) -> list[Finding]:
    """Columns that moved, and the score; features whose raw column is named already are left out."""
    score = moved.get("score")
    felt = (
        not cold and score is not None and score.p < chances.page and abs(score.size) >= limits.felt
    )
    named = {f.column for f in broken}
    out = []
    for plan in layout.plans:
        shift = moved.get(plan.name)
        if shift is None or shift.p >= chances.watch or plan.name in named:
            continue
        if named & set(plan.roots):
            continue
        grave = felt and shift.p < chances.page and plan.reach >= limits.used
        out.append(_drift_finding(plan.name, shift, "page" if grave else "watch", plan.reach))
    roots = {f.column for f in out if layout.named[f.column or ""].raw}
    out = [f for f in out if not roots & set(layout.named[f.column or ""].roots)]
    if score is not None and score.p < chances.watch and (felt or not broken):
        out.append(_score_finding(score, "page" if felt else "watch"))
    return out


def _drift_finding(name: str, shift: Shift, level: Level, reach: float) -> Finding:
    way = "up" if shift.size > 0 else "down"
    text = f"shift {shift.size:+.2f} deviations of its rank, PSI {shift.psi:.2f}"
    cause = f"values went {way}" if abs(shift.size) > 0.02 else "another mix of values"
    return Finding("drift", level, abs(shift.size), "deviations", text, name, reach, cause)


def _score_finding(shift: Shift, level: Level) -> Finding:
    text = f"scores shifted {shift.size:+.2f} deviations of their rank, PSI {shift.psi:.2f}"
    return Finding("prediction", level, abs(shift.size), "deviations", text)


def _cold(before: Sequence[Sketch], past: Past, limits: Monitor) -> str:
    if len(before) >= limits.min_history and past.matched[-1]:
        return ""
    return (
        f"{len(before)} past periods, {limits.min_history} and two of the same weekday are needed: "
        "drift is watched only"
    )


def _blind(layout: Layout, now: Sketch) -> np.datetime64 | None:
    if now.day is None or layout.label_delay == 0:
        return None
    return now.day + (layout.label_delay + layout.period_days) * np.timedelta64(1, "D")
