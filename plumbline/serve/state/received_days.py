"""Of which days anything was received."""

from __future__ import annotations


class ReceivedDays:
    """Days since 1970 with an event; before `start`, that of the seed, none is missing."""

    def __init__(self, start: int | None = None) -> None:
        self.start = start
        self.received: set[int] = set()
        self._window, self._missing = (0, 0), 0

    def add(self, day: int) -> None:
        if day not in self.received:
            self.received.add(day)
            self._window, self._missing = (0, 0), 0

    def forget(self, oldest: int) -> None:
        """Forget the days before `oldest`, which no window reaches."""
        self.received = {day for day in self.received if day >= oldest}

    def missing(self, low: int, high: int) -> int:
        """Days from `low` to before `high` of which nothing was received."""
        if self._window != (low, high):
            first = low if self.start is None else max(low, self.start)
            self._missing = sum(day not in self.received for day in range(first, high))
            self._window = (low, high)
        return self._missing
