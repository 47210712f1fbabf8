"""One line of `plumbline doctor`. Pure."""

from __future__ import annotations

from typing import Literal

from plumbline.core.documents import Document

Verdict = Literal["ok", "problem", "cannot tell"]


class Health(Document):
    """What was looked at, the verdict, what was found, and what to do where that is a problem."""

    title: str
    verdict: Verdict
    found: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """As printed."""
        start = f"{self.verdict}: {self.title}: {self.found}"
        return f"{start}; {self.remedy}" if self.remedy else start


class Checkup(Document):
    """All lines of one examination."""

    health: list[Health]

    @property
    def problems(self) -> int:
        """How many of them are problems."""
        return sum(one.verdict == "problem" for one in self.health)


def ok(title: str, found: str) -> Health:
    """It is as it should be."""
    return Health(title=title, verdict="ok", found=found)


def problem(title: str, found: str, remedy: str = "") -> Health:
    """It would fail, or give wrong answers."""
    return Health(title=title, verdict="problem", found=found, remedy=remedy)


def unknown(title: str, found: str, remedy: str = "") -> Health:
    """Nothing here says whether it is as it should be; this is no problem, and no "ok"."""
    return Health(title=title, verdict="cannot tell", found=found, remedy=remedy)
