"""Causes of a moved column, found on counts whose cause is known."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.monitor import bin_counts, causes, units

BEFORE = np.rint(np.random.default_rng(0).lognormal(8, 1, 100_000))
DISTANCE = np.rint(np.random.default_rng(1).gamma(4, 30, 100_000))
DAY = np.array(
    [4, 2, 1, 1, 2, 5, 15, 35, 55, 60, 65, 75, 90, 80, 65, 65, 75, 95, 100, 80, 55, 35, 18, 9]
)


SECONDS, CM, COUNT = units.factors("seconds"), units.factors("cm"), units.factors("rides per hour")


def grid(values):
    return bin_counts.grid_counts(values)


def some(rows=5_000, seed=7):
    return np.rint(np.random.default_rng(seed).lognormal(8, 1, rows))


@pytest.mark.parametrize("factor", [100, 10, 0.01, 60, 1000])
@pytest.mark.parametrize("share", [0.03, 0.2, 1.0])
def test_a_factor_of_a_part_of_the_rows_is_named(factor, share):
    now = some()
    hit = np.arange(len(now)) < share * len(now)
    result = causes.scaled(grid(np.where(hit, now * factor, now)), grid(BEFORE), SECONDS)
    assert result is not None
    assert result[0] == pytest.approx(factor, rel=0.15)
    assert result[1] == pytest.approx(share, rel=0.3)


def test_small_numbers_are_scaled_too():
    minutes = np.random.default_rng(4).normal(3, 12, 40_000).round()
    now = minutes[:2_000].copy()
    now[:300] *= 60
    factor, share, _ = causes.scaled(grid(now), grid(minutes), SECONDS)
    assert factor == 60
    assert share == pytest.approx(0.15, rel=0.2)


@pytest.mark.parametrize("growth", [1.0, 1.2, 1.5, 0.7])
def test_dearer_is_no_other_unit(growth):
    assert causes.scaled(grid(some() * growth), grid(BEFORE), SECONDS) is None


def demand(days, level, seed, night=0.08):
    """Rides in each hour of some days: two peaks, a quiet night."""
    hours = np.arange(24)
    shape = night + np.exp(-((hours - 8) ** 2) / 4) + 1.2 * np.exp(-((hours - 17.5) ** 2) / 8)
    day = np.random.default_rng(seed).gamma(20, level / 20, (days, 1))
    return np.random.default_rng(seed + 1).poisson(day * shape).astype(float).ravel()


@pytest.mark.parametrize("share", [0.2, 0.39, 0.1])
@pytest.mark.parametrize("factors", [COUNT, CM])
def test_a_quiet_christmas_is_no_other_unit(share, factors):
    """Counts per hour have none; in centimetres, peaks that shrink by themselves are drift."""
    quiet = np.minimum(demand(7, 300, 5), np.quantile(demand(7, 300, 5), 0.4)) * share
    calm = demand(7, 300 * share, 5, night=0.3)
    for now in (calm, np.rint(quiet)):
        assert causes.scaled(grid(now), grid(demand(60, 300, 1)), factors) is None


@pytest.mark.parametrize("factor", [2.54, 1 / 2.54, 0.01, 3.28084])
def test_all_rows_in_another_unit_keep_their_shape(factor):
    now = some() * factor
    result = causes.scaled(grid(now), grid(BEFORE), CM)
    assert result is not None
    assert result[0] == pytest.approx(factor)
    wider = np.exp(np.log(some()) * 1.4 - 4.0)
    assert causes.scaled(grid(wider), grid(BEFORE), CM) is None


@pytest.mark.parametrize("growth", [2.3, 2.9, 0.42, 11.0])
def test_all_rows_times_nearly_a_known_factor_drifted(growth):
    assert causes.scaled(grid(some(20_000) * growth), grid(BEFORE), CM) is None


@pytest.mark.parametrize("factor", [8.0, 7.5])
def test_a_part_of_the_rows_times_no_known_factor_is_no_other_unit_of_length(factor):
    """Payments that move to terminals farther away: other metres, not another unit of them."""
    now = some()
    far = np.where(np.arange(len(now)) < 500, now * factor, now)
    assert causes.scaled(grid(far), grid(BEFORE), units.factors("metres")) is None
    assert causes.scaled(grid(far), grid(BEFORE), units.factors("EUR")) is not None


def test_swapped_columns_are_told_from_a_factor():
    amount, distance = some(), np.rint(np.random.default_rng(3).gamma(4, 30, 5_000))
    hit = np.arange(5_000) < 500
    grids = {
        "amount": (grid(np.where(hit, distance, amount)), grid(BEFORE)),
        "distance": (grid(np.where(hit, amount, distance)), grid(DISTANCE)),
    }
    [(one, other, share)] = causes.swapped(
        grids, {"amount", "distance"}, {"amount": SECONDS, "distance": CM}
    )
    assert (one, other) == ("amount", "distance")
    assert share == pytest.approx(0.1, rel=0.3)
    assert causes.swapped(grids, {"amount"}, {}) == []


def test_missing_hours_are_named():
    now = np.where(np.arange(24) < 12, DAY, 0)
    result = causes.missing_hours(now, 10 * DAY)
    assert result.description == "after 12:00"
    assert result.share == pytest.approx(DAY[12:].sum() / DAY.sum())
    assert result.chance < 1e-9
    assert causes.missing_hours(DAY, DAY) is None
    assert (
        causes.missing_hours(np.where(np.arange(24) < 6, 0, DAY), DAY).description == "before 6:00"
    )
    middle = np.where((np.arange(24) >= 9) & (np.arange(24) < 11), 0, DAY)
    assert causes.missing_hours(middle, DAY).description == "between 9:00 and 11:00"


@pytest.mark.parametrize("late", [2, -1, 5])
def test_a_clock_is_read_from_the_hours(late):
    assert causes.clock(np.roll(DAY, late), DAY) == late
    assert causes.clock(DAY, DAY) == 0
