"""How long after an event its label is known, as a person writes it: 7d, 12h, 30m, 1d12h. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from plumbline.core.errors import PlumblineError

PATTERN = re.compile(r"(?=.)(?:(\d{1,5})d)?\s*(?:(\d{1,5})h)?\s*(?:(\d{1,7})m)?", re.IGNORECASE)


@dataclass(frozen=True)
class LabelDelay:
    """Whole days, hours below a day and minutes below an hour."""

    days: int = 0
    hours: int = 0
    minutes: int = 0

    @property
    def whole_days(self) -> int:
        """Days after which every label is known."""
        return self.days + bool(self.hours or self.minutes)

    @property
    def fields(self) -> dict[str, int]:
        """What a contract says; days always, the others where there are any."""
        more = {"label_delay_hours": self.hours, "label_delay_minutes": self.minutes}
        return {"label_delay": self.days, **{name: n for name, n in more.items() if n}}


def parsed(text: str) -> LabelDelay:
    """The delay; PlumblineError for anything else.

    >>> parsed("36h"), parsed("7d")
    (LabelDelay(days=1, hours=12, minutes=0), LabelDelay(days=7, hours=0, minutes=0))
    """
    found = PATTERN.fullmatch(text.strip())
    if not found:
        raise PlumblineError(
            f"--label-delay {text}: expected days, hours or minutes, like 7d, 12h, 30m or 1d12h"
        )
    days, hours, minutes = (int(number or 0) for number in found.groups())
    whole = timedelta(days=days, hours=hours, minutes=minutes) // timedelta(minutes=1)
    return LabelDelay(whole // 1440, whole % 1440 // 60, whole % 60)
