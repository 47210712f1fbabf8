"""Groups of rows: each row in one, edges on the right side, months by the calendar."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.declarations import Slice
from plumbline.evaluate import slices, subgroup_conditions
from plumbline.model import segments

RANDOM = np.random.default_rng(3)


@pytest.mark.capability("I4")
def test_an_edge_opens_its_interval():
    result = slices.groups(
        Slice("size", "size", "size", edges=(10, 20)), {"size": np.array([9.9, 10, 19, 20, np.nan])}
    )
    assert {name: np.flatnonzero(rows).tolist() for name, rows in result.items()} == {
        "under 10": [0],
        "10 to 20": [1, 2],
        "20 and over": [3],
        "missing": [4],
    }


@pytest.mark.capability("I4")
@pytest.mark.mltest("Model 6")
def test_groups_by_value_hold_their_own_rows_and_no_others():
    values = np.array(["b", "a", None, "b"], object)
    result = slices.groups(Slice("kind", "kind", "kind"), {"kind": values})
    assert {name: rows.tolist() for name, rows in result.items()} == {
        "a": [False, True, False, False],
        "b": [True, False, False, True],
        "missing": [False, False, True, False],
    }


def test_numbers_keep_their_digits_and_their_order():
    values = np.array([1234567.0, 1234568.0, 2.0, 10.0, 0.5])
    result = slices.groups(Slice("n", "n", "n"), {"n": values})
    assert list(result) == ["0.5", "2", "10", "1234567", "1234568"]


@pytest.mark.mltest("Model 6")
@pytest.mark.parametrize("edges", [(), (0.0,), (-1.0, 0.5, 2.0)])
def test_every_row_is_in_exactly_one_group(edges: tuple[float, ...]):
    values = np.where(RANDOM.random(500) < 0.1, np.nan, np.round(RANDOM.normal(size=500), 1))
    result = slices.groups(Slice("x", "x", "x", edges=edges), {"x": values})
    assert (np.sum(list(result.values()), axis=0) == 1).all()
    assert all(rows.any() for rows in result.values())


def test_rare_values_are_others():
    values = np.repeat(np.arange(30), np.arange(30, 0, -1))
    result = slices.groups(Slice("n", "n", "n"), {"n": values})
    assert list(result) == [*map(str, range(slices.MOST_GROUPS)), "other"]
    assert result["other"].sum() == sum(range(1, 11))


def test_months_in_order():
    time = np.array(["2025-02-01", "2024-12-31T23:59", "2025-02-28"], "datetime64[us]")
    result = slices.months(time)
    assert {m: rows.tolist() for m, rows in result.items()} == {
        "2024-12": [False, True, False],
        "2025-02": [True, False, True],
    }


def test_a_value_is_named_once_and_true_is_not_one():
    values = np.array([True, 1, "1", None, 2.0, float("nan"), 1], object)
    names, place = slices.by_value(values)
    assert names[place].tolist() == ["True", "1", "1", "missing", "2", "missing", "1"]
    assert segments.names(values, ()).tolist() == ["1", "1", "1", "missing", "2", "missing", "1"]


def test_a_column_is_wide_wherever_its_values_stand():
    values = np.concatenate((np.zeros(subgroup_conditions.FIRST), np.arange(40.0)))
    coded = subgroup_conditions.coded(["x"], {"x": values}, np.ones(len(values), bool))
    assert not coded  # its quartiles are one value: one group
    turned = subgroup_conditions.coded(["x"], {"x": np.arange(40.0)}, np.ones(40, bool))
    assert [c.text for c in turned["x"].conditions] == sorted(
        c.text for c in turned["x"].conditions
    )
    assert len(turned["x"].conditions) == 4
