"""Which days of receipt are replayed: `--days A:B`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from plumbline.core.errors import PlumblineError


@dataclass(frozen=True)
class DayRange:
    """UTC days of receipt from `first` to `last`, both included; None: no limit."""

    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        after = self.first is None or self.first <= day
        return after and (self.last is None or day <= self.last)


def parsed(text: str | None) -> DayRange:
    """`2025-07-01`, `2025-07-01:2025-07-09`, `2025-07-01:` or `:2025-07-09`; PlumblineError for anything else.

    >>> parsed("2025-07-01:").first, date(2025, 6, 30) in parsed("2025-07-01:")
    (datetime.date(2025, 7, 1), False)
    """
    if text is None:
        return DayRange()
    first, colon, last = text.partition(":")
    try:
        days = [
            date.fromisoformat(day) if day else None for day in (first, last if colon else first)
        ]
    except ValueError:
        days = []
    if not days or days == [None, None]:
        raise PlumblineError(
            f"--days {text}: expected a day like 2025-07-01, or two of them like 2025-07-01:2025-07-31"
        )
    result = DayRange(*days)
    if result.first and result.last and result.first > result.last:
        raise PlumblineError(f"--days {text}: the first day lies after the last; turn them round")
    return result
