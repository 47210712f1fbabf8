"""How many requests a caller may send: a token bucket each. Pure but for the clock, which is an argument."""

from __future__ import annotations

from collections.abc import Callable

CALLERS = 10_000
"""Callers that are remembered; beyond, all start with a full bucket again."""


class Rate:
    """A bucket of `burst` requests per caller, filled with `rate` requests a second."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, caller: str) -> float:
        """0 where the caller may send this request; else the seconds until it may."""
        now = self._now()
        level, before = self._buckets.get(caller, (float(self._burst), now))
        level = min(float(self._burst), level + (now - before) * self._rate)
        if level < 1:
            return (1 - level) / self._rate
        if len(self._buckets) >= CALLERS:
            self._buckets.clear()
        self._buckets[caller] = (level - 1, now)
        return 0.0
