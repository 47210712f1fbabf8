"""The row features of card fraud, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from usecases import card_fraud as use

pytestmark = pytest.mark.mltest("Data 7")


def at(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


def test_hour_night_and_weekend() -> None:
    friday_saturday_monday = at("2025-01-03T23:59", "2025-01-04T05:59:59", "2025-01-06T06:00")
    assert use.hour(friday_saturday_monday).tolist() == [23, 5, 6]
    assert use.weekend(friday_saturday_monday).tolist() == [0, 1, 0]
    assert use.night(use.hour(friday_saturday_monday)).tolist() == [0, 1, 0]


@pytest.mark.parametrize("ratio", [use.amount_over_customer_mean, use.amount_over_terminal_mean])
def test_amount_over_a_mean(ratio: object) -> None:
    assert ratio(np.array([300, 300]), np.array([100.0, 0.0])).tolist() == [3.0, 0.06]


def test_week_over_month() -> None:
    assert use.week_over_month(np.array([150.0, 0.0]), np.array([100.0, 0.0])).tolist() == [
        1.5,
        1.0,
    ]


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
