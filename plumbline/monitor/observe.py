"""The monitor's work without files: the reference learned, each period of the current window judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.usecase import UseCase
from plumbline.monitor import binning as layouts
from plumbline.monitor import label_outcomes, period_summary, quality, stream, verdict
from plumbline.monitor.binning import Layout
from plumbline.monitor.calendar import DAY
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import Outcome
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import Sketch
from plumbline.monitor.quality import Quality, Week
from plumbline.monitor.stream import State
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import Window

CHUNKS = 20
"""Parts into which a reference without time is dealt, each a period of the past."""


@dataclass(frozen=True)
class Observation:
    """What was seen: the windows, their periods' sketches, outcomes and judgements, oldest first.

    `outcomes` of the current periods hold what labels are known today. `findings` are those of all
    current periods, one per check and column.
    """

    usecase: UseCase
    layout: Layout
    past: Window
    now: Window
    before: tuple[Sketch, ...]
    sketches: tuple[Sketch, ...]
    outcomes: tuple[Outcome, ...]
    days: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    quality: Quality
    weeks: tuple[Week, ...]

    @property
    def level(self) -> verdict.Level:
        """The gravest finding's."""
        return verdict.level(self.findings)


def observe(
    usecase: UseCase,
    gain: Mapping[str, float],
    reference: Window,
    current: Window,
    limits: Monitor,
    seed: int,
) -> Observation:
    """Judge `current` by `reference`, period by period; `gain` is each feature's share, 0 to 1."""
    days = limits.period_days if usecase.time else 0
    layout = layouts.layout(usecase, gain, reference, period_days=days)
    state = stream.begin(layout, limits)
    before = list(periods(layout, reference, seed))
    for day, part in before:
        made = period_summary.sketch(layout, part, day)
        state = stream.learn(state, made, label_outcomes.outcome(layout, part, day))
    parts = list(periods(layout, current, None))
    sketches = tuple(period_summary.sketch(layout, part, day) for day, part in parts)
    outcomes = tuple(label_outcomes.outcome(layout, part, day) for day, part in parts)
    judged = tuple(_judged(layout, state, sketches, outcomes))
    known = quality.quality(
        usecase.problem,
        reference,
        current,
        replicates=limits.bootstrap,
        level=limits.level,
        seed=seed,
    )
    found = [*merged(judged), *_unlabelled(layout, current, limits)]
    return Observation(
        usecase=usecase,
        layout=layout,
        past=reference,
        now=current,
        before=state.healthy,
        sketches=sketches,
        outcomes=outcomes,
        days=judged,
        findings=tuple(verdict.order(found)),
        quality=known,
        weeks=_weeks(usecase.problem, reference, current),
    )


def periods(
    layout: Layout, whole: Window, seed: int | None
) -> Iterator[tuple[np.datetime64 | None, Window]]:
    """The window's periods, each with its first day, oldest first; days without rows too.

    They are counted back from the last day; a part of a period at the beginning is left out. Without
    time the rows are dealt into CHUNKS by `seed`, or stay together where it is None.
    """
    if whole.day is None or whole.last is None or not layout.period_days:
        if seed is None:
            yield None, whole
            return
        hand = np.random.default_rng(seed).permutation(whole.rows) % CHUNKS
        yield from ((None, whole.take(hand == c)) for c in range(CHUNKS))
        return
    length = layout.period_days
    number = (whole.last - whole.day).astype(np.int64) // length
    for back in range(max(1, whole.days // length) - 1, -1, -1):
        last = whole.last - back * length * DAY
        yield last - (length - 1) * DAY, whole.take(number == back, last)


def merged(days: Sequence[Judgement]) -> list[Finding]:
    """The findings of all periods, one per check and column: the gravest, since the first of its run."""
    kept: dict[tuple[str, str | None], Finding] = {}
    for judged in days:
        for found in judged.findings:
            key = (found.check, found.column)
            best = max((f for f in (kept.get(key), found) if f), key=_weight)
            since = min(str(f.since) for f in (kept.get(key), found) if f)
            kept[key] = replace(best, since=None if since == "None" else since)
    return list(kept.values())


def _weight(found: Finding) -> tuple[int, float]:
    return verdict.LEVELS.index(found.level), found.size


def _judged(
    layout: Layout, state: State, sketches: Sequence[Sketch], outcomes: Sequence[Outcome]
) -> Iterator[Judgement]:
    """Each period's judgement, with the labels that were known by its end."""
    wait = -(-layout.label_delay // layout.period_days) if layout.period_days else 0
    for place, now in enumerate(sketches):
        known = {}
        if place >= wait:
            one = outcomes[place - wait]
            known[one.day or np.datetime64("NaT")] = one
        state, found = stream.step(state, now, known)
        yield found


def _unlabelled(layout: Layout, current: Window, limits: Monitor) -> list[Finding]:
    """Whether labels that are due have not arrived."""
    due = np.ones(current.rows, bool)
    if current.day is not None and current.last is not None:
        due = current.day <= current.last - layout.label_delay * DAY
    without = int((due & ~current.matured).sum())
    share = without / max(1, int(due.sum()))
    if share < limits.unlabelled.warning:
        return []
    level: verdict.Level = "alert" if share >= limits.unlabelled.alert else "warning"
    text = f"{without:,} of {int(due.sum()):,} rows that are due have no label"
    return [Finding("unlabelled", level, share, "share of rows", text)]


def _weeks(problem: str, past: Window, now: Window) -> tuple[Week, ...]:
    named = ((past, "reference"), (now, "current"))
    return tuple(w for one, name in named for w in quality.by_week(problem, one, name))
