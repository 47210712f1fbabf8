"""Events that wait for their outcomes, and outcomes that wait for their events.

Of an event are kept the columns that its outcome needs, in a tuple; both are forgotten a number of days later.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from plumbline.serve.protocols import Key, LoggedOutcome
from plumbline.serve.single_event import RawEvent

OPEN = -1
"""Of an event whose outcome has not come."""
WAITING = 100_000
"""Outcomes whose event may still come; beyond these, the oldest is forgotten."""
FORGOTTEN = 16
"""Events that are forgotten with each one that comes, at most."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that was folded: by which row of the log, and by which its outcome was.

    `sequence`, `settled`: 0 where the seed holds it; `settled`: OPEN where no outcome came. `values`: the plan's
    `remembered` columns.
    """

    day: int
    sequence: int
    settled: int
    values: tuple[Any, ...]


class Recent:
    """The events of the last days by key."""

    def __init__(self, names: tuple[str, ...], days: int) -> None:
        self.names = names
        self.days = days
        self.events: dict[Key, Waiting] = {}
        self.outcomes: dict[Key, LoggedOutcome] = {}
        self._by_day: dict[int, list[Key]] = {}
        self._expired: deque[Key] = deque()

    def add(self, key: Key, event: RawEvent, day: int, sequence: int, settled: int) -> None:
        """Keep an event with its derived features."""
        values = tuple(event[name] for name in self.names)
        self.put(key, Waiting(day, sequence, settled, values))

    def put(self, key: Key, waiting: Waiting) -> None:
        if key not in self.events:
            self._by_day.setdefault(waiting.day, []).append(key)
        self.events[key] = waiting

    def event(self, waiting: Waiting) -> RawEvent:
        """What is known of an event."""
        return dict(zip(self.names, waiting.values, strict=True))

    def settle(self, key: Key, sequence: int) -> None:
        """Note that the event's outcome was folded."""
        old = self.events[key]
        self.events[key] = Waiting(old.day, old.sequence, sequence, old.values)

    def wait(self, row: LoggedOutcome) -> None:
        """Keep an outcome whose event is not known; of several the first in the log."""
        held = self.outcomes.get(row.key)
        if held is None or row.sequence < held.sequence:
            self.outcomes[row.key] = row
        if len(self.outcomes) > WAITING:
            del self.outcomes[next(iter(self.outcomes))]

    def expire(self, oldest: int) -> None:
        """Forget, a few at a time from now on, the events of days before `oldest`."""
        for day in [day for day in self._by_day if day < oldest]:
            self._expired.extend(self._by_day.pop(day))
        for key in [k for k, o in self.outcomes.items() if o.known_at // 86_400_000_000 < oldest]:
            del self.outcomes[key]

    def forget(self) -> list[Key]:
        """Forget the next few expired events; their keys."""
        keys = list(islice(self._expired, FORGOTTEN))
        for key in keys:
            self._expired.popleft()
            self.events.pop(key, None)
        return keys
