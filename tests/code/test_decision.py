"""The threshold: the cheapest by trying all, ties, and what it counts as a loss."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.declarations import Array
from plumbline.metrics import metrics
from plumbline.metrics.cost import Money
from plumbline.model import threshold
from tests.boosting import COSTS, parcels


def brute(label: Array, probability: Array, loss: Array, alarm: float) -> float:
    """The least mean cost over all thresholds, by the metrics' own definition of a cost."""
    money = metrics.Money(loss, alarm)
    values = [*np.unique(probability), 2.0]
    return min(np.mean(metrics.cost(label, probability >= v, money)) for v in values)


@pytest.mark.parametrize("seed", range(5))
def test_cheapest_is_the_least_of_all(seed: int):
    r = np.random.default_rng(seed)
    label = (r.random(200) < 0.2).astype(float)
    probability = np.round(np.clip(0.3 * label + r.random(200) * 0.7, 0, 1), 2)  # with ties
    loss = r.integers(0, 1_000, 200).astype(float)
    result = threshold.cheapest(label, probability, Money(loss, 150.0))
    flagged = probability >= result.value
    cost = float(np.mean(metrics.cost(label, flagged, metrics.Money(loss, 150.0))))
    assert cost == pytest.approx(brute(label, probability, loss, 150.0))
    assert result.objective == pytest.approx(cost)
    assert result.alarms == pytest.approx(np.mean(flagged))
    assert result.chosen == "cost"


def window(random: np.random.Generator, rows: int) -> tuple[Array, Array, Money]:
    """Labels that follow their scores, a few cases with large losses."""
    score = random.random(rows) ** 20
    label = (random.random(rows) < score).astype(float)
    return label, score, Money(random.lognormal(3, 1.5, rows), 20.0)


def test_a_steady_threshold_costs_less_on_other_events():
    random = np.random.default_rng(2)
    label, score, money = window(random, 100_000)
    least = threshold.cheapest(label, score, money).objective

    def excess(result: threshold.Threshold) -> float:
        return float(np.mean(metrics.cost(label, score >= result.value, money))) - least

    pairs = [window(random, 2_000) for _ in range(40)]
    plain = np.array([excess(threshold.cheapest(*one)) for one in pairs])
    steady = np.array([excess(threshold.steady(*one)) for one in pairs])
    assert steady.mean() < 0.5 * plain.mean()
    assert steady.std() < 0.5 * plain.std()


def test_a_steady_threshold_says_what_it_costs_and_is_the_same_again():
    label, score, money = window(np.random.default_rng(3), 300)
    result = threshold.steady(label, score, money)
    assert result == threshold.steady(label, score, money)
    flagged = score >= result.value
    assert result.alarms == pytest.approx(flagged.mean())
    assert result.objective == pytest.approx(np.mean(metrics.cost(label, flagged, money)))
    assert result.objective >= threshold.cheapest(label, score, money).objective
    assert result.chosen == "cost"


def test_one_sample_more_or_less_does_not_matter_where_all_agree():
    label, score = np.repeat([1.0, 0.0], 50), np.repeat([0.9, 0.05], 50)
    result = threshold.steady(label, score, Money(np.full(100, 10.0), 1.0))
    assert result == threshold.cheapest(label, score, Money(np.full(100, 10.0), 1.0))
    assert result.value == pytest.approx(0.475)


@pytest.mark.parametrize(("loss", "flagged"), [(120.0, 0.5), (100.0, 0.0)])
def test_an_event_counts_half_as_its_probability_says(loss: float, flagged: float):
    """Of 40 that are likely by a third 12 are cases; an alarm costs 50 where there is none."""
    label, score = np.repeat([1.0, 0.0, 0.0], [12, 28, 40]), np.repeat([1 / 3, 0.01], 40)
    saved = (12 * loss - 28 * 50 + (40 * loss - 80 * 50) / 3) / 2  # 20 at 120, -293 at 100
    assert (saved > 0) == (flagged > 0)
    result = threshold.steady(label, score, Money(np.full(80, loss), 50.0), draws=2_000)
    assert result.alarms == flagged
    assert result.objective == pytest.approx((12 * loss if not flagged else 28 * 50) / 80)


def test_samples_have_a_mean_in_alarms():
    """A third of the samples lack the eleventh event and want one alarm, the others eleven: some seven.

    The mean of the thresholds would lie above all but the first event.
    """
    score = np.array([0.9, *np.linspace(0.301, 0.299, 10), *np.full(9, 1e-6)])
    loss = np.array([*np.full(10, 70.0), 270.0, *np.full(9, 1.0)])
    result = threshold.steady(np.eye(20)[0] + np.eye(20)[10], score, Money(loss, 30.0))
    assert 6 / 20 <= result.alarms <= 9 / 20


@pytest.mark.parametrize(("loss", "none"), [(30.0, True), (90.0, False)])
def test_no_alarm_where_most_samples_want_none(loss: float, none: bool):
    label, score = np.repeat([1.0, 0.0], 20), np.full(40, 0.3)
    result = threshold.steady(label, score, Money(np.full(40, loss), 50.0))
    assert (result.alarms == 0.0) == none
    assert (result.value > 0.3) == none


def test_it_lies_between_two_scores():
    label, probability = np.array([1, 1, 0, 0]), np.array([0.9, 0.6, 0.4, 0.1])
    assert threshold.cheapest(label, probability, Money(np.full(4, 10.0), 1.0)).value == 0.5
    assert threshold.best_f1(label, probability) == threshold.Threshold(0.5, "f1", 1.0, 0.5)


def test_nobody_is_flagged_where_alarms_cost_more_than_they_save():
    money = Money(np.array([3.0, 0.0]), 50.0)
    result = threshold.cheapest(np.array([1, 0]), np.array([0.4, 1.0]), money)
    assert (result.value, result.alarms, result.objective) == (2.0, 0.0, 1.5)


def test_all_are_flagged_where_alarms_cost_nothing():
    money = Money(np.array([0.0, 3.0]), 0.0)
    result = threshold.cheapest(np.array([0, 1]), np.array([0.4, 0.2]), money)
    assert (result.value, result.alarms) == (0.1, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_best_f1_is_the_highest_of_all(seed: int):
    r = np.random.default_rng(seed)
    label = (r.random(100) < 0.3).astype(int)
    probability = np.round(0.2 * label + 0.8 * r.random(100), 1)

    def f1(value: float) -> float:
        flagged = probability >= value
        return 2 * np.sum(flagged & (label == 1)) / (np.sum(flagged) + np.sum(label))

    result = threshold.best_f1(label, probability)
    assert result.objective == pytest.approx(max(f1(v) for v in np.unique(probability)))
    assert f1(result.value) == pytest.approx(result.objective)


@pytest.mark.parametrize("seed", range(3))
def test_all_four_cells_of_the_matrix_count(seed: int):
    r = np.random.default_rng(seed)
    label = (r.random(200) < 0.3).astype(float)
    score = np.round(0.3 * label + r.random(200), 2)
    money = Money(r.random(200) * 9, r.random(200), 0.4 * r.random(200), 0.1)
    result = threshold.cheapest(label, score, money)
    tried = [metrics.cost(label, score >= v, money).mean() for v in [*np.unique(score), 9.0]]
    assert result.objective == pytest.approx(min(tried))
    assert metrics.cost(label, score >= result.value, money).mean() == pytest.approx(min(tried))


def test_costs_decide_how():
    columns = {
        "broken": np.tile([1, 0, 0], 20),
        "weight": np.tile([1, 2, 3], 20),
        "worth": np.tile([1_000, 0, 0], 20),
    }
    probability = np.tile([0.2, 0.3, 0.1], 20)
    by_cost = threshold.choose(parcels(), columns, probability, COSTS)
    assert by_cost is not None
    assert (by_cost.chosen, by_cost.value) == ("cost", 0.15000000000000002)
    by_f1 = threshold.choose(parcels(), columns, probability, None)
    assert by_f1 is not None
    assert by_f1.chosen == "f1"
    assert threshold.choose(parcels("regression"), columns, probability, COSTS) is None
