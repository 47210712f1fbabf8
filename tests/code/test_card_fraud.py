"""The row features of card fraud, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from usecases import card_fraud as use

pytestmark = pytest.mark.mltest("Data 7")


def at(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


def test_hour_and_night() -> None:
    around_midnight = at("2025-01-03T23:59", "2025-01-04T05:59:59", "2025-01-06T06:00")
    assert use.hour(around_midnight).tolist() == [23, 5, 6]
    assert use.night(use.hour(around_midnight)).tolist() == [0, 1, 0]


def test_sizes_are_quarters_of_a_doubling_from_one_unit_on() -> None:
    assert use.SIZES[:9] == (100, 119, 141, 168, 200, 238, 283, 336, 400)
    assert list(use.SIZES) == sorted(set(use.SIZES))
    assert use.SIZES[-1] < max(c.max for c in use.COLUMNS if c.name == "amount_cents")


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
    assert use.size_over_usual(over, np.array([use.TYPICAL + 3])).tolist() == [1.0]


@pytest.mark.parametrize(
    "above",
    [
        use.today_over_customer,
        use.day_over_customer,
        use.week_over_customer,
        use.far_over_customer,
    ],
)
def test_a_mean_over_the_customers_is_0_without_payments(above: object) -> None:
    assert above(np.array([28.0, 0.0]), np.array([26.0, 26.0])).tolist() == [2.0, 0.0]


def test_new_customer() -> None:
    assert use.new_customer(np.array([0.0, 1.0])).tolist() == [1, 0]


def test_far_above_habit_is_at_least_500_units_and_never_less_than_it_was() -> None:
    event = {
        "customer_mean_30d": np.array([1_000.0, 10_000.0, 0.0]),
        "amount_cents": np.array([10, 10, 90_000]),
    }
    assert use.far_above_habit(event)["amount_cents"].tolist() == [50_000, 100_000, 90_000]


def test_another_customer_has_another_number() -> None:
    assert use.other_customer({"customer_id": np.array([7])})["customer_id"].tolist() == [8]


def test_windows_are_what_their_names_say() -> None:
    for snapshot in use.SNAPSHOTS:
        assert snapshot.name == f"{snapshot.entity}_{snapshot.name.split('_')[1]}_{snapshot.days}d"
        assert snapshot.matured == (snapshot.column == "is_fraud")


def test_no_size_without_the_sales_alone() -> None:
    for feature in (*use.SNAPSHOTS, *use.FRESH):
        assert not feature.edges or use.SALES in feature.where, feature.name
