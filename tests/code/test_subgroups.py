"""Slices found: a planted one is found and confirmed, and where there is none little is claimed."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.evaluate import subgroup_conditions, subgroups
from plumbline.evaluate.evidence import LabelledWindow

ROWS, DAYS = 6_000, 28
COLOURS = np.array(["red", "green", "blue"], object)


def sample(seed: int, *, spoiled: bool = False, problem: str = "classification"):
    """Window, columns and score. Spoiled: of the blue ones with size 20 to 40 nobody knows the label."""
    random = np.random.default_rng(seed)
    columns = {
        "colour": COLOURS[random.integers(0, 3, ROWS)],
        "size": random.random(ROWS) * 80,
        "weight": random.normal(size=ROWS),
        "left": random.integers(0, 2, ROWS),
        "flat": np.ones(ROWS),
    }
    score = np.clip(random.beta(0.3, 3, ROWS), 0.001, 0.999)
    label = (random.random(ROWS) < score).astype(float)
    bad = (columns["colour"] == "blue") & (columns["size"] > 20) & (columns["size"] < 40)
    if spoiled:
        label = np.where(bad, (random.random(ROWS) < 0.35).astype(float), label)
    if problem == "regression":
        label = score + random.normal(size=ROWS) * np.where(bad & spoiled, 3.0, 1.0)
    day = np.datetime64("2025-01-01") + np.arange(ROWS) % DAYS
    return LabelledWindow(problem, label, day, 50, 0.95, 1), columns, score


def search_of(window: LabelledWindow, columns: dict, score: np.ndarray) -> dict:
    split = subgroups.halves(ROWS, window.day)
    coded = subgroup_conditions.coded(columns, columns, split.search)
    return subgroups.evidence(window, score, coded, 0.02).plain()


@pytest.mark.mltest("Model 6")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_a_planted_subgroup_is_found_and_confirmed(problem: str):
    report = search_of(*sample(3, spoiled=True, problem=problem))
    first = report["found"][0]
    assert first["confirmed"]
    assert first["rule"] == "colour = blue and size 20 to 40"
    assert first["excess"] > first["elsewhere"]
    assert first["corrected"] < 0.01
    assert report["confirmed"] >= 1
    assert report["looked_at"] > 50


def test_where_there_is_none_little_is_claimed():
    """At 95 % at most one null in twenty may claim any subgroup: of 60 that is 3, by chance up to 7."""
    claims = sum(search_of(*sample(1_000 + seed))["confirmed"] > 0 for seed in range(60))
    assert claims <= 7


def test_shuffled_losses_hold_no_subgroup():
    """The planted one's losses dealt out anew among all rows: about as few claims."""
    window, columns, score = sample(3, spoiled=True)
    loss = subgroups.excess("classification", window.label, score)
    split = subgroups.halves(ROWS, window.day)
    coded = subgroup_conditions.coded(columns, columns, split.search)
    claims = 0
    for seed in range(40):
        shuffled = np.random.default_rng(seed).permutation(loss)
        _, tried = subgroups.search(coded, shuffled, split, 60)
        chances = subgroups.confirmed(tried, shuffled, split)
        claims += any(corrected < 0.05 for _, corrected in chances)
    assert claims <= 6


def test_the_halves_share_no_day():
    window, _, _ = sample(1)
    split = subgroups.halves(ROWS, window.day)
    days = window.day
    assert not set(days[split.search].tolist()) & set(days[split.confirm].tolist())
    assert (split.search ^ split.confirm).all()
    plain = subgroups.halves(500, None)
    assert (plain.search ^ plain.confirm).all()


def test_the_excess_of_a_true_probability_is_zero_on_average():
    random = np.random.default_rng(1)
    score = random.random(200_000)
    label = (random.random(200_000) < score).astype(float)
    assert abs(subgroups.excess("classification", label, score).mean()) < 0.01
    assert subgroups.excess("classification", 1 - label, score).mean() > 0.5


def test_holm_corrects_for_those_that_were_tried():
    window, columns, score = sample(3, spoiled=True)
    split = subgroups.halves(ROWS, window.day)
    loss = subgroups.excess("classification", window.label, score)
    coded = subgroup_conditions.coded(columns, columns, split.search)
    _, tried = subgroups.search(coded, loss, split, 60)
    chances = subgroups.confirmed(tried, loss, split)
    alone = sorted(a for a, _ in chances)
    assert min(c for _, c in chances) == pytest.approx(len(tried) * alone[0])
    assert all(c >= a for a, c in chances)


def test_few_days_confirm_nothing():
    window, columns, score = sample(3, spoiled=True)
    few = LabelledWindow("classification", window.label, window.day[:1].repeat(ROWS), 50, 0.95, 1)
    report = search_of(few, columns, score)
    assert report["confirmed"] == 0


def test_conditions_read_well():
    window, columns, _ = sample(1)
    coded = subgroup_conditions.coded(columns, columns, subgroups.halves(ROWS, window.day).search)
    assert "flat" not in coded
    message = {c.text for one in coded.values() for c in one.conditions}
    assert {"colour = blue", "left = 1", "size 60 and over"} <= message
    assert all(len(word) <= 5 for text in message for word in text.split()[1:] if word[0].isdigit())
    for one in coded.values():
        assert one.code.max() + 1 == len(one.conditions)
