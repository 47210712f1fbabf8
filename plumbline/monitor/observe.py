"""The monitor's work without files: the reference learned, each period of the current window judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.usecase import UseCase
from plumbline.monitor import (
    common_cause,
    fit_binning,
    label_outcomes,
    period_summary,
    quality,
    stream,
    verdict,
)
from plumbline.monitor.binning import Binning
from plumbline.monitor.calendar import DAY
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.params import Monitor
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.quality import QualityChange, WeekQuality
from plumbline.monitor.served.watch import ServedWatch
from plumbline.monitor.stream import StreamState
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow

CHUNKS = 20
"""Parts into which a reference without time is dealt, each a period of the past."""


@dataclass(frozen=True)
class Observation:
    """What was seen: the windows, their periods' summaries, outcomes and judgements, oldest first.

    `outcomes` of the current periods hold what labels are known today. `findings` are those of all
    current periods, one per check and column; columns that moved together share one. `served`: what was answered in
    production, None where nothing was.
    """

    usecase: UseCase
    binning: Binning
    past: ScoredWindow
    now: ScoredWindow
    before: tuple[PeriodSummary, ...]
    summaries: tuple[PeriodSummary, ...]
    outcomes: tuple[LabelOutcome, ...]
    days: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    quality: QualityChange
    weeks: tuple[WeekQuality, ...]
    served: ServedWatch | None = None

    @property
    def level(self) -> verdict.Level:
        """That of the most severe finding."""
        return verdict.level(self.findings)


def observe(
    usecase: UseCase,
    gain: Mapping[str, float],
    reference: ScoredWindow,
    current: ScoredWindow,
    limits: Monitor,
    seed: int,
) -> Observation:
    """Judge `current` by `reference`, period by period; `gain` is each feature's share, 0 to 1."""
    days = limits.period_days if usecase.time else 0
    binning = fit_binning.fit(usecase, gain, reference, period_days=days)
    state = stream.begin(binning, limits)
    for day, part in periods(binning, reference, seed):
        summary = period_summary.summarise(binning, part, day)
        state = stream.learn(state, summary, label_outcomes.outcome(binning, part, day))
    parts = [_counted(binning, part, day) for day, part in periods(binning, current, None)]
    summaries, outcomes, due = zip(*parts, strict=True)
    judged = tuple(_judged(binning, state, summaries, due))
    findings = [*merged(judged), *_unlabelled(binning, current, limits)]
    return Observation(
        usecase=usecase,
        binning=binning,
        past=reference,
        now=current,
        before=state.healthy,
        summaries=summaries,
        outcomes=outcomes,
        days=judged,
        findings=tuple(common_cause.grouped(verdict.order(findings), reference)),
        quality=_quality_change(usecase, reference, current, limits, seed),
        weeks=_weeks(usecase.problem, reference, current),
    )


def with_served(seen: Observation, served: ServedWatch | None) -> Observation:
    """The same with what was served; a loss of quality that is a finding already is not reported again."""
    if served is None:
        return seen
    known = max(
        (verdict.LEVELS.index(f.level) for f in seen.findings if f.check == "quality"), default=-1
    )
    more = [
        f
        for f in served.findings
        if f.check != "served_quality" or verdict.LEVELS.index(f.level) > known
    ]
    findings = tuple(verdict.order([*seen.findings, *more]))
    return replace(seen, findings=findings, served=served)


def periods(
    binning: Binning, window: ScoredWindow, seed: int | None
) -> Iterator[tuple[np.datetime64 | None, ScoredWindow]]:
    """The window's periods, each with its first day, oldest first; days without rows too.

    They are counted back from the last day; a part of a period at the beginning is left out. Without
    time the rows are dealt into CHUNKS by `seed`, or stay together where it is None.
    """
    if window.day is None or window.last is None or not binning.period_days:
        if seed is None:
            yield None, window.loaded()
            return
        chunk = np.random.default_rng(seed).permutation(window.rows) % CHUNKS
        yield from ((None, window.take(chunk == c).loaded()) for c in range(CHUNKS))
        return
    length = binning.period_days
    number = (window.last - window.day).astype(np.int64) // length
    for back in range(max(1, window.days // length) - 1, -1, -1):
        last = window.last - back * length * DAY
        yield last - (length - 1) * DAY, window.take(number == back, last).loaded()


def merged(days: Sequence[Judgement]) -> list[Finding]:
    """The findings of all periods, one per check and column: the most severe, since the first of its run."""
    kept: dict[tuple[str, str | None], Finding] = {}
    for judged in days:
        for finding in judged.findings:
            key = (finding.check, finding.column)
            same = [f for f in (kept.get(key), finding) if f]
            since = min(str(f.since) for f in same)
            worst = max(same, key=_severity)
            kept[key] = replace(worst, since=None if since == "None" else since)
    return list(kept.values())


def _severity(finding: Finding) -> tuple[int, float]:
    return verdict.LEVELS.index(finding.level), finding.size


def _judged(
    binning: Binning,
    state: StreamState,
    summaries: Sequence[PeriodSummary],
    outcomes: Sequence[LabelOutcome],
) -> Iterator[Judgement]:
    """Each period's judgement, with the labels that were known by its end."""
    wait = _wait(binning)
    for period, now in enumerate(summaries):
        known = {}
        if period >= wait:
            outcome = outcomes[period - wait]
            known[outcome.day or np.datetime64("NaT")] = outcome
        state, judged = stream.step(state, now, known)
        yield judged


def _wait(binning: Binning) -> int:
    """Periods after which the labels of one are due."""
    return -(-binning.label_delay // binning.period_days) if binning.period_days else 0


def _counted(
    binning: Binning, part: ScoredWindow, day: np.datetime64 | None
) -> tuple[PeriodSummary, LabelOutcome, LabelOutcome]:
    """A period's summary, its outcomes as known today, and as at the end of the period in which they are due."""
    summary = period_summary.summarise(binning, part, day)
    outcome = label_outcomes.outcome(binning, part, day)
    if part.known_at is None or part.last is None:
        return summary, outcome, outcome
    due = part.last + _wait(binning) * binning.period_days * DAY
    return summary, outcome, label_outcomes.outcome(binning, part.known_by(due), day)


def _unlabelled(binning: Binning, current: ScoredWindow, limits: Monitor) -> list[Finding]:
    """Whether labels that are due have not arrived."""
    due = np.ones(current.rows, bool)
    if current.day is not None and current.last is not None:
        due = current.day <= current.last - binning.label_delay * DAY
    if current.withheld is not None:
        due &= ~current.withheld
    without = int((due & ~current.labelled).sum())
    share = without / max(1, int(due.sum()))
    if share < limits.unlabelled.warning:
        return []
    level: verdict.Level = "alert" if share >= limits.unlabelled.alert else "warning"
    text = f"{without:,} of {int(due.sum()):,} rows that are due have no label"
    return [Finding("unlabelled", level, share, "share of rows", text)]


def _quality_change(
    usecase: UseCase, past: ScoredWindow, now: ScoredWindow, limits: Monitor, seed: int
) -> QualityChange:
    return quality.change(
        usecase.problem, past, now, replicates=limits.bootstrap, level=limits.level, seed=seed
    )


def _weeks(problem: str, past: ScoredWindow, now: ScoredWindow) -> tuple[WeekQuality, ...]:
    windows = ((past, "reference"), (now, "current"))
    return tuple(w for one, name in windows for w in quality.by_week(problem, one, name))
