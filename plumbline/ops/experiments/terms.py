"""What a person asks of an experiment, from the words of a command line. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from plumbline.core.errors import PlumblineError
from plumbline.ops.experiments.declaration import Direction, Guardrail
from plumbline.ops.replay.day_range import DayRange


@dataclass(frozen=True)
class Terms:
    """The metric, the smallest effect (a share of the present mean if `relative`), arms, length, past days to plan from.

    `treatments`: shares in per cent by arm, 0 where none was given.
    """

    metric: str
    effect: float
    relative: bool
    better: Direction
    treatments: Mapping[str, int]
    control: str
    paired: bool
    guardrails: Mapping[str, Guardrail]
    hypothesis: str | None
    start: date | None
    days: int
    power: float
    alpha: float
    past: DayRange

    @property
    def arms(self) -> int:
        """How many treatments: one where none is named."""
        return max(1, len(self.treatments))

    @property
    def percentages(self) -> dict[str, int]:
        """Of the arms, control first: as given, or equal ones."""
        given = dict(self.treatments)
        equal = 100 // (len(given) + 1)
        shares = {arm: share or equal for arm, share in given.items()}
        return {self.control: 100 - sum(shares.values()), **shares}

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the arms as parts of 1, control first."""
        if not self.treatments:
            return (0.5, 0.5)
        return tuple(share / 100 for share in self.percentages.values())


def effect(text: str) -> tuple[float, bool]:
    """A size, and whether it is a share of the present mean.

    >>> effect("10%"), effect("0.002")
    ((0.1, True), (0.002, False))
    """
    size = _number(text.removesuffix("%"))
    if size is None or size <= 0:
        raise PlumblineError(f"--effect {text}: expected a size above 0, like 10% or 0.002")
    return (size / 100, True) if text.endswith("%") else (size, False)


def treatments(words: Sequence[str], paired: bool) -> dict[str, int]:
    """Arms and their shares; PlumblineError for a share that is none, or that leaves the control nothing."""
    result: dict[str, int] = {}
    for word in words:
        arm, sign, share = word.partition("=")
        if sign and paired:
            raise PlumblineError(
                f"--treatment {word}: a shadow sees every event; expected its name alone"
            )
        if sign and not (share.isdecimal() and 0 < int(share) < 100):
            raise PlumblineError(f"--treatment {word}: expected a whole percentage from 1 to 99")
        if arm in result:
            raise PlumblineError(f"--treatment {arm}: stands twice")
        result[arm] = int(share) if sign else 0
    if sum(result.values()) >= 100:
        raise PlumblineError(
            f"--treatment: {sum(result.values())} % leave the control nothing; expected less than 100 in all"
        )
    return result


def guardrails(given: Mapping[str, str]) -> dict[str, Guardrail]:
    """By metric how much worse it may be.

    >>> guardrails({"alarms": "+0.01"})["alarms"]
    Guardrail(worse='higher', limit=0.01)
    """
    result = {}
    for metric, text in given.items():
        limit = _number(text)
        if limit is None or text[:1] not in "+-":
            raise PlumblineError(
                f"--guardrail {metric}={text}: expected how much worse it may be, with the sign of worse: +0.01 or -0.01"
            )
        worse: Direction = "lower" if text.startswith("-") else "higher"
        result[metric] = Guardrail(worse=worse, limit=abs(limit))
    return result


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
