"""A shadow's answers beside the champion's to the same events, counted out of the prediction log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from plumbline.serve.log.reader import LoggedRow
from plumbline.serve.promote_params import Promote
from plumbline.serve.protocols import Key, LoggedEvent
from plumbline.serve.routes import canary, evidence
from plumbline.serve.routes.canary import CanaryPlan
from plumbline.serve.routes.canary_stats import ArmCounts, CanaryStats, PairedCounter, Ranks

WAITING = 50_000
"""Answers kept until the shadow's score of the same event comes; older ones have none."""
SPREAD = 10
"""Golden scores that must differ for their order to say something."""


@dataclass(frozen=True)
class ShadowFigures:
    """What was counted. `differing`: events with another decision or alarm."""

    events: int
    differing: int
    alarms: tuple[int, int]
    difference: float


class ShadowComparison:
    """Pairs of the log's rows. `scores`: those of both bundles' golden events, challenger first."""

    def __init__(self, challenger: str, champion: str, scores: tuple[Any, Any]) -> None:
        self.challenger, self.champion = challenger, champion
        ranks = Ranks(scores[1])
        self.ordered = ranks.distinct >= SPREAD
        self.differing, self._apart = 0, 0.0
        self._paired = PairedCounter(Ranks(scores[0]), ranks)
        self._waiting: dict[Key, LoggedEvent] = {}

    @property
    def events(self) -> int:
        """How many events both scored."""
        return self._paired.events

    def add(self, rows: Iterable[LoggedRow]) -> int:
        """Count more rows of the log, in order; the last sequence, 0 without any."""
        last = 0
        for row in rows:
            last = row.sequence
            if isinstance(row, LoggedEvent):
                self._add(row)
        return last

    def figures(self) -> ShadowFigures:
        """As they are now."""
        both, own, other = self._paired.alarms
        mean = self._apart / max(self.events, 1)
        return ShadowFigures(self.events, self.differing, (both + own, both + other), mean)

    def problems(self, rules: Promote, failed: int) -> Iterator[str]:
        """Each rule that says that the challenger is worse; valid at every look."""
        plan = plan_of(rules)
        state = canary.begin(plan, self.challenger, self.champion, 0.0, ordered=self.ordered)
        yield from canary.worse(state, self._stats(failed))
        if (
            self.events
            and evidence.share_above(self.differing, self.events, rules.decisions) >= evidence.LIMIT
        ):
            yield (
                f"decisions: {self.differing:,} of {self.events:,} events are decided otherwise, at most "
                f"{rules.decisions:.0%} are allowed"
            )

    def _stats(self, failed: int) -> CanaryStats:
        own = ArmCounts(answers=self.events, errors=failed)
        return CanaryStats(own, ArmCounts(), ArmCounts(answers=self.events), self._paired.counts())

    def _add(self, row: LoggedEvent) -> None:
        if row.mode == "live" and row.bundle == self.champion:
            self._waiting[row.key] = row
            if len(self._waiting) > WAITING:
                del self._waiting[next(iter(self._waiting))]
        elif row.mode == "shadow" and row.bundle == self.challenger:
            live = self._waiting.pop(row.key, None)
            if live is not None:
                self._pair(row, live)

    def _pair(self, own: LoggedEvent, other: LoggedEvent) -> None:
        if not own.score or not other.score:  # an event that the model does not score
            return
        self._paired.compare(own, other)
        self._apart += max(
            (abs(a - b) for a, b in zip(own.score, other.score, strict=True)), default=0.0
        )
        self.differing += (own.decision, own.alarm) != (other.decision, other.alarm)


def plan_of(rules: Promote) -> CanaryPlan:
    """The rules as a canary has them."""
    return CanaryPlan(
        steps=rules.steps, seconds=rules.step_seconds, events=rules.step_events,
        few_events=rules.few_events, silence=rules.silence,
        errors=rules.errors, refused=rules.refused, slower=rules.slower, spare=rules.spare, moved=rules.moved,
        level=rules.level, alarms=rules.alarms,
    )  # fmt: skip
