"""Gaps between groups: a planted one is found, and of many groups alike none is told too often."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.evaluate import fairness
from plumbline.evaluate.evidence import LabelledWindow

ROWS, DAYS = 6_000, 25


def window(
    seed: int, problem: str = "classification"
) -> tuple[LabelledWindow, np.ndarray, np.ndarray]:
    """A window, group numbers and scores: alarms at random, alike in all eight groups."""
    random = np.random.default_rng(seed)
    label = (random.random(ROWS) < 0.2).astype(float)
    day = np.datetime64("2025-01-01") + np.arange(ROWS) % DAYS
    score = random.random(ROWS) * 0.4 + 0.4 * label
    built = LabelledWindow(problem, label, day, 200, 0.95, seed, threshold=0.5)
    return built, random.integers(0, 8, ROWS), score


def groups(number: np.ndarray) -> dict[str, np.ndarray]:
    return {f"g{n}": number == n for n in np.unique(number)}


@pytest.mark.mltest("Model 7")
def test_rates_are_plain_shares():
    built, number, score = window(1)
    report = fairness.evidence(built, score, {"n": groups(number)})["n"].groups["g3"].plain()
    rows = number == 3
    case = built.label == 1
    assert report["rows"] == rows.sum()
    assert report["recall"]["value"] == pytest.approx((score[rows & case] >= 0.5).mean(), rel=1e-5)
    assert report["recall"]["of"] == (rows & case).sum()
    share = (score[rows & ~case] >= 0.5).mean()
    assert report["false_alarm_rate"]["value"] == pytest.approx(share, rel=1e-5)


@pytest.mark.capability("I12")
@pytest.mark.mltest("Model 7")
def test_a_planted_gap_is_found_and_named():
    built, number, score = window(2)
    score = np.where((number == 5) & (built.label == 1), score - 0.25, score)
    gap = fairness.evidence(built, score, {"n": groups(number)})["n"].plain()["gaps"]["recall"]
    assert gap["lower"] == "g5"
    assert gap["word"] == "beyond noise"
    assert gap["low"] < gap["value"] < gap["high"]
    assert gap["pairs"] == 28


@pytest.mark.mltest("Model 7")
def test_of_groups_alike_the_widest_gap_is_noise():
    """Of 28 pairs one is wide by chance; the corrected interval says so in about 95 of 100 windows."""
    report = []
    for seed in range(40):
        built, number, score = window(100 + seed)
        result = fairness.evidence(built, score, {"n": groups(number)})["n"].plain()["gaps"]
        report.append(result["recall"]["word"])
    assert report.count("beyond noise") <= 6


@pytest.mark.mltest("Model 7")
def test_a_group_of_few_cases_is_shown_and_not_compared():
    built, number, score = window(3)
    number = np.where(np.arange(ROWS) < 10, 9, number % 2)
    score = np.where(number == 9, 0.0, score)  # all of its few cases are missed
    report = fairness.evidence(built, score, {"n": groups(number)})["n"].plain()
    assert "g9" in report["groups"]
    assert {report["gaps"]["recall"][k] for k in ("higher", "lower")} == {"g0", "g1"}
    assert fairness.evidence(built, score, {"n": {"all": number >= 0}})["n"].gaps["recall"] is None


def test_a_regression_compares_errors():
    built, number, score = window(4, "regression")
    score = built.label + np.where(number == 2, 1.0, 0.1)
    gap = fairness.evidence(built, score, {"n": groups(number)})["n"].plain()["gaps"]["mae"]
    assert (gap["higher"], gap["value"]) == ("g2", pytest.approx(0.9))
