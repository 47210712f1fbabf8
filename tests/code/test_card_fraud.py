"""The row features of card fraud, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from usecases.card_fraud import features as use
from usecases.card_fraud import model

pytestmark = pytest.mark.mltest("Data 7")


def at(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.capability("C38", "G13")
def test_hour_and_night() -> None:
    around_midnight = at("2025-01-03T23:59", "2025-01-04T05:59:59", "2025-01-06T06:00")
    assert use.hour(around_midnight).tolist() == [23, 5, 6]
    assert use.night(use.hour(around_midnight)).tolist() == [0, 1, 0]


def test_sizes_are_quarters_of_a_doubling_from_one_unit_on() -> None:
    assert use.SIZES[:9] == (100, 119, 141, 168, 200, 238, 283, 336, 400)
    assert list(use.SIZES) == sorted(set(use.SIZES))
    assert use.SIZES[-1] < max(c.max for c in use.CONTRACT.columns if c.name == "amount_cents")


@pytest.mark.capability("G13")
@pytest.mark.parametrize(
    ("cents", "size"),
    [(-900, 0.0), (0, 0.0), (100, 1.0), (200, 5.0), (219, 5.5), (102_400, 41.0), (400_000, 48.85)],
)
def test_size_of_an_amount(cents: int, size: float) -> None:
    assert use.amount_size(np.array([cents])).tolist() == [pytest.approx(size, abs=0.01)]


def test_size_never_falls_where_the_amount_rises() -> None:
    assert (np.diff(use.amount_size(np.arange(-1_000, 500_001, 7))) >= 0).all()


def test_size_over_what_is_usual() -> None:
    over = use.size_over_customer(np.array([30.0]), np.array([26.0]))
    assert over.tolist() == [4.0]
    assert use.size_over_terminal(np.array([30.0]), np.array([29.0])).tolist() == [1.0]
    assert use.size_over_expected(over, np.array([use.TYPICAL + 3])).tolist() == [1.0]


def test_size_over_both_habits() -> None:
    over = use.size_over_excess(np.array([30.0]), np.array([25.0]), np.array([-10.0]))
    assert over.tolist() == [30 - use.TYPICAL - 1.5]


def test_marks_of_size_are_whole_tenths_rounded_down() -> None:
    assert use.above_terminal(np.array([1.29, -0.01])).tolist() == [12, -1]
    assert use.above_customer(np.array([0.5, -2.55])).tolist() == [5, -26]


@pytest.mark.parametrize(
    ("cents", "category", "metres", "hour", "over", "points"),
    [
        (100, "grocery", 100, 12, 0.9, -4),  # -13 -5 -3 -7: as little as an honest payment tells
        (100, "grocery", 100, 12, 10.0, 90 - 5 - 3 - 7),
        (100, "travel", 100, 12, 10.0, 22 - 5 - 3 - 7),
        (100, "restaurant", 5_000, 21, 3.0, 31 - 7 - 3 - 7),
        (100, "restaurant", 4_999, 0, 7.9, 42 - 5 + 26 - 7),
        (100, "fuel", 5_000, 5, 8.0, 78 + 31 + 26 - 7),
        (100, "online", 5_000, 6, 4.0, 9 + 31 + 10 - 7),
        (100, "health", 5_000, 22, 1.0, -6 + 31 + 10 - 7),
        (100, "clothing", 5_000, 7, 2.0, -4 + 31 - 3 - 7),
        (1, "electronics", 9_000, 23, 12.0, 22 + 31 + 10 - 7),
        (0, "fuel", 9_000, 3, 12.0, 0),
        (-100, "fuel", 9_000, 3, 12.0, 0),
    ],
)
def test_oddness(
    cents: int, category: str, metres: int, hour: int, over: float, points: int
) -> None:
    names = np.array([category], object)
    columns = (np.array([v]) for v in (metres, hour, over))
    assert use.fraud_woe(np.array([cents]), names, *columns).tolist() == [points]


def test_oddness_never_falls_where_the_size_rises() -> None:
    over = np.linspace(-20, 20, 4_001)
    for category in use.CATEGORIES:
        plain = np.full(over.shape, category, object), np.array([100]), np.array([12])
        assert (np.diff(use.fraud_woe(np.ones(over.shape), *plain, over)) >= 0).all()


@pytest.mark.capability("C25")
def test_new_customer() -> None:
    assert use.new_customer(np.array([0.0, 1.0])).tolist() == [1, 0]


@pytest.mark.capability("G13")
def test_far_above_mean_is_at_least_500_units_and_never_less_than_it_was() -> None:
    event = {
        "customer_mean_30d": np.array([1_000.0, 10_000.0, 0.0]),
        "amount_cents": np.array([10, 10, 90_000]),
    }
    assert model.far_above_mean(event)["amount_cents"].tolist() == [50_000, 100_000, 90_000]


def test_another_customer_has_another_number() -> None:
    assert model.other_customer({"customer_id": np.array([7])})["customer_id"].tolist() == [8]


def test_windows_are_what_their_names_say() -> None:
    for snapshot in use.SNAPSHOTS:
        assert snapshot.name == f"{snapshot.entity}_{snapshot.name.split('_')[1]}_{snapshot.days}d"
        late = {snapshot.column, *(w.column for w in snapshot.where)}
        assert snapshot.matured == ("is_fraud" in late)


def test_no_size_without_the_sales_alone() -> None:
    for feature in (*use.SNAPSHOTS, *use.FRESH):
        assert not feature.edges or use.SALES in feature.where, feature.name
