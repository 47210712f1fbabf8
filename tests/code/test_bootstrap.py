"""Replicates, intervals and the words made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Estimate

DAYS = np.array(["2025-01-02", "2025-01-01", "2025-01-02", "2025-01-04"], "datetime64[D]")


def test_replicate_zero_is_the_data_as_they_are():
    sample = bootstrap.resample(bootstrap.units(4, DAYS), 20, seed=1)
    assert sample.draws[:, 0].tolist() == [1, 1, 1]
    assert sample.total(np.array([1.0, 2.0, 4.0, 8.0]))[0] == 15.0


def test_days_are_drawn_whole():
    sample = bootstrap.resample(bootstrap.units(4, DAYS), 200, seed=1)
    weights = np.array(list(sample.weights(np.arange(4))))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] != weights[:, 1]).any()


def test_each_replicate_draws_as_many_days_as_there_are():
    sample = bootstrap.resample(bootstrap.units(4, DAYS), 200, seed=1)
    assert (sample.draws.sum(axis=0) == 3).all()


def test_the_same_seed_draws_the_same_and_another_does_not():
    unit = np.arange(50)
    one, same, other = (bootstrap.resample(unit, 5, seed=s).draws for s in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_rows_are_drawn_one_by_one_and_in_bounded_groups():
    assert len(np.unique(bootstrap.units(300, None))) == 300
    assert len(np.unique(bootstrap.units(300_000, None))) == bootstrap.ROW_UNITS


def test_weights_follow_the_order_asked_for():
    sample = bootstrap.resample(np.arange(6), 3, seed=0)
    order = np.array([5, 0, 3])
    for replicate, weights in enumerate(sample.weights(order)):
        assert weights.tolist() == sample.draws[order, replicate].tolist()


def test_the_interval_of_a_mean_is_about_two_standard_errors_each_way():
    values = np.random.default_rng(0).normal(10, 2, 400)
    sample = bootstrap.resample(np.arange(400), 2000, seed=5)
    result = bootstrap.estimate(sample.mean(values), sample, 0.95)
    assert result.value == pytest.approx(values.mean())
    assert result.high - result.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert result.low < result.value < result.high


def test_a_higher_level_gives_a_wider_interval():
    sample = bootstrap.resample(np.arange(60), 400, seed=5)
    replicates = sample.mean(np.arange(60.0))
    narrow, wide = (bootstrap.estimate(replicates, sample, level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_days_that_move_together_widen_the_interval():
    day = np.repeat(np.arange(20), 50)
    values = np.random.default_rng(2).normal(size=20)[day]
    by_day, by_row = (
        bootstrap.estimate(s.mean(values), s, 0.95)
        for s in (bootstrap.resample(u, 500, seed=1) for u in (day, np.arange(1000)))
    )
    assert by_day.high - by_day.low > 4 * (by_row.high - by_row.low)


def test_too_few_days_give_no_interval():
    sample = bootstrap.resample(np.arange(4), 100, seed=1)
    result = bootstrap.estimate(sample.mean(np.arange(4.0)), sample, 0.95)
    assert result.value == 1.5
    assert math.isnan(result.low)
    assert math.isnan(result.high)


@pytest.mark.parametrize(("undefined", "given"), [(5, True), (20, False)])
def test_undefined_replicates_are_left_out_until_they_are_many(undefined: int, given: bool):
    sample = bootstrap.resample(np.arange(10), 100, seed=1)
    replicates = np.linspace(0, 1, 101)
    replicates[-undefined:] = math.nan
    assert math.isfinite(bootstrap.estimate(replicates, sample, 0.95).low) == given


@pytest.mark.parametrize(
    ("difference", "higher", "word"),
    [
        (Estimate(1, 0.5, 2), True, "better"),
        (Estimate(1, 0.5, 2), False, "worse"),
        (Estimate(-1, -2, -0.5), True, "worse"),
        (Estimate(-1, -2, -0.5), False, "better"),
        (Estimate(1, -0.1, 2), True, "within noise"),
        (Estimate(1, math.nan, math.nan), True, "within noise"),
    ],
)
def test_word(difference: Estimate, higher: bool, word: str):
    assert bootstrap.word(difference, higher) == word


def test_divide_by_nothing_is_undefined():
    assert np.isnan(bootstrap.divide(np.array([1.0, 2.0]), np.array([0.0, 1.0]))).tolist() == [
        True,
        False,
    ]
