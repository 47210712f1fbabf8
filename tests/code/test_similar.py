"""Past events like one event: near in what counted, by rank, whatever the unit."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.studies.explain import similar

PAST = {
    "size": np.array([1.0, 2.0, 3.0, 4.0, 1000.0]),
    "kind": np.array([0.0, 1.0, 0.0, 1.0, 0.0]),
    "idle": np.array([9.0, 1.0, 5.0, 2.0, 7.0]),
}
EVENT = {"size": np.array([3.0]), "kind": np.array([1.0]), "idle": np.array([9.0])}


def similar_rows(past: dict = PAST, event: dict = EVENT, **weight: float) -> list[int]:
    return similar.nearest(past, event, weight, {"kind"}, 5).place.tolist()


@pytest.mark.mltest("Infra 5")
def test_what_counted_decides():
    assert similar_rows(size=2.0, kind=0.0, idle=0.0)[0] == 2
    assert set(similar_rows(size=0.0, kind=-3.0, idle=0.0)[:2]) == {1, 3}
    assert set(similar_rows(size=0.1, kind=3.0, idle=0.0)[:2]) == {1, 3}


@pytest.mark.mltest("Infra 5")
def test_a_past_event_alike_in_all_is_not_apart():
    alike = {name: values[1:2] for name, values in PAST.items()}
    near = similar.nearest(PAST, alike, {"size": 1.0, "kind": -1.0, "idle": 0.3}, {"kind"}, 1)
    assert (near.place.tolist(), near.apart.tolist()) == ([1], [0.0])


def test_apart_lies_between_nothing_and_one():
    near = similar.nearest(PAST, EVENT, {"size": 5.0, "kind": 2.0, "idle": -1.0}, {"kind"}, 5)
    assert (near.apart >= 0).all()
    assert (near.apart <= 1).all()
    assert (np.diff(near.apart) >= 0).all()


def test_neither_unit_nor_outlier_matters():
    longer = {**PAST, "size": PAST["size"] ** 3 * 100}
    event = {**EVENT, "size": EVENT["size"] ** 3 * 100}
    assert similar_rows(longer, event, size=1.0, kind=0.5) == similar_rows(size=1.0, kind=0.5)


def test_null_is_far_from_a_number_and_near_to_null():
    values = np.array([1.0, np.nan, 3.0])
    assert similar.ranks_apart(values, np.nan).tolist() == [1.0, 0.0, 1.0]
    assert similar.ranks_apart(values, 1.0).tolist() == pytest.approx([0.0, 1.0, 0.5])
    assert similar.differs(values, np.nan).tolist() == [1.0, 0.0, 1.0]
