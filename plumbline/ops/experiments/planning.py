"""How long an experiment takes at this traffic: from the errors that a pilot of past days had. Pure.

The pilot's entities are taken as if they had been divided among the arms. The error falls with the days towards a
floor, where the same entities come again and again: their habits are averaged out by no further day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import confidence_sequence
from plumbline.metrics.confidence_sequence import Moments
from plumbline.metrics.entity_means import EntitySums

LONGEST = 366
LOOKS = 14
"""Looks that the power is added up over: more change it little."""


@dataclass(frozen=True)
class Pilot:
    """Past days: the metric's mean per event, the moments of its entities after each day, and events a day.

    `lasting`: the part of the last day's squared error that further days leave. `paired`: whether the moments are
    those of differences on the same events.
    """

    mean: float
    by_day: tuple[Moments, ...]
    events_a_day: float
    lasting: float = 0.0
    paired: bool = False

    @classmethod
    def of(
        cls, sums: Sequence[EntitySums], baseline: float, lasting: float, paired: bool = False
    ) -> Pilot:
        """From the sums over entities after each day."""
        moments = tuple(one.moments() for one in sums)
        return cls(baseline, moments, sums[-1].events / len(sums), lasting, paired)


@dataclass(frozen=True)
class Wanted:
    """The effect to find, in the metric's unit and with its sign, the power, the error, the arms' shares (control first)."""

    effect: float
    power: float = 0.8
    alpha: float = 0.05
    shares: tuple[float, ...] = (0.5, 0.5)

    @property
    def comparison_alpha(self) -> float:
        """The error allowed to each treatment."""
        return self.alpha / max(1, len(self.shares) - 1)


@dataclass(frozen=True)
class Length:
    """The days that give the power, None where no length up to a year does; `power` by the end of each of `days`."""

    days: int | None
    events: int | None
    power: tuple[tuple[int, float], ...]
    smallest: float


def length(pilot: Pilot, wanted: Wanted, longest: int = LONGEST) -> Length:
    """The shortest experiment that finds the effect; `smallest`: the effect that 28 days find."""
    errors = expected_errors(pilot, wanted, longest)
    days = _shortest(errors, wanted)
    shown = sorted({7, 14, 28, 56, 112, *([days] if days else [])})
    powers = tuple((d, power_by(errors, d, wanted)) for d in shown if d <= longest)
    events = (
        round(days * pilot.events_a_day * (1 if pilot.paired else sum(wanted.shares)))
        if days
        else None
    )
    alpha = wanted.comparison_alpha
    at_28 = float(errors[min(28, longest) - 1])
    smallest = at_28 / confidence_sequence.needed_error(1.0, LOOKS, alpha, wanted.power)
    return Length(days, events, powers, smallest)


def expected_errors(pilot: Pilot, wanted: Wanted, days: int) -> Array:
    """The standard error of a difference after each day, (days,).

    Of the smallest treatment beside the control, or of a mean of differences where the pilot is paired. The effect
    is taken to multiply what each entity gives, and with it the treatment's spread.
    """
    shares = wanted.shares
    growth = 1 + wanted.effect / abs(pilot.mean) if pilot.mean else 1.0
    scale = 1.0 if pilot.paired else 1 / shares[0] + growth**2 / min(shares[1:])
    squares = np.array([one.error**2 for one in pilot.by_day])
    seen, floor = len(squares), min(pilot.lasting, squares[-1])
    out = floor + (squares[-1] - floor) * seen / np.arange(1, days + 1)
    known = np.isfinite(squares[:days])
    out[: len(known)][known] = squares[:days][known]
    return np.asarray(np.sqrt(np.minimum.accumulate(out) * scale))


def power_by(errors: Array, days: int, wanted: Wanted) -> float:
    """The probability that the effect is sure by the end of so many days."""
    looks = np.unique(np.linspace(1, days, min(days, LOOKS)).astype(int))
    chosen = [float(errors[day - 1]) for day in looks]
    return confidence_sequence.power(wanted.effect, chosen, chosen[-1], wanted.comparison_alpha)[-1]


def _shortest(errors: Array, wanted: Wanted) -> int | None:
    if not np.all(np.isfinite(errors)) or power_by(errors, len(errors), wanted) < wanted.power:
        return None
    low, high = 1, len(errors)
    while low < high:
        middle = (low + high) // 2
        enough = power_by(errors, middle, wanted) >= wanted.power
        low, high = (low, middle) if enough else (middle + 1, high)
    return low
