"""Which months are worked on together: as many as the memory holds, at least one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

BYTES = 1_200
"""Of memory that an event takes while its histories are made."""


@dataclass(frozen=True)
class DaySpan:
    """Whole days from `start` up to, not including, `end`."""

    start: date
    end: date

    def within(self, start: date, end: date) -> DaySpan | None:
        """The part of it from `start` up to `end`; None where there is none."""
        part = DaySpan(max(self.start, start), min(self.end, end))
        return part if part.start < part.end else None


@dataclass(frozen=True)
class MonthSpan:
    """Months, by their first days, oldest first; between them may lie others, without an event."""

    months: tuple[date, ...]

    @property
    def days(self) -> DaySpan:
        """From the first month's first day to after the last one's last."""
        return DaySpan(self.months[0], following(self.months[-1]))


def of(
    rows: Mapping[date, int], reach: timedelta, as_of: date, memory: int
) -> tuple[MonthSpan, ...]:
    """The months up to `as_of` that have rows, or histories of some that reach into them, put together.

    `rows`: by day, the larger of the events and of the outcomes that became known; `reach`: of the longest window.
    """
    counts: dict[date, int] = {}
    for day, number in rows.items():
        own = day.replace(day=1)
        counts[own] = counts.get(own, 0) + number
    for month in list(counts):
        for later in _until(month, month + timedelta(days=32) + reach, as_of):
            counts.setdefault(later, 0)
    return tuple(_together(sorted(counts.items()), max(1, memory // BYTES)))


def apart(spans: Iterable[MonthSpan], kept: Collection[date]) -> tuple[MonthSpan, ...]:
    """The spans, each cut where months that are `kept` and others meet."""
    return tuple(
        MonthSpan(tuple(months))
        for span in spans
        for _, months in groupby(span.months, kept.__contains__)
    )


def following(month: date) -> date:
    """The first day of the month after.

    >>> following(date(2025, 12, 1))
    datetime.date(2026, 1, 1)
    """
    return (month + timedelta(days=32)).replace(day=1)


def _until(month: date, last: date, as_of: date) -> Iterator[date]:
    while month <= min(last, as_of):
        yield month
        month = following(month)


def _together(counts: Iterable[tuple[date, int]], most: int) -> Iterator[MonthSpan]:
    months: list[date] = []
    held = 0
    for month, rows in counts:
        if months and held + rows > most:
            yield MonthSpan(tuple(months))
            months, held = [], 0
        months.append(month)
        held += rows
    if months:
        yield MonthSpan(tuple(months))
