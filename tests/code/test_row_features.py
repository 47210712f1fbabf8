"""Row features, codes and the matrix: element-wise, in the declared order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core import row_features
from plumbline.core.declarations import Array, Category, Row
from plumbline.core.errors import SpecError
from tests.small import SMALL

pytestmark = pytest.mark.mltest("Data 7")


def double(cents: Array) -> Array:
    """Twice the cents."""
    return 2 * cents


def again(double: Array) -> Array:
    """Four times the cents: from an earlier row feature."""
    return 2 * double


def one(cents: Array) -> Array:
    """The same for all."""
    return np.array([1])


def first_two(cents: Array) -> Array:
    """Too short."""
    return cents[:2]


COLUMNS = {"number": np.arange(3), "cents": np.array([5, 6, 7])}


def rows(*functions):
    return row_features.row_features(
        replace(SMALL.derivation, rows=tuple(map(Row, functions))), COLUMNS
    )


def test_rows_follow_one_another():
    result = rows(double, again, one)
    assert {n: v.tolist() for n, v in result.items()} == {
        "double": [10.0, 12.0, 14.0],
        "again": [20.0, 24.0, 28.0],
        "one": [1.0, 1.0, 1.0],
    }
    assert {v.dtype for v in result.values()} == {np.dtype(np.float64)}
    assert list(COLUMNS) == ["number", "cents"]


def test_another_length_is_refused():
    with pytest.raises(SpecError, match=r"first_two\(\) returned shape \(2,\) for 3 events"):
        rows(first_two)


@pytest.mark.parametrize("value", [0.5, -2.0001, np.inf])
def test_a_derived_feature_is_a_whole_number(value: float):
    case = replace(SMALL, derived=("surprise",))
    columns = {"number": np.arange(3), "surprise": np.array([4.0, np.nan, -7.0])}
    result = row_features.derived_features(case, columns)
    np.testing.assert_array_equal(result["surprise"], columns["surprise"])
    columns["surprise"] = np.array([4.0, np.nan, value])
    with pytest.raises(SpecError, match=rf"'surprise' is {value:g} for number 2; .* round it"):
        row_features.derived_features(case, columns)


def test_codes_are_places_in_the_vocabulary():
    text, number = Category("t", "t", ("b", "a"), ""), Category("n", "n", (7, 3), "")
    assert row_features.codes(text, np.array(["a", "b", "x", None], object)).tolist() == [
        1,
        0,
        2,
        2,
    ]
    assert row_features.codes(number, np.array([3, 7, 8])).tolist() == [1, 0, 2]
    assert row_features.codes(number, np.array([3.0, np.nan])).tolist() == [1, 2]


def test_matrix_takes_the_names_in_order():
    result = row_features.matrix(("cents", "number"), COLUMNS)
    assert result.tolist() == [[5.0, 0.0], [6.0, 1.0], [7.0, 2.0]]
    assert result.dtype == np.float32
    with pytest.raises(
        SpecError, match="needs feature 'cent', not in the table; did you mean 'cents'"
    ):
        row_features.matrix(("cent",), COLUMNS)
