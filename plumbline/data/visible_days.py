"""Which days a run sees: from data.start up to, not including, data.as_of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class VisibleDays:
    """Visible days: from midnight of `start` (None: no bound) to midnight of `as_of`."""

    start: date | None
    as_of: date | None


def start(window: VisibleDays) -> str:
    """The first visible instant as SQL."""
    return f"TIMESTAMP '{window.start} 00:00:00'" if window.start else "TIMESTAMP '-infinity'"


def end(window: VisibleDays) -> str:
    """The first instant that is not visible, as SQL."""
    return f"TIMESTAMP '{window.as_of} 00:00:00'" if window.as_of else "TIMESTAMP 'infinity'"
