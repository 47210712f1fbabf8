"""Calibration's evidence: the error and its share, bins that hold the same, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.evaluate import reliability
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics

RANDOM = np.random.default_rng(4)
ROWS = 20_000
TRUE = np.clip(RANDOM.beta(0.1, 10, ROWS), 1e-5, 1)  # about one in a hundred
LABEL = (RANDOM.random(ROWS) < TRUE).astype(float)
DAY = np.datetime64("2025-01-01") + np.arange(ROWS) % 28
WINDOW = LabelledWindow("classification", LABEL, DAY, 200, 0.95, 1)


def test_a_true_probability_shows_little_more_than_noise():
    report = reliability.evidence(WINDOW, TRUE, np.sqrt(TRUE), "platt").plain()
    assert report["ece"]["value"] < 2 * report["noise"]
    assert report["ece"]["low"] <= report["ece"]["value"] <= report["ece"]["high"]
    assert report["uncalibrated"]["low"] > 5 * report["ece"]["high"]
    sample = WINDOW.sample()
    plain = metrics.calibration_error(LABEL, TRUE, sample)[0]
    assert report["ece"]["value"] == pytest.approx(plain, rel=1e-5)
    assert report["relative"]["value"] == pytest.approx(plain / LABEL.mean(), rel=1e-5)


def test_bins_hold_all_rows_and_their_intervals_the_truth():
    bins = reliability.evidence(WINDOW, TRUE, TRUE, "none").plain()["bins"]
    assert sum(b["rows"] for b in bins) == ROWS
    assert len(bins) >= 10
    held = [b["low"] <= b["predicted"] <= b["high"] for b in bins if b["low"] == b["low"]]
    assert np.mean(held) > 0.7
    expected = [b["predicted"] * b["rows"] for b in bins]
    assert max(expected) < 3 * np.median(expected)


def test_the_same_error_is_told_for_a_probability_that_is_off():
    report = reliability.evidence(WINDOW, np.clip(3 * TRUE, 0, 1), TRUE, "none").plain()
    assert report["relative"]["low"] > 0.5
