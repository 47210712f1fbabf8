"""A stream judged period by period: what is learned from, what is awaited, since when it lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.monitor import judge as judges
from plumbline.monitor import label_outcomes
from plumbline.monitor.binning import LONGEST, Layout
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import Outcome
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import Sketch
from plumbline.monitor.verdict import FAULTS, Finding

HISTORY = 84
"""Healthy periods that are kept, at most."""
SPOILING = (*FAULTS, "drift", "prediction")
"""Checks whose alert keeps a period out of the reference of later ones."""


@dataclass(frozen=True)
class State:
    """What a stream's past has left: healthy sketches, outcomes, the last judgement.

    `usual` are outcomes of healthy periods, `recent` those that are still on trial. `trail` are
    the last periods, healthy or not.
    """

    layout: Layout
    limits: Monitor
    healthy: tuple[Sketch, ...] = ()
    usual: tuple[Outcome, ...] = ()
    recent: tuple[Outcome, ...] = ()
    last: Judgement | None = None
    trail: tuple[Sketch, ...] = ()


def begin(layout: Layout, limits: Monitor) -> State:
    """A stream without a past."""
    return State(layout, limits)


def learn(state: State, sketch: Sketch, outcome: Outcome | None = None) -> State:
    """The state with a healthy period more, which is not judged; its labels if known."""
    more = () if outcome is None or not outcome.known else (outcome,)
    healthy = (*state.healthy, sketch)[-HISTORY:]
    trail = (*state.trail, sketch)[-LONGEST:]
    return replace(state, healthy=healthy, usual=(*state.usual, *more)[-HISTORY:], trail=trail)


def step(
    state: State, now: Sketch, known: Mapping[np.datetime64, Outcome] | None = None
) -> tuple[State, Judgement]:
    """Judge `now`, with the outcomes that became known since the last step, by day.

    A period with an alert for its input or its drift does not enter the reference of later ones.
    """
    arrived = [o for _, o in sorted((known or {}).items()) if o.known]
    recent = (*state.recent, *arrived)
    labels = (state.usual, recent)
    found = judges.judge(state.layout, state.healthy, now, state.limits, labels, state.trail)
    found = replace(found, findings=tuple(_since(f, found, state.last) for f in found.findings))
    healthy = state.healthy if _spoiled(found, SPOILING) else (*state.healthy, now)[-HISTORY:]
    older, recent = recent[: -max(label_outcomes.RUNS)], recent[-max(label_outcomes.RUNS) :]
    lost = _spoiled(found, ("quality", "calibration"))
    usual = state.usual if lost else (*state.usual, *older)[-HISTORY:]
    trail = (*state.trail, now)[-LONGEST:]
    return State(state.layout, state.limits, healthy, usual, recent, found, trail), found


def _spoiled(found: Judgement, checks: Sequence[str]) -> bool:
    """Whether one of the checks is an alert: what is wrong is no part of the baseline."""
    return any(f.level == "alert" and f.check in checks for f in found.findings)


def _since(finding: Finding, found: Judgement, last: Judgement | None) -> Finding:
    """The first day of the unbroken run of findings about its column, or of its check."""
    if finding.since is not None or found.day is None:
        return finding
    earlier = last.findings if last else ()
    run = [f for f in earlier if (f.column or f.check) == (finding.column or finding.check)]
    days = [f.since for f in run if f.since] or [str(found.day)]
    return replace(finding, since=min(days))
