"""From which day to which the events lie, without a few that stand far off: a default date, a typing error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

Days = Sequence[tuple[date, int]]
"""The days that have events, ascending, each with its rows."""

GAP = 30
"""Days without an event that set a few rows apart from the others."""
FEW, SOME = 0.01, 0.05
"""Share of the rows that may stand apart: always, or where the gap is longer than all the other days."""


@dataclass(frozen=True)
class EventDays:
    """`first` and `last`: of the days that belong together; `early`, `late`: those far off."""

    first: date
    last: date
    early: Days
    late: Days

    @property
    def apart(self) -> str:
        """The days far off, in words; empty where there are none."""
        days = [*self.early, *self.late]
        if not days:
            return ""
        rows = sum(n for _, n in days)
        shown = ", ".join(str(day) for day, _ in days[:3]) + (", …" if len(days) > 3 else "")
        return (
            f"{rows} {'row' if rows == 1 else 'rows'} far from the others, which lie from {self.first} to {self.last}: "
            f"{shown}"
        )


def of(days: Days) -> EventDays:
    """The days that belong together of at least one, and those apart.

    >>> found = of([(date(1900, 1, 1), 1), (date(2024, 1, 1), 60), (date(2024, 1, 2), 60)])
    >>> str(found.first), found.apart
    ('2024-01-01', '1 row far from the others, which lie from 2024-01-01 to 2024-01-02: 1900-01-01')
    """
    start = _early(days)
    backwards = [(date.fromordinal(date.max.toordinal() - d.toordinal()), n) for d, n in days]
    end = len(days) - _early(backwards[::-1][: len(days) - start])
    return EventDays(days[start][0], days[end - 1][0], days[:start], days[end:])


def _early(days: Days) -> int:
    """How many of the first days stand apart."""
    total, before, apart = sum(n for _, n in days), 0, 0
    for i in range(1, len(days)):
        before += days[i - 1][1]
        gap = (days[i][0] - days[i - 1][0]).days
        longer = gap > (days[-1][0] - days[i][0]).days
        if gap > GAP and before <= (SOME if longer else FEW) * total:
            apart = i
    return apart
