"""The row features of flights, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from usecases.flights import features, model

pytestmark = pytest.mark.mltest("Data 7")


@pytest.mark.capability("G13")
def test_hour_and_weekday() -> None:
    monday_sunday = np.array(["2013-01-07T23:59", "2013-01-13T00:00"], "datetime64[us]")
    assert features.hour(monday_sunday).tolist() == [23, 0]
    assert features.weekday(monday_sunday).tolist() == [0, 6]


@pytest.mark.parametrize(
    "gain",
    [
        features.carrier_gain_30d,
        features.dest_gain_7d,
        features.dest_gain_30d,
        features.origin_gain_1d,
    ],
)
def test_minutes_lost_on_the_way_are_arrival_minus_departure(gain: object) -> None:
    assert gain(np.array([12.0, 3.0]), np.array([10.0, 10.0])).tolist() == [2.0, -7.0]


def test_histories_of_arrivals_wait_for_the_label() -> None:
    late = {"arr_delay", "air_time", "arr_time"}
    assert all(s.matured for s in features.SNAPSHOTS if s.column in late)
    for snapshot in features.SNAPSHOTS:
        assert snapshot.name.endswith(f"_{snapshot.days}d")


def test_changed_events() -> None:
    event = {"tailnum": np.array(["N1"], dtype=object), "dep_delay": np.array([5])}
    assert model.other_aircraft(event)["tailnum"].tolist() == ["N00000"]
    assert model.hour_later(event)["dep_delay"].tolist() == [65]
