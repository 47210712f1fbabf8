"""Curves as tables, against scikit-learn's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as known

from plumbline.evaluate import curves
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Array

RANDOM = np.random.default_rng(4)
ROWS = 3_000
LABEL = (RANDOM.random(ROWS) < 0.3).astype(float)
SCORE = np.round(np.clip(0.25 * LABEL + 0.7 * RANDOM.random(ROWS), 0.01, 0.99), 3)


def pairs(x: Array, y: Array) -> set[tuple[float, float]]:
    return set(zip(np.round(x, 9).tolist(), np.round(y, 9).tolist(), strict=True))


def test_precision_recall_lies_on_the_whole_curve():
    precision, recall, _ = known.precision_recall_curve(LABEL, SCORE)
    table = curves.precision_recall(LABEL, SCORE)
    assert pairs(table["x"], table["y"]) <= pairs(recall, precision)
    assert table["x"][-1] == 1.0
    assert (np.diff(table["x"]) > 0).all()
    assert len(table["x"]) <= curves.POINTS


def test_roc_lies_on_the_whole_curve_and_has_its_area():
    far, recall, _ = known.roc_curve(LABEL, SCORE, drop_intermediate=False)
    table = curves.roc(LABEL, SCORE)
    assert pairs(table["x"], table["y"]) <= pairs(far, recall)
    assert np.trapezoid(table["y"], table["x"]) == pytest.approx(
        known.roc_auc_score(LABEL, SCORE), abs=1e-3
    )
    assert (table["x"][0], table["y"][0], table["x"][-1], table["y"][-1]) == (0, 0, 1, 1)


def test_calibration_has_each_bin_s_means():
    label = np.array([0.0, 1, 1, 1] * 10)
    score = np.array([0.1, 0.1, 0.9, 0.9] * 10)
    table = curves.calibration(label, score, metrics.probability_bins(score))
    assert table["x"] == pytest.approx([0.1, 0.9])
    assert table["y"] == pytest.approx([0.5, 1.0])
    assert table["rows"].tolist() == [20, 20]


def test_the_noise_is_the_error_that_a_perfect_model_shows():
    score = RANDOM.beta(1, 20, ROWS)
    result = [
        metrics.probabilities(label, score, bootstrap.every_row_once(ROWS))["ece"][0]
        for label in (RANDOM.random((40, ROWS)) < score).astype(float)
    ]
    assert curves.calibration_noise(LABEL, score) == pytest.approx(np.mean(result), rel=0.15)


def test_residuals_are_label_minus_prediction():
    value = np.repeat([10.0, 20.0], 50)
    table = curves.residuals(value + np.tile([3.0, -1.0], 50), value)
    assert table["x"].tolist() == [10.0, 20.0]
    assert table["y"].tolist() == [1.0, 1.0]
    assert table["low"].tolist() == [-1.0, -1.0]
    assert table["high"].tolist() == [3.0, 3.0]


def test_errors_are_shares_of_rows():
    table = curves.errors(np.zeros(100), np.arange(-50.0, 50))
    assert np.mean(np.abs(np.arange(-50, 50)) <= table["x"][100]) == pytest.approx(
        table["y"][100], abs=0.02
    )
    assert (np.diff(table["x"]) >= 0).all()


def test_importance_falls_and_sums_to_one():
    table = curves.importance({"b": 1.0, "a": 1.0, "c": 6.0})
    assert table["series"].tolist() == ["c", "a", "b"]
    assert table["y"].tolist() == [0.75, 0.125, 0.125]
    assert table["x"].tolist() == [1, 2, 3]


def test_no_gain_at_all_is_no_division_by_zero():
    assert curves.importance({"a": 0.0})["y"].tolist() == [0.0]


def test_cost_by_threshold_is_the_metric_s():
    money = metrics.Money(np.full(ROWS, 30.0), 4.0)
    table = curves.thresholds(LABEL, SCORE, money)
    place = len(table["x"]) // 2
    result = metrics.decisions(
        LABEL, SCORE, bootstrap.every_row_once(ROWS), table["x"][place], money
    )
    assert table["y"][place] == result["cost"][0]
    assert (np.diff(table["x"]) > 0).all()
