"""The loss by age and the shelf life, on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.interval import Interval
from plumbline.studies.backtest import ageing
from plumbline.studies.backtest.backtest_record import AgeLoss

N = 8


def quality(loss_per_period: float, noise: float = 0.0) -> np.ndarray:
    """0.8 when fresh, a fixed share less for each period of age; each period is as hard as it is."""
    random = np.random.default_rng(2)
    hard = 0.8 + 0.05 * random.standard_normal(N)
    out = np.full((N, N), np.nan)
    for i in range(N):
        for j in range(i, N):
            shaken = noise * random.standard_normal() if j > i else 0.0
            out[i, j] = hard[j] * (1 - loss_per_period * (j - i) + shaken)
    return out


def ages(result: np.ndarray, higher: bool = True) -> list[AgeLoss]:
    return [ageing.by_age(result, age, 7, 0.95, higher) for age in range(1, N)]


@pytest.mark.mltest("Model 4")
def test_a_hard_week_is_hard_for_both():
    assert ageing.losses(quality(0.01), 3, higher_is_better=True) == pytest.approx(
        np.full(N - 3, 0.03)
    )


def test_an_error_that_grows_is_a_loss():
    assert (ageing.losses(1 / quality(0.01), 2, higher_is_better=False) > 0.0199).all()


@pytest.mark.mltest("Model 4")
def test_shelf_life_is_the_first_age_beyond_the_limit_for_certain():
    result = ageing.shelf(ages(quality(0.02)), 0.05)
    assert result.plain() == {"shelf_life_days": 21, "safe_days": 14, "studied_days": 35}


@pytest.mark.mltest("Model 4")
def test_a_loss_that_may_be_noise_ends_no_shelf_life():
    loss = Interval(value=0.08, low=0.01, high=0.15)
    unsure = AgeLoss(days=7, periods=5, fresh=0.8, old=0.7, loss=loss, each=[])
    assert ageing.shelf([unsure], 0.05).shelf_life_days is None


@pytest.mark.mltest("Model 4")
def test_noise_is_no_loss():
    result = ageing.shelf(ages(quality(0.0, noise=0.05)), 0.05)
    assert result.shelf_life_days is None
    assert result.safe_days < result.studied_days


def test_ages_seen_in_few_periods_have_no_interval():
    assert [a.loss.low is None for a in ages(quality(0.02))] == [False] * 5 + [True] * 2
    assert ageing.shelf([], 0.05).plain() == {
        "shelf_life_days": None,
        "safe_days": 0,
        "studied_days": 0,
    }
