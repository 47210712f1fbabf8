"""Figures where the decision withheld labels: weights, exact intervals, and that these hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench import weighted_estimates as worlds
from plumbline.metrics import metrics, weighted
from plumbline.metrics.bootstrap import every_row_once
from plumbline.metrics.cost import Money, cost
from plumbline.metrics.weighted import Drawing
from plumbline.metrics.withheld import Labelled

QUICK = Drawing(replicates=200)


def one_stratum(passed: list[int], unknown: int, sure: list[int]) -> Labelled:
    """Events let through with a chance of one in ten, events without a label, and certain ones."""
    label = np.array([*passed, *[np.nan] * unknown, *sure], float)
    withheld = np.isnan(label)
    propensity = np.where(withheld, 0.9, 1.0)
    propensity[: len(passed)] = 0.1
    return Labelled.of(label, propensity, withheld)


def scored(events: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores with ties."""
    draw = np.random.default_rng(seed)
    score = np.round(draw.beta(1, 9, events), 2)
    return (draw.random(events) < score).astype(float), score


def test_with_every_label_known_the_figures_are_the_plain_ones_without_width():
    label, score = scored(500)
    rows = Labelled.of(label, np.ones(500), np.zeros(500, bool))
    alarm = score >= 0.3
    plain = metrics.decisions(label, score, every_row_once(500), 0.3, None)
    money = cost(label, alarm, Money(50.0, 3.0))
    expected = {
        weighted.average_precision(rows, score): metrics.average_precision(label, score),
        weighted.precision(rows, alarm): plain["precision_at_threshold"][0],
        weighted.recall(rows, alarm): plain["recall_at_threshold"][0],
        weighted.brier(rows, score): np.mean((score - label) ** 2),
        weighted.calibration_gap(rows, score): np.mean(score - label),
        weighted.cost_per_event(rows, alarm * 3.0, np.where(alarm, 0.0, 50.0)): money.mean(),
    }
    for estimate, value in expected.items():
        assert estimate.value == pytest.approx(value)
        assert estimate.low == pytest.approx(estimate.high)


def test_an_event_let_through_counts_for_its_stratum():
    rows = one_stratum([1, 1, 0, 1, 0], 45, [0] * 50)
    assert rows.weights().tolist() == [10.0] * 5 + [0.0] * 45 + [1.0] * 50
    assert weighted.label_rate(rows).value == pytest.approx(0.3)
    assert weighted.precision(rows, np.arange(100) < 50).value == pytest.approx(0.6)


@pytest.mark.parametrize(("hits", "passed", "events"), [(3, 9, 90), (0, 6, 300), (20, 20, 60)])
def test_the_interval_of_a_share_is_the_exact_one(hits: int, passed: int, events: int):
    """The smallest and largest number of positives that such a sample of the stratum does not exclude."""
    rows = one_stratum([1] * hits + [0] * (passed - hits), events - passed, [])
    total = weighted.total(rows, np.tile([0.0, 1.0], (events, 1)), Drawing(0.95, 20_000))
    positives = np.arange(hits, events - passed + hits + 1)
    above = stats.hypergeom.sf(hits - 1, events, positives, passed)
    below = stats.hypergeom.cdf(hits, events, positives, passed)
    assert total.low == pytest.approx(positives[above > 0.025][0], abs=1)
    assert total.high == pytest.approx(positives[below > 0.025][-1], abs=1)


def test_strata_of_two_shares_and_one_that_was_never_let_through():
    label = np.array([1, 0, 1, 0, 1, *[np.nan] * 15, 1, 1, *[np.nan] * 3, 0], float)
    propensity = np.array([0.25] * 5 + [0.75] * 15 + [0.4] * 2 + [0.6] * 3 + [1.0])
    rows = Labelled.of(label, propensity, np.isnan(label))
    assert [(s.chance, len(s.passed), len(s.unknown)) for s in rows.strata()] == [
        (0.25, 5, 15),
        (0.4, 2, 3),
    ]
    assert rows.weights().sum() == pytest.approx(len(label))
    never = Labelled(np.append(rows.label, [np.nan] * 10), np.append(rows.chance, [0.0] * 10))
    assert never.weights().sum() == pytest.approx(len(never))
    rate = weighted.label_rate(never)
    assert rate.high - rate.low > 10 / len(never)


def test_too_few_let_through_say_nothing():
    rows = one_stratum([1, 0, 1, 1], 400, [0, 1] * 300)
    assert "4 of 404 events" in (weighted.cannot_tell(rows) or "")
    score = np.linspace(0, 1, len(rows))
    figures = [
        weighted.label_rate(rows),
        weighted.recall(rows, score > 0.5),
        weighted.average_precision(rows, score),
        weighted.precision(rows, score < 0.001),
    ]
    assert all(math.isnan(end) for e in figures[:3] for end in (e.value, e.low, e.high))
    assert weighted.cannot_tell(rows.where(score > 2)) == "there are no events"
    assert math.isnan(weighted.label_rate(rows.where(score > 2)).value)
    assert weighted.cannot_tell(one_stratum([], 0, [0, 1])) is None


def test_a_label_of_a_withheld_event_is_not_taken_for_a_random_one():
    rows = Labelled.of(np.array([1.0, 0.0]), np.array([0.99, 1.0]), np.array([True, False]))
    assert rows.known.tolist() == [False, True]


def test_a_label_that_is_missing_without_a_reason_is_refused():
    with pytest.raises(ValueError, match="1 of 2 events have no label although"):
        Labelled.of(np.array([np.nan, 0.0]), np.ones(2), np.zeros(2, bool))
    with pytest.raises(ValueError, match=r"propensities in \[0, 1\]"):
        Labelled.of(np.zeros(2), np.array([0.5, 1.5]), np.zeros(2, bool))


def test_draws_in_chunks_are_equal_and_seeded(monkeypatch: pytest.MonkeyPatch):
    rows = one_stratum([1, 0, 1, 1, 0, 1], 60, [0, 1, 0])
    score = np.linspace(1, 0, len(rows))
    whole = weighted.average_precision(rows, score, QUICK)
    monkeypatch.setattr("plumbline.metrics.withheld.CELLS", 50)
    assert weighted.average_precision(rows, score, QUICK) == whole
    other = Drawing(replicates=200, seed=1)
    assert weighted.average_precision(rows, score, other) != whole


@pytest.mark.parametrize("kind", ["5 % let through", "inverted among the blocked"])
def test_intervals_hold_under_blocking(kind: str):
    counts = worlds.tallies(worlds.KINDS[kind], 20, QUICK, 12_000)
    together = counts[worlds.TOGETHER]
    assert together.worlds >= 10
    assert together.held >= together.worlds - 1
    recall = counts["recall"]
    assert recall.naive < recall.truth
