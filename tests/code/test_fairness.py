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
    made = LabelledWindow(problem, label, day, 200, 0.95, seed, threshold=0.5)
    return made, random.integers(0, 8, ROWS), score


def groups(number: np.ndarray) -> dict[str, np.ndarray]:
    return {f"g{n}": number == n for n in np.unique(number)}


@pytest.mark.mltest("Model 7")
def test_rates_are_plain_shares():
    made, number, score = window(1)
    told = fairness.as_json(made, score, {"n": groups(number)})["n"]["groups"]["g3"]
    rows = number == 3
    case = made.label == 1
    assert told["rows"] == rows.sum()
    assert told["recall"]["value"] == pytest.approx((score[rows & case] >= 0.5).mean(), rel=1e-5)
    assert told["recall"]["of"] == (rows & case).sum()
    share = (score[rows & ~case] >= 0.5).mean()
    assert told["false_alarm_rate"]["value"] == pytest.approx(share, rel=1e-5)


@pytest.mark.mltest("Model 7")
def test_a_planted_gap_is_found_and_named():
    made, number, score = window(2)
    score = np.where((number == 5) & (made.label == 1), score - 0.25, score)
    gap = fairness.as_json(made, score, {"n": groups(number)})["n"]["gaps"]["recall"]
    assert gap["lower"] == "g5"
    assert gap["word"] == "beyond noise"
    assert gap["low"] < gap["value"] < gap["high"]
    assert gap["pairs"] == 28


@pytest.mark.mltest("Model 7")
def test_of_groups_alike_the_widest_gap_is_noise():
    """Of 28 pairs one is wide by chance; the corrected interval says so in about 95 of 100 windows."""
    told = []
    for seed in range(40):
        made, number, score = window(100 + seed)
        found = fairness.as_json(made, score, {"n": groups(number)})["n"]["gaps"]
        told.append(found["recall"]["word"])
    assert told.count("beyond noise") <= 6


@pytest.mark.mltest("Model 7")
def test_a_group_of_few_cases_is_shown_and_not_compared():
    made, number, score = window(3)
    number = np.where(np.arange(ROWS) < 10, 9, number % 2)
    score = np.where(number == 9, 0.0, score)  # all of its few cases are missed
    told = fairness.as_json(made, score, {"n": groups(number)})["n"]
    assert "g9" in told["groups"]
    assert {told["gaps"]["recall"][k] for k in ("higher", "lower")} == {"g0", "g1"}
    assert fairness.as_json(made, score, {"n": {"all": number >= 0}})["n"]["gaps"]["recall"] is None


def test_a_regression_compares_errors():
    made, number, score = window(4, "regression")
    score = made.label + np.where(number == 2, 1.0, 0.1)
    gap = fairness.as_json(made, score, {"n": groups(number)})["n"]["gaps"]["mae"]
    assert (gap["higher"], gap["value"]) == ("g2", pytest.approx(0.9))
