"""Intervals from few days hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics import bootstrap, small_sample


def coverage(level: float, days: int = 7, cases: int = 2_000) -> float:
    """How often an interval read at `level` holds the mean that the days were drawn with."""
    random = np.random.default_rng(5)
    sample = bootstrap.resample(np.arange(days), 2_000, seed=1)
    means = random.normal(1.0, 1.0, (cases, days)) @ sample.draws[:, 1:] / days
    low, high = np.quantile(means, ((1 - level) / 2, (1 + level) / 2), axis=1)
    return float(np.mean((low <= 1.0) & (high >= 1.0)))


def test_a_week_needs_the_wider_interval():
    assert coverage(0.95) < 0.89
    assert coverage(small_sample.level(0.95, 7)) == pytest.approx(0.95, abs=0.015)


def test_many_days_need_hardly_any():
    assert small_sample.level(0.95, 2_000) == pytest.approx(0.95, abs=1e-3)
    assert small_sample.level(0.95, 1) == 0.95


def test_students_interval_is_scipys():
    from scipy import stats

    values = np.array([0.1, 0.4, -0.2, 0.3])
    result = small_sample.mean(values, 0.9)
    low, high = stats.t.interval(0.9, 3, values.mean(), stats.sem(values))
    assert (result.low, result.high) == pytest.approx((low, high))


def test_two_values_have_no_interval():
    result = small_sample.mean(np.array([1.0, 2.0]), 0.95)
    assert result.value == 1.5
    assert np.isnan([result.low, result.high]).all()
