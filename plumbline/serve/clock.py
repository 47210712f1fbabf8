"""What time it is for a service: the system's, or the newest event's where old data are replayed."""

from __future__ import annotations

import time
from typing import Literal

Kind = Literal["system", "events"]


class SystemClock:
    """Microseconds since 1970 by the system."""

    replayed = False

    def now(self) -> int:
        """The time of the request in work."""
        return time.time_ns() // 1000

    def after(self, _time: int) -> int:
        """An event's time changes nothing."""
        return self.now()

    def see(self, time: int) -> None:
        """Nor does it when the event is counted."""


class EventsClock:
    """The newest event time that was received, for replays of old data and rehearsals."""

    replayed = True

    def __init__(self, newest: int = 0) -> None:
        self._newest = newest

    def now(self) -> int:
        """The newest event's time; the system's where nothing was received yet."""
        return self._newest or time.time_ns() // 1000

    def after(self, time: int) -> int:
        """What it will be once an event of this time is counted."""
        return max(self._newest, time)

    def see(self, time: int) -> None:
        """The time of an event that is to be counted."""
        self._newest = max(self._newest, time)


Clock = SystemClock | EventsClock


def of(kind: Kind, newest: int = 0) -> Clock:
    """A clock; `newest`: of the events logged before."""
    return EventsClock(newest) if kind == "events" else SystemClock()
