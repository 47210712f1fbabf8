"""A stream judged period by period: what is learned from, what is awaited, since when it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from plumbline.monitoring import judge as judges
from plumbline.monitoring.judge import Judgement
from plumbline.monitoring.layout import LONGEST, Layout
from plumbline.monitoring.matured import Outcome
from plumbline.monitoring.sketch import Sketch
from plumbline.monitoring.verdict import FAULTS, Finding
from plumbline.params import Monitor

HISTORY = 70
"""Healthy periods that are kept, at most."""


@dataclass(frozen=True)
class State:
    """What a stream's past has left: healthy sketches, outcomes, the last judgement.

    `usual` are outcomes of the periods before the stream, `recent` those of the stream. `trail` are
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

    A period that is paged for its input or its drift does not enter the reference of later ones.
    """
    arrived = [o for _, o in sorted((known or {}).items()) if o.known]
    recent = (*state.recent, *arrived)
    found = judges.judge(
        state.layout, state.healthy, now, state.limits, (state.usual, recent), state.trail
    )
    found = replace(found, findings=tuple(_since(f, found, state.last) for f in found.findings))
    healthy = state.healthy if _spoiled(found) else (*state.healthy, now)[-HISTORY:]
    trail = (*state.trail, now)[-LONGEST:]
    return replace(state, healthy=healthy, recent=recent[-HISTORY:], last=found, trail=trail), found


def _spoiled(found: Judgement) -> bool:
    kinds = (*FAULTS, "drift", "prediction")
    return any(f.level == "page" and f.check in kinds for f in found.findings)


def _since(finding: Finding, found: Judgement, last: Judgement | None) -> Finding:
    """The first day of the unbroken run of this finding."""
    if finding.since is not None or found.day is None:
        return finding
    key = (finding.check, finding.column)
    before = next((f for f in last.findings if (f.check, f.column) == key), None) if last else None
    return replace(finding, since=before.since if before else str(found.day))
