"""Why a request is refused, column by column: what was found, what was expected. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.core.errors import PlumblineError

SHOWN = 60
"""Characters of a value that a message quotes."""
LISTED = 20
"""Problems that a refusal lists."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: of the event at this place (from 0; None: of the body), and of the column ("" for none)."""

    event: int | None
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = "the body" if self.event is None else f"event {self.event}"
        return f"{where}{self.column and ', '}{self.column}: found {self.found}, expected {self.expected}"


class EventRefused(PlumblineError):  # noqa: N818 - an answer, not a failure
    """A request that is answered with `status`; nothing of it was counted.

    `problems`: the first of them; `unchecked`: events that were not looked at any more.
    """

    status = 422

    def __init__(self, problems: Sequence[Problem], unchecked: int = 0) -> None:
        self.problems, self.unchecked = tuple(problems[:LISTED]), unchecked
        more = len(problems) - len(self.problems)
        parts = [*map(str, self.problems), *([f"and {more:,} more"] if more else [])]
        parts += [f"{unchecked:,} events after these were not checked"] if unchecked else []
        super().__init__(f"the request is refused: {'; '.join(parts)}")


class BodyRefused(EventRefused):
    """A body that is no JSON, or JSON of which two readers would understand different things."""

    status = 400

    def __init__(self, found: str, expected: str) -> None:
        super().__init__([Problem(None, "", found, expected)])


class Fault(Exception):  # noqa: N818 - of a value, caught beside it
    """What is wrong with one value; becomes a Problem where its column and event are known."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found, self.expected = found, expected


def shown(value: Any) -> str:
    """A JSON value as a message quotes it: short, and text that UTF-8 can carry.

    >>> shown(True), shown(None), shown({}), shown("x")
    ('true', 'null', 'an object', "'x'")
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a whole number of more than 60 digits"
    return printable(repr(value) if not isinstance(value, str) else repr(value[: SHOWN + 1]))


def printable(text: str) -> str:
    """The text, cut where it is long; control characters and what UTF-8 cannot carry as their escapes.

    >>> printable("a\\nb")
    'a\\\\nb'
    """
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return short if short.isprintable() else repr(short)[1:-1]
