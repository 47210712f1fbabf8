"""People who asked to be forgotten: their rows are gone before anything is written."""

from __future__ import annotations

import duckdb
import pytest

from plumbline.core.errors import ParamsError
from plumbline.data.erasure import forget
from tests.orders import ORDERS

pytestmark = pytest.mark.mltest("Data 5")


def left(ids: dict[str, list[int | str]]) -> tuple[int, list[int]]:
    """How many rows went, and the buyers that are left."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE events AS SELECT i AS order_id, i % 3 AS buyer FROM range(9) t(i)"
        )
        gone = forget(connection, ORDERS, ids)
        rows = connection.execute("SELECT DISTINCT buyer FROM events ORDER BY 1").fetchall()
    return gone, [row[0] for row in rows]


def test_an_entity_and_a_row() -> None:
    assert left({}) == (0, [0, 1, 2])
    assert left({"buyer": []}) == (0, [0, 1, 2])
    assert left({"buyer": [1]}) == (3, [0, 2])
    assert left({"buyer": ["1", 2]}) == (6, [0])
    assert left({"order_id": [3], "buyer": [2]}) == (4, [0, 1])
    assert left({"buyer": [77]}) == (0, [0, 1, 2])


def test_a_text_is_no_sql() -> None:
    assert left({"buyer": ["1') OR ('1'='1"]}) == (0, [0, 1, 2])


def test_a_column_that_names_nobody() -> None:
    with pytest.raises(ParamsError, match=r"orders\.data\.forget: 'byer' .*did you mean 'buyer'"):
        left({"byer": [1]})
    with pytest.raises(ParamsError, match="'amount_cents' identifies no entity and no event"):
        left({"amount_cents": [1]})
