"""Monotone constraints: names are checked, and stand in the model's order."""

from __future__ import annotations

import pytest

from plumbline.core.errors import ParamsError
from plumbline.model import boosting
from plumbline.train.params import Train
from tests.boosting import FEATURES, parcels


def test_in_the_order_of_the_features():
    result = boosting.monotone(parcels(), {"sender_mean_7d": -1, "height": 1})
    assert FEATURES[0] == "height"
    assert result == {"monotone_constraints": "(1,0,-1,0)"}


@pytest.mark.parametrize("directions", [{}, {"height": 0}])
def test_nothing_asked_sets_nothing(directions: dict):
    assert boosting.monotone(parcels(), directions) == {}


def test_an_unknown_name_is_refused_with_the_nearest():
    text = r"params.yaml, parcels.train.monotone.hieght: no feature of the model; did you mean 'height'\?"
    with pytest.raises(ParamsError, match=text):
        boosting.monotone(parcels(), {"hieght": 1})


def test_a_direction_is_up_down_or_free():
    with pytest.raises(ValueError, match=r"monotone\.height"):
        Train.model_validate({"monotone": {"height": 2}})
