"""A canary's steps and its rules: a state machine that a service ticks. Pure.

The challenger answers 1, 5, 25 and 100 % of the entities, beside a baseline arm of the same size with the
champion's bundle. Errors, refusals and scoring times are compared with what the champion's bundle does. Scores
and alarms are compared on the same events: the champion scores the canary's events, too, after the answer, so
that the entities that happen to be in the canary make no difference; and the challenger scores some of the champion's.
Bounds are valid at every look.

The order of scores is compared, and not their values: two models of equal quality that differ in their seed
alone had a Kolmogorov-Smirnov distance of 0.41 (card payments: most scores are tiny), and moved an event's
rank by 0.08 on average; unrelated scores move it by 0.33.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.core.documents import Document
from plumbline.serve.routes import evidence
from plumbline.serve.routes.canary_stats import PARTS, ArmCounts, CanaryStats

QUANTILES = ((0.5, 0.5), (0.9, 0.15), (0.99, 0.03))
"""Quantiles of scoring time, and the share of the canary's events that may exceed the bound made of each."""
ENOUGH = 50
"""Events from which an arm's own share or quantile counts."""
FEW = 5
"""Percent of the entities that a canary answers at most before `few_events` were compared."""
WARM = 10
"""Events of the canary before its times count: the first calls of a model are slow."""
Percent = Annotated[int, Field(ge=1, le=100)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=1, allow_inf_nan=False)]


class CanaryPlan(Document):
    """Steps and limits.

    `seconds`, `events`: at least so long, and so many events of the canary, at each step. `few_events`: events that both
    scored before the canary answers more than `FEW` percent. `silence`: seconds without an event of the canary after which it
    is aborted. The limits are of what is still no worse.
    """

    steps: Annotated[tuple[Percent, ...], Field(min_length=1)] = (1, 5, 25, 100)
    seconds: Positive = 15.0
    events: Annotated[int, Field(ge=1)] = 20
    few_events: Annotated[int, Field(ge=0)] = 300
    silence: Positive = 60.0
    errors: Annotated[float, Field(gt=0, lt=1)] = 0.01  # share of errors beyond the champion's
    refused: Annotated[float, Field(gt=0, lt=1)] = (
        0.02  # share of refused events beyond the champion's
    )
    slower: Factor = 2.0  # times the champion's scoring time, plus `spare`
    spare: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 200.0  # microseconds
    moved: Annotated[float, Field(gt=0, lt=1)] = 0.18  # mean change of an event's rank
    level: Annotated[float, Field(gt=0, lt=1)] = 0.6  # share of events on another side of a score
    alarms: Factor = 2.0  # times as many alarms, or as few

    @model_validator(mode="after")
    def _rising(self) -> CanaryPlan:
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError(f"expected steps that rise, found {', '.join(map(str, self.steps))}")
        return self


class CanaryState(Document):
    """How far a canary is. `seen`, `seen_at`: its events at the last tick that had new ones, and when."""

    plan: CanaryPlan
    challenger: str
    champion: str
    ordered: bool = True  # whether the champion's scores differ enough to compare their order
    status: Literal["running", "passed", "aborted"] = "running"
    reason: str = ""
    step: int = 0
    began: float
    step_began: float
    step_from: int = 0
    seen: int = 0
    seen_at: float

    @property
    def percent(self) -> int:
        """The canary's share of the entities."""
        return self.plan.steps[self.step]


def begin(
    plan: CanaryPlan, challenger: str, champion: str, now: float, *, ordered: bool = True
) -> CanaryState:
    """A canary at its first step. Times are seconds of any clock that only goes forward."""
    return CanaryState(
        plan=plan,
        challenger=challenger,
        champion=champion,
        ordered=ordered,
        began=now,
        step_began=now,
        seen_at=now,
    )


def weights(percent: int) -> dict[str, int]:
    """The weights of the three arms at a step; the baseline is as large as the canary, up to half of all.

    >>> weights(25), weights(100)
    ({'baseline': 25, 'champion': 50, 'canary': 25}, {'baseline': 0, 'champion': 0, 'canary': 100})
    """
    baseline = min(percent, 100 - percent)
    return {"baseline": baseline, "champion": 100 - percent - baseline, "canary": percent}


def tick(state: CanaryState, now: float, stats: CanaryStats) -> CanaryState:
    """The state after a look at the counts: as it was, a step further, passed or aborted."""
    if state.status != "running":
        return state
    if reason := next(worse(state, stats), None):
        return _ended(state, "aborted", reason)
    if stats.seen > state.seen:
        state = state.model_copy(update={"seen": stats.seen, "seen_at": now})
    quiet = now - state.seen_at
    if quiet >= state.plan.silence:
        return _ended(state, "aborted", f"no data: no event of the canary for {quiet:.0f} s")
    enough = stats.seen - state.step_from >= state.plan.events
    if not enough or now - state.step_began < state.plan.seconds:
        return state
    if state.step + 1 == len(state.plan.steps):
        return _ended(state, "passed", "")
    if state.plan.steps[state.step + 1] > FEW and stats.paired.events < state.plan.few_events:
        return state
    further = {"step": state.step + 1, "step_began": now, "step_from": stats.seen, "seen_at": now}
    return state.model_copy(update=further)


def worse(state: CanaryState, stats: CanaryStats) -> Iterator[str]:
    """Each rule that says that the challenger is worse, in words."""
    plan, canary, paired = state.plan, stats.canary, stats.paired
    own = canary.events
    for name, hits, spare in (
        ("errors", canary.errors, plan.errors),
        ("refused", canary.refused, plan.refused),
    ):
        usual = _share(stats, name)
        if _beyond(evidence.share_above(hits, own, min(usual + spare, 0.99))):
            yield f"{name}: {hits:,} of {own:,} events, champion {usual:.2%}"
    yield from _slower(plan, stats)
    moved = evidence.mean_above({k / PARTS: n for k, n in paired.moved.items()}, plan.moved, 0.0)
    if state.ordered and _beyond(moved):
        yield (
            f"score distribution: the order of scores is another; an event's rank moved by {_mean_moved(stats):.2f} on "
            f"average over {paired.events:,} events, at most {plan.moved} is allowed"
        )
    if state.ordered and _beyond(evidence.average(list(_levels(plan, stats)))):
        yield f"score distribution: the scores of {paired.events:,} events are at another level"
    yield from _alarms(plan, stats)


def _slower(plan: CanaryPlan, stats: CanaryStats) -> Iterator[str]:
    reference, own = stats.champion + stats.baseline, stats.canary
    if reference.answers < ENOUGH or own.answers < WARM:
        return
    logs = {}
    for share, allowed in QUANTILES:
        bound = plan.slower * _time(stats, share) + plan.spare
        logs[share] = evidence.share_above(own.slower(bound), own.answers, allowed)
    if _beyond(evidence.average(list(logs.values()))):
        share = max(logs, key=lambda one: logs[one])
        times = (f"{c.quantile(share) / 1000:.2g} ms" for c in (own, reference))
        yield f"p{share * 100:.0f}: scoring an event takes {next(times)}, the champion {next(times)}"


def _alarms(plan: CanaryPlan, stats: CanaryStats) -> Iterator[str]:
    both, own, other = stats.paired.alarms
    more = evidence.rate_above(own, other, both, plan.alarms)
    fewer = evidence.rate_above(other, own, both, plan.alarms)
    if max(more, fewer) >= evidence.RATE_LIMIT:
        yield (
            f"alarm rate: {both + own:,} alarms, the champion {both + other:,} on the same "
            f"{stats.paired.events:,} events"
        )


def _levels(plan: CanaryPlan, stats: CanaryStats) -> Iterator[float]:
    """Evidence, at each score that bounds a part, that the events lie on another side of it."""
    for edge in range(1, PARTS):
        up = sum(n for (own, other), n in stats.paired.levels.items() if other < edge <= own)
        down = sum(n for (own, other), n in stats.paired.levels.items() if own < edge <= other)
        rest = stats.paired.events - up - down
        for one, two in ((up, down), (down, up)):
            yield evidence.mean_above({1.0: one, -1.0: two, 0.0: rest}, plan.level, -1.0)


def _share(stats: CanaryStats, name: str) -> float:
    """A share of the champion's bundle: of all its events, or of the baseline where that is larger."""

    def share(counts: ArmCounts) -> float:
        return getattr(counts, name) / counts.events if counts.events >= ENOUGH else 0.0

    return max(share(stats.baseline), share(stats.champion + stats.baseline))


def _time(stats: CanaryStats, share: float) -> float:
    """A quantile of the champion's bundle: of all its events, or of the baseline where that is larger."""
    baseline = stats.baseline.quantile(share) if stats.baseline.answers >= ENOUGH else 0.0
    return max(baseline, (stats.champion + stats.baseline).quantile(share))


def _mean_moved(stats: CanaryStats) -> float:
    """The mean, each value in the middle of its part."""
    moved = stats.paired.moved
    return sum((k + 0.5) / PARTS * n for k, n in moved.items()) / max(sum(moved.values()), 1)


def _beyond(value: float) -> bool:
    return value >= evidence.LIMIT


def _ended(state: CanaryState, status: str, reason: str) -> CanaryState:
    return state.model_copy(update={"status": status, "reason": reason})


def lines(state: CanaryState, stats: CanaryStats) -> Iterator[str]:
    """How far a canary is, as a person reads it."""
    where = "at 100 % of the entities" if state.percent == 100 else f"at {state.percent} %"
    yield f"canary of {state.challenger}: {state.status} {where}" + (
        f"; {state.reason}" if state.reason else ""
    )
    own, usual = stats.canary, stats.champion + stats.baseline
    both, alone, other = stats.paired.alarms
    yield (
        f"  canary {own.answers:,} answers, {own.errors:,} errors, p99 {own.quantile(0.99) / 1000:.1f} ms; baseline "
        f"{stats.baseline.answers:,}; champion's bundle in all {usual.answers:,}, {usual.errors:,} errors, p99 "
        f"{usual.quantile(0.99) / 1000:.1f} ms"
    )
    yield (
        f"  same {stats.paired.events:,} events: alarms {both + alone:,} and {both + other:,}; an event's rank moved "
        f"by {_mean_moved(stats):.2f}"
    )
