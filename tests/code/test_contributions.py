"""Contributions add up to the answer: before calibration, through Platt's line, from an offset."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.model import contributions
from plumbline.model.calibration import Calibration
from plumbline.model.contributions import Contributions
from plumbline.studies.backtest import refit
from plumbline.train.fitting import FittedModel
from tests import studies
from tests.boosting import events, parcels

ROWS = events(9, 300)


def fitted(problem: str) -> FittedModel:
    case, params = parcels(problem), studies.params()
    full = refit.settings(case, params, studies.TUNED)
    return refit.fit(case, params, full, events(1, 1_200), events(2, 500))


def of(model: FittedModel) -> Contributions:
    case = model.usecase
    return contributions.of(model.booster, case.features, case.offset, ROWS)


@pytest.mark.capability("I9")
@pytest.mark.mltest("Infra 5")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_they_sum_to_the_answer(problem: str):
    model = fitted(problem)
    result = contributions.calibrated(of(model), model.calibration)
    total = result.base + result.offset + result.each.sum(axis=1)
    assert total == pytest.approx(result.total, abs=1e-4)
    score = model.predict(ROWS)
    report = 1 / (1 + np.exp(-result.total)) if problem == "classification" else result.total
    assert report == pytest.approx(score, abs=1e-5 if problem == "classification" else 1e-3)
    assert result.each.shape == (300, 4)


def test_the_offset_is_its_own_part():
    result = of(fitted("regression"))
    assert result.offset == pytest.approx(ROWS["height"])
    assert np.ptp(result.base) < 1e-4


def test_isotonic_steps_leave_the_contributions_as_they_are():
    result = of(fitted("classification"))
    steps = Calibration("isotonic", (0.1, 0.9), (0.2, 0.8))
    assert contributions.calibrated(result, steps) is result


@pytest.mark.mltest("Infra 5")
def test_a_feature_that_no_tree_asks_adds_nothing():
    case, params = parcels(), studies.params()
    still = {**events(1, 1_200), "kind_code": np.zeros(1_200)}
    full = refit.settings(case, params, studies.TUNED)
    model = refit.fit(case, params, full, still, events(2, 500))
    assert (of(model).each[:, case.features.index("kind_code")] == 0).all()


@pytest.mark.mltest("Infra 5")
def test_ranked_by_size_then_name():
    each = np.array([[1.0, -3.0, 2.0], [-1.0, 3.0, 0.0]])
    assert contributions.ranked(each, ("c", "a", "b")) == [("a", 3.0), ("b", 1.0), ("c", 1.0)]
