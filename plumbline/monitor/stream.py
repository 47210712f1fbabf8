"""A stream judged period by period: what it is compared with, which labels arrive, since when findings last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.monitor import label_tests
from plumbline.monitor.binning import MAX_HISTORY_DAYS, Binning
from plumbline.monitor.judge import Judgement, judge
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.verdict import FAULTS, MOVED, Finding

HISTORY = 84
"""Healthy periods that are kept, at most."""
SPOILING = (*FAULTS, *MOVED)
"""Checks whose alert keeps a period out of the baseline of later ones."""


@dataclass(frozen=True)
class StreamState:
    """What is kept of a stream's past: healthy periods, outcomes, the last judgement.

    `past_outcomes` are those of healthy periods, `recent_outcomes` those that are still being tested.
    `trail` are the last periods, healthy or not.
    """

    binning: Binning
    limits: Monitor
    healthy: tuple[PeriodSummary, ...] = ()
    past_outcomes: tuple[LabelOutcome, ...] = ()
    recent_outcomes: tuple[LabelOutcome, ...] = ()
    last: Judgement | None = None
    trail: tuple[PeriodSummary, ...] = ()


def begin(binning: Binning, limits: Monitor) -> StreamState:
    """A stream without a past."""
    return StreamState(binning, limits)


def learn(
    state: StreamState, summary: PeriodSummary, outcome: LabelOutcome | None = None
) -> StreamState:
    """The state with a healthy period more, which is not judged; its labels if known."""
    more = () if outcome is None or not outcome.known else (outcome,)
    return replace(
        state,
        healthy=(*state.healthy, summary)[-HISTORY:],
        past_outcomes=(*state.past_outcomes, *more)[-HISTORY:],
        trail=(*state.trail, summary)[-MAX_HISTORY_DAYS:],
    )


def step(
    state: StreamState,
    now: PeriodSummary,
    known: Mapping[np.datetime64, LabelOutcome] | None = None,
) -> tuple[StreamState, Judgement]:
    """Judge `now`, with the outcomes that became known since the last step, by day.

    A period with an alert for its input or its drift does not enter the baseline of later ones.
    """
    arrived = [o for _, o in sorted((known or {}).items()) if o.known]
    recent = (*state.recent_outcomes, *arrived)
    labels = (state.past_outcomes, recent)
    judged = judge(state.binning, state.healthy, now, state.limits, labels, state.trail)
    dated = tuple(_dated(f, judged, state.last) for f in judged.findings)
    judged = replace(judged, findings=dated)
    spoiled = _has_alert(judged, SPOILING)
    tested = max(label_tests.RUNS)
    older, recent = recent[:-tested], recent[-tested:]
    lost = _has_alert(judged, ("quality", "calibration"))
    following = replace(
        state,
        healthy=state.healthy if spoiled else (*state.healthy, now)[-HISTORY:],
        past_outcomes=(state.past_outcomes if lost else (*state.past_outcomes, *older)[-HISTORY:]),
        recent_outcomes=recent,
        last=judged,
        trail=(*state.trail, now)[-MAX_HISTORY_DAYS:],
    )
    return following, judged


def _has_alert(judged: Judgement, checks: Sequence[str]) -> bool:
    """Whether one of the checks is an alert: what is wrong is no part of the baseline."""
    return any(f.level == "alert" and f.check in checks for f in judged.findings)


def _dated(finding: Finding, judged: Judgement, last: Judgement | None) -> Finding:
    """The finding with the first day of the unbroken run of findings about its column, or of its check."""
    if finding.since is not None or judged.day is None:
        return finding
    earlier = last.findings if last else ()
    run = [f for f in earlier if (f.column or f.check) == (finding.column or finding.check)]
    days = [f.since for f in run if f.since] or [str(judged.day)]
    return replace(finding, since=min(days))
