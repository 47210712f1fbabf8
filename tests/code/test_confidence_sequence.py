"""Intervals that hold at every look: how often they are wrong, and how soon they tell a difference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plumbline.metrics import confidence_sequence as sequence
from plumbline.metrics.confidence_sequence import Moments

LOOKS = [1000 * day for day in range(1, 29)]
ERRORS = [n**-0.5 for n in LOOKS]
PLANNED = ERRORS[-1]
WORLDS = 4000


def stopped(effect: float, width: float | None = None) -> float:
    """The share of simulated experiments whose interval excluded zero at one of 28 daily looks."""
    draw = np.random.default_rng(3)
    sums = draw.normal(effect * 1000, math.sqrt(1000), (WORLDS, len(LOOKS))).cumsum(axis=1)
    ends = [
        sequence.half_width(n**-0.5, PLANNED) * n if width is None else width * math.sqrt(n)
        for n in LOOKS
    ]
    return float((np.abs(sums) > ends).any(axis=1).mean())


def test_without_an_effect_it_is_wrong_less_often_than_it_says() -> None:
    assert stopped(0.0) <= 0.05
    assert stopped(0.0, 1.96) > 0.15, "a plain interval looked at each day"


@pytest.mark.parametrize("effect", [0.015, 0.025])
def test_its_power_is_the_computed_one(effect: float) -> None:
    noise = 4 * math.sqrt(0.25 / WORLDS)
    assert sequence.power(effect, ERRORS, PLANNED)[-1] == pytest.approx(stopped(effect), abs=noise)


def test_power_grows_with_looks_and_effect() -> None:
    weak, strong = (sequence.power(effect, ERRORS[:5], ERRORS[4]) for effect in (0.02, 0.05))
    assert weak == sorted(weak)
    assert all(a <= b for a, b in zip(weak, strong, strict=True))


def test_a_difference_of_two_sides_and_a_paired_mean() -> None:
    draw = np.random.default_rng(5)
    control, treated = draw.normal(10, 2, 5000), draw.normal(11, 2, 5000)
    gap = sequence.difference(Moments.of(control), Moments.of(treated), 0.04)
    paired = sequence.mean(Moments.of(treated - control), 0.04)
    assert gap.low < 1 < gap.high
    assert gap.low > 0.8
    assert paired.value == pytest.approx(gap.value)
    assert paired.low < 1 < paired.high


def test_few_units_say_nothing() -> None:
    few, many = Moments.of(np.arange(10.0)), Moments.of(np.arange(100.0))
    assert math.isnan(sequence.difference(few, many, 1.0).low)
    assert math.isnan(sequence.mean(few, 1.0).high)
    assert math.isnan(Moments.of(np.ones(1)).variance)
    assert math.isnan(sequence.mean(Moments.of(np.ones(100)), 1.0).low), "all alike"


def test_the_needed_error_gives_the_power() -> None:
    error = sequence.needed_error(0.02, 28, 0.05, 0.8)
    errors = [error * math.sqrt(28 / look) for look in range(1, 29)]
    assert sequence.power(0.02, errors, error)[-1] == pytest.approx(0.8, abs=0.005)
    assert sequence.needed_error(-0.02, 28, 0.05, 0.9) < error


def test_a_look_without_new_information_changes_nothing() -> None:
    once = sequence.power(0.02, [0.01, 0.008], 0.008)
    assert sequence.power(0.02, [0.01, 0.01, 0.008], 0.008)[::2] == once
