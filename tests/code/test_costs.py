"""The cost matrix: cells that are numbers, columns or parts of columns, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from plumbline.core.errors import ParamsError
from plumbline.metrics import cost, cost_matrix
from plumbline.metrics.cost_matrix import Costs

COLUMNS = {"amount": np.array([10, -20, 30, 40]), "fee": np.array([1.0, 1.0, 2.0, 2.0])}
LABEL = np.array([1, 1, 0, 0])
ALARM = np.array([True, False, True, False])


def test_each_cell_prices_its_rows():
    matrix = Costs(
        unit="cents",
        false_negative={"column": "amount", "times": 0.5},
        false_positive="fee",
        true_positive=3,
        true_negative=-0.25,
    )
    given = cost_matrix.money(matrix, COLUMNS)
    assert cost.cost(LABEL, ALARM, given).tolist() == [3.0, 0.0, 2.0, -0.25]
    assert cost.cost(LABEL, ~ALARM, given).tolist() == [5.0, 3.0, -0.25, 2.0]
    assert matrix.columns == ["amount", "fee"]


def test_what_is_not_given_costs_nothing():
    given = cost_matrix.money(Costs(unit="cents", false_negative=7, false_positive=2), COLUMNS)
    assert cost.cost(LABEL, ALARM, given).tolist() == [0.0, 7.0, 2.0, 0.0]


@pytest.mark.parametrize("cell", [[1], "", True, {"column": "a"}, {"column": 3, "times": 1}, 1e999])
def test_a_cell_of_another_kind_is_refused(cell: object):
    with pytest.raises(ValidationError, match="expected a number, a column's name"):
        Costs(unit="cents", false_negative=cell, false_positive=1)


def test_a_column_that_is_not_known_is_refused():
    matrix = Costs(unit="cents", false_negative="amuont", false_positive=1)
    with pytest.raises(
        ParamsError, match=r"shop.train.costs.false_negative.*did you mean 'amount'"
    ):
        cost_matrix.check("shop", matrix, COLUMNS)
    cost_matrix.check("shop", None, [])
