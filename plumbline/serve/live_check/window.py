"""What a minute or so of events adds up to, beside what the bundle recorded. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from plumbline.core.declarations import Array, Column
from plumbline.serve.live_check import recorded
from plumbline.serve.live_check.distributions import DailyDistribution, Distribution
from plumbline.serve.live_check.recorded import SCORE
from plumbline.serve.single_event import RawEvent


class Seen(NamedTuple):
    """An event that was answered. `score`: None where the model does not score it; of several classes the first."""

    event: RawEvent
    bundle: str
    score: float | None
    alarm: bool | None


@dataclass(frozen=True)
class Baseline:
    """What a bundle recorded. `alarms`: their share in validation; None where it knows no alarm."""

    md5: str
    distributions: Mapping[str, Distribution]
    alarms: float | None

    @cached_property
    def watched(self) -> frozenset[str]:
        """The columns, and the score, that a window is held against."""
        return frozenset(name for name, one in self.distributions.items() if one.watched)


class Window:
    """Counts since it began. `events`: answered, whoever answered; `scored`: by the baseline's bundle."""

    def __init__(
        self, baseline: Baseline, columns: Sequence[Column], time: str | None = None
    ) -> None:
        self.baseline, self._time = baseline, time
        self._hours = recorded.hours([])
        self._columns = [c for c in columns if c.name in baseline.watched]
        self._counts: dict[str, Array] = {}
        self.events = self.refused = self.scored = self.alarms = 0

    def add(self, noted: Sequence[Seen], refused: int) -> None:
        """Count events."""
        self.refused += refused
        self.events += len(noted)
        if not noted:
            return
        events = [one.event for one in noted]
        for column in self._columns:
            self._add(column.name, recorded.numbers(column, events))
        own = [one for one in noted if one.bundle == self.baseline.md5 and one.score is not None]
        self.scored += len(own)
        self.alarms += sum(bool(one.alarm) for one in own)
        if SCORE in self.baseline.watched and own:
            self._add(SCORE, np.array([one.score for one in own], np.float64))
            if self._time is not None:
                self._hours = self._hours + recorded.hours([one.event[self._time] for one in own])

    def count(self, name: str) -> int:
        """The values that were counted."""
        return int(self._counts[name].sum()) if name in self._counts else 0

    def distance(self, name: str) -> float:
        """Of the values from the recorded ones; 0.0 where none came."""
        counts = self._counts.get(name)
        known = self.baseline.distributions[name]
        if counts is None:
            return 0.0
        if isinstance(known, DailyDistribution):
            return known.distance_at(counts, self._hours)
        return known.distance(counts)

    @property
    def share_refused(self) -> float:
        """Of all events."""
        return self.refused / max(self.events + self.refused, 1)

    @property
    def share_alarms(self) -> float:
        """Of the events that the baseline's bundle scored."""
        return self.alarms / max(self.scored, 1)

    def _add(self, name: str, values: Array) -> None:
        counts = self.baseline.distributions[name].counts(values)
        self._counts[name] = counts + self._counts[name] if name in self._counts else counts
