"""The trees called directly: the bits of XGBoost's own wrapper, and the wrapper where the call is missing."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from xgboost import core

from plumbline.serve.online import trees
from plumbline.serve.online.trees import Trees
from tests import classes, requests
from tests.frames import FLIGHTS
from tests.small import SMALL

CASES = (SMALL, FLIGHTS, classes.days())


def drawn(booster: Any, rows: int) -> Any:
    x = np.random.default_rng(3).normal(0, 400, (rows, booster.num_features())).astype(np.float32)
    x[np.random.default_rng(4).random(x.shape) < 0.1] = np.nan
    return x


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("kind", trees.KINDS)
def test_the_bits_of_the_wrapper(case: Any, kind: trees.Kind) -> None:
    booster = requests.scorer(case).bundle.booster
    own = Trees(booster)
    assert own._direct is not None
    x = drawn(booster, 500)
    start = np.linspace(-3, 3, 500).astype(np.float32)
    for margin in (None, None if case.classes else start):
        expected = booster.inplace_predict(x, base_margin=margin, predict_type=kind)
        result = own.predict(x, margin, kind)
        assert result.dtype == np.float64
        np.testing.assert_array_equal(result, expected.astype(np.float64))
    alone = [own.predict(x[i : i + 1], None, kind) for i in range(60)]
    np.testing.assert_array_equal(np.concatenate(alone), own.predict(x, None, kind)[:60])


def test_many_threads_at_once() -> None:
    booster = requests.scorer(SMALL).bundle.booster
    own, x = Trees(booster), drawn(booster, 400)
    expected = own.predict(x, None, "value")
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda i: own.predict(x[i : i + 1], None, "value"), range(400)))
    np.testing.assert_array_equal(np.concatenate(parts), expected)


class Without:
    """A library that lacks the function."""


class Failing:
    """A library whose function gives no answer."""

    XGBoosterPredictFromDense = staticmethod(lambda *_: 1)


class Other:
    """A library whose function answers seven."""

    @staticmethod
    def XGBoosterPredictFromDense(*given: Any) -> int:  # noqa: N802 (the library's name)
        status: int = core._LIB.XGBoosterPredictFromDense(*given)
        given[-1]._obj.contents = ctypes.c_float(7.0)
        return status


@pytest.mark.parametrize("library", [Without(), Failing(), Other()])
def test_the_wrapper_is_used_otherwise(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    booster = requests.scorer(SMALL).bundle.booster
    expected = Trees(booster).predict(drawn(booster, 50), None, "value")
    with monkeypatch.context() as patch:
        patch.setattr(trees, "_library", lambda: library)
        own = Trees(booster)
    assert own._direct is None
    np.testing.assert_array_equal(own.predict(drawn(booster, 50), None, "value"), expected)
