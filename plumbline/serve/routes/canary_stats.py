"""What a canary counts: answers, errors and times by arm, and both bundles' answers to the same events. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

PARTS = 20
"""Parts into which ranks are counted."""
STEPS = 4
"""Parts of a doubling into which times are counted."""


@dataclass(frozen=True)
class ArmCounts:
    """Events of an arm. `micros`: of scoring an event, by part (`part_of_time`)."""

    answers: int = 0
    errors: int = 0
    refused: int = 0
    micros: Mapping[int, int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """All that came to it."""
        return self.answers + self.errors + self.refused

    def slower(self, micros: float) -> int:
        """How many took longer than that, for certain."""
        part = part_of_time(micros)
        return sum(count for one, count in self.micros.items() if one > part)

    def quantile(self, share: float) -> float:
        """The time, microseconds, that at least this share stays within; 0.0 without any."""
        left = share * sum(self.micros.values())
        for part in sorted(self.micros):
            left -= self.micros[part]
            if left <= 0:
                return float(2 ** ((part + 1) / STEPS))
        return 0.0

    def __add__(self, other: ArmCounts) -> ArmCounts:
        """Both together."""
        micros = Counter(self.micros)
        micros.update(other.micros)
        return ArmCounts(
            self.answers + other.answers,
            self.errors + other.errors,
            self.refused + other.refused,
            micros,
        )


@dataclass(frozen=True)
class PairedCounts:
    """The challenger's answers and the champion's to the same events.

    `moved`: by how much an event's rank differs, each rank among its own bundle's golden events, in parts.
    `levels`: the ranks of both scores among the champion's golden events, challenger first, in parts.
    `alarms`: alarms of both, of the challenger alone, of the champion alone. `own`: how many of the events the canary
    answered; the champion answered the others.
    """

    events: int = 0
    own: int = 0
    moved: Mapping[int, int] = field(default_factory=dict)
    levels: Mapping[tuple[int, int], int] = field(default_factory=dict)
    alarms: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class CanaryStats:
    """All counts since the canary began. `champion` is without the baseline, which has the same bundle."""

    canary: ArmCounts = ArmCounts()
    baseline: ArmCounts = ArmCounts()
    champion: ArmCounts = ArmCounts()
    paired: PairedCounts = PairedCounts()

    @property
    def seen(self) -> int:
        """Events of the canary that something is known of."""
        return self.paired.own + self.canary.errors + self.canary.refused


def part_of_time(micros: float) -> int:
    """The part in which a time is counted.

    >>> part_of_time(1), part_of_time(1000)
    (0, 39)
    """
    return int(STEPS * log2(max(micros, 1.0)))


class Ranks:
    """The golden scores of a bundle, by which a score has a rank from 0 to 1.

    >>> ranks = Ranks([[0.1], [0.2], [0.2], [0.9]])
    >>> ranks.of((0.2,)), ranks.of((0.0,)), ranks.of((1.0,))
    ([0.5], [0.0], [1.0])
    """

    def __init__(self, scores: Any) -> None:
        self._columns = [sorted(column) for column in zip(*map(tuple, scores), strict=True)]

    @property
    def distinct(self) -> int:
        """How many golden scores differ, of the class where most do."""
        return max((len(set(column)) for column in self._columns), default=0)

    def of(self, score: Sequence[float]) -> list[float]:
        """The rank of each class's score; of equal ones the middle."""
        return [
            (bisect_left(known, one) + bisect_right(known, one)) / (2 * len(known))
            for known, one in zip(self._columns, score, strict=True)
        ]


@dataclass
class ArmCounter:
    """Counts of one arm while they grow."""

    answers: int = 0
    errors: int = 0
    refused: int = 0
    micros: Counter[int] = field(default_factory=Counter)

    def answered(self, events: int, micros: float) -> None:
        """Events of one request that was answered, and how long scoring them took."""
        self.answers += events
        self.timed(events, micros)

    def timed(self, events: int, micros: float) -> None:
        """How long scoring events took that another arm answered."""
        self.micros[part_of_time(micros / events)] += events

    def counts(self) -> ArmCounts:
        """As they are now."""
        return ArmCounts(self.answers, self.errors, self.refused, dict(self.micros))


@dataclass
class PairedCounter:
    """Compares answers to the same events, and counts."""

    challenger: Ranks
    champion: Ranks
    events: int = 0
    own: int = 0
    moved: Counter[int] = field(default_factory=Counter)
    levels: Counter[tuple[int, int]] = field(default_factory=Counter)
    alarms: list[int] = field(default_factory=lambda: [0, 0, 0])

    def compare(self, own: Any, other: Any, *, answered: bool = True) -> None:
        """One event's answers (`ScoredEvent`): the challenger's and the champion's. `answered`: by the challenger."""
        if not own.score or not other.score:
            return
        self.events += 1
        self.own += answered
        ranks, before = self.challenger.of(own.score), self.champion.of(other.score)
        apart = sum(abs(a - b) for a, b in zip(ranks, before, strict=True)) / len(ranks)
        self.moved[part_of_rank(apart)] += 1
        level = self.champion.of(own.score)
        self.levels[part_of_rank(level[-1]), part_of_rank(before[-1])] += 1
        if own.alarm or other.alarm:
            self.alarms[0 if own.alarm and other.alarm else 1 if own.alarm else 2] += 1

    def counts(self) -> PairedCounts:
        """As they are now."""
        both, own, other = self.alarms
        moved, levels = dict(self.moved), dict(self.levels)
        return PairedCounts(self.events, self.own, moved, levels, (both, own, other))


def part_of_rank(rank: float) -> int:
    """The part in which a rank is counted.

    >>> part_of_rank(0.0), part_of_rank(0.5), part_of_rank(1.0)
    (0, 10, 19)
    """
    return min(int(rank * PARTS), PARTS - 1)
