"""Which days the counts of labels are made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from plumbline.core.usecase import Contract

HISTORY = 364
"""Days that are looked at, at most."""


@dataclass(frozen=True)
class Span:
    """The days counted: `first`, and the day after the last of the events; labels are known until `known`."""

    first: date
    end: date
    known: date

    @property
    def days(self) -> int:
        return (self.end - self.first).days

    @property
    def labelled(self) -> int:
        """Days whose labels are due."""
        return max(0, (self.known - self.first).days)


def span(usecase: Contract, first: date, end: date) -> Span:
    """The last HISTORY days before `end`, none before `first`."""
    known = end - timedelta(days=usecase.delay_days)
    return Span(max(first, end - timedelta(days=HISTORY)), end, known)
