"""Monitor 2: a single request is held against the contract that the training data passed."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from plumbline.core.declarations import Only
from plumbline.core.errors import ContractError
from plumbline.serve import request_check
from plumbline.validate.contract import checks
from tests.orders import ORDERS

pytestmark = pytest.mark.mltest("Monitor 2")
GOOD = {
    "order_id": 7,
    "ordered_at": datetime(2025, 3, 1, 12),
    "buyer": 3,
    "amount_cents": 500,
    "weight": None,
    "channel": "web",
}


def test_a_good_request_passes() -> None:
    assert request_check.messages(ORDERS, GOOD) == []
    request_check.check(ORDERS, {**GOOD, "weight": math.nan})
    request_check.check(ORDERS, {**GOOD, "weight": 2})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount_cents": -1}, "amount_cents is -1, expected at least 0 and at most 100000 cents"),
        ({"amount_cents": 100_001}, "amount_cents is 100001, expected"),
        ({"amount_cents": "5"}, "amount_cents is '5', expected a value of type int"),
        ({"amount_cents": True}, "expected a value of type int"),
        ({"amount_cents": None}, "amount_cents is null"),
        ({"buyer": 10**30}, "expected a value of type int"),
        ({"ordered_at": datetime(2025, 3, 1, tzinfo=UTC)}, "expected a value of type timestamp"),
        ({"weight": math.inf}, "weight is inf, expected at least 0 kg"),
        ({"channel": "post"}, "channel is 'post', expected one of web, shop, phone"),
        ({"returned": 0}, "returned is not known at prediction time"),
        ({"order_id": None}, "order_id is null"),
    ],
)
def test_what_breaks_the_contract_is_refused(change: dict[str, Any], message: str) -> None:
    result = request_check.messages(ORDERS, {**GOOD, **change})
    assert len(result) == 1
    assert message in result[0]
    with pytest.raises(ContractError, match="orders, the event is refused: "):
        request_check.check(ORDERS, {**GOOD, **change})


def test_a_lost_column_is_named() -> None:
    lost = {k: v for k, v in GOOD.items() if k != "buyer"}
    assert request_check.messages(ORDERS, lost) == ["buyer is missing"]


def test_a_rule_is_held_against_values_of_its_type_alone() -> None:
    case = replace(ORDERS, only=(Only("buyer", "few", high=3),), optional=("weight",))
    assert request_check.messages(case, {**GOOD, "buyer": "3"}) == [
        "buyer is '3', expected a value of type int"
    ]
    few = {k: v for k, v in GOOD.items() if k != "weight"}
    (message,) = request_check.messages(case, few)
    assert message.startswith("buyer is 3, and the use case is about rows with buyer below 3")


@pytest.mark.parametrize("cents", [-1, 0, 1, 99_999, 100_000, 100_001])
def test_the_same_verdict_as_on_training_rows(cents: int) -> None:
    (check,) = [c for c in checks(ORDERS) if c.name == "amount_cents.range"]
    ((broken,),) = duckdb.sql(f"SELECT {check.broken} FROM (SELECT {cents} AS v)").fetchall()
    assert bool(request_check.messages(ORDERS, {**GOOD, "amount_cents": cents})) is broken
