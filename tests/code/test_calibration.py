"""Calibration: it mends what is off, keeps the order, and is the same after JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from plumbline.core.declarations import Array
from plumbline.model import calibration
from plumbline.model.calibration import Calibration
from tests.conftest import ROOT


def overconfident(n: int = 20_000) -> tuple[Array, Array]:
    """Scores, and labels whose log odds are half the scores' minus one."""
    r = np.random.default_rng(0)
    odds = r.normal(0, 2, n)
    label = r.random(n) < 1 / (1 + np.exp(-(0.5 * odds - 1)))
    return 1 / (1 + np.exp(-odds)), label.astype(float)


def test_platt_finds_slope_and_intercept():
    fitted = calibration.fit("platt", *overconfident())
    assert fitted.x[0] == pytest.approx(0.5, abs=0.03)
    assert fitted.y[0] == pytest.approx(-1.0, abs=0.05)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibrated_shares_are_true(kind: calibration.Kind):
    score, label = overconfident()
    chance = calibration.apply(calibration.fit(kind, score, label), score)
    for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.8)):
        inside = (chance >= low) & (chance < high)
        assert np.mean(chance[inside]) == pytest.approx(np.mean(label[inside]), abs=0.02)


@pytest.mark.parametrize("kind", ["platt", "isotonic", "none"])
def test_the_order_is_kept(kind: calibration.Kind):
    fitted = calibration.fit(kind, *overconfident(500))
    chance = calibration.apply(fitted, np.linspace(0, 1, 1_001))
    assert np.all(np.diff(chance) >= 0)
    assert chance.min() >= 0
    assert chance.max() <= 1


def test_isotonic_is_scikit_learns():
    score, label = overconfident(2_000)
    score = np.round(score, 2)  # with ties
    fitted = calibration.fit("isotonic", score, label)
    other = IsotonicRegression(out_of_bounds="clip").fit(score, label)
    points = np.linspace(0, 1, 977)
    assert calibration.apply(fitted, points) == pytest.approx(other.predict(points), abs=1e-9)


@pytest.mark.parametrize("kind", ["platt", "isotonic", "none"])
def test_the_same_after_json(kind: calibration.Kind):
    score, label = overconfident(500)
    fitted = calibration.fit(kind, score, label)
    assert calibration.from_json(json.loads(json.dumps(fitted.as_json()))) == fitted


def test_a_score_that_ranks_backwards_is_flattened():
    score, label = overconfident(500)
    fitted = calibration.fit("platt", score, 1 - label)
    assert fitted.x == (0.0,)


def test_certain_scores_stay_finite():
    fitted = calibration.fit("platt", np.array([0.0, 1.0, 0.0, 1.0]), np.array([0, 1, 0, 1]))
    chance = calibration.apply(fitted, np.array([0.0, 1.0]))
    assert np.all(np.isfinite(chance))
    assert 0 < chance[0] < 0.5 < chance[1] < 1


FITTED = """
import json
from plumbline.model import calibration
from tests.code.test_calibration import overconfident
score, label = overconfident(4_000)
for kind in ("platt", "isotonic"):
    fitted = calibration.fit(kind, score, label)
    chance = calibration.apply(fitted, score)
    print(json.dumps(fitted.as_json()), chance.tobytes().hex())
"""


def test_the_same_bits_on_another_processor():
    """As far as NumPy can play one: without its faster code."""
    output = set()
    for off in ("", "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"):
        around = {**os.environ, "NPY_DISABLE_CPU_FEATURES": off, "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-W", "ignore", "-c", FITTED]
        done = subprocess.run(words, env=around, capture_output=True, text=True, check=True)
        output.add(done.stdout)
    assert len(output) == 1


def test_none_changes_nothing():
    assert calibration.apply(Calibration(), np.array([0.25, 0.5])).tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"kind": "platt"}, "expected kind, x and y, found"),
        ({"kind": "platt", "x": None, "y": []}, "expected kind, x and y, found"),
        ({"kind": "platt", "x": [], "y": []}, "none of kind 'platt' has 0 and 0 numbers"),
        ({"kind": "isotonic", "x": [1], "y": []}, "none of kind 'isotonic' has 1 and 0"),
        ({"kind": "isotonic", "x": [], "y": []}, "none of kind 'isotonic' has 0 and 0"),
        ({"kind": "none", "x": [1], "y": [1]}, "none of kind 'none' has 1 and 1"),
        ({"kind": "beta", "x": [1], "y": [1]}, "none of kind 'beta'"),
        ({"kind": "isotonic", "x": [0, 1], "y": [1, 0]}, "must not fall"),
    ],
)
def test_damaged(value: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        calibration.from_json(value)
