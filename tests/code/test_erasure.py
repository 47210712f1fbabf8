"""People who asked to be forgotten: their rows are gone before anything is written."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from plumbline.core.errors import ParamsError
from plumbline.data.conversions import typed_value
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
    with pytest.raises(ParamsError, match=r"forget\.buyer: got .* expected a whole number"):
        left({"buyer": ["1') OR ('1'='1"]})


PEOPLE = replace(
    ORDERS,
    columns=tuple(
        replace(c, type="string", min=None, max=None, allowed=()) if c.name == "buyer" else c
        for c in ORDERS.columns
    ),
)


def people(source: str, ids: list[int | str]) -> list[str]:
    """The buyers that are left of a source's, with their type there, after their conversion to texts."""
    with duckdb.connect() as connection:
        kind = connection.execute(f"DESCRIBE SELECT unnest({source}) AS buyer").fetchall()[0][1]
        value = typed_value("buyer", "string", kind)
        rows = f"SELECT row_number() OVER () AS order_id, {value} AS buyer FROM (SELECT unnest({source}) AS buyer)"
        connection.execute(f"CREATE TABLE events AS {rows}")
        forget(connection, PEOPLE, {"buyer": ids})
        return [r[0] for r in connection.execute("SELECT buyer FROM events ORDER BY 1").fetchall()]


TYPED = [
    "[5, 7]",
    "[5.0, 7.0]",
    "[5.00::DECIMAL(9,2), 7::DECIMAL(9,2)]",
    "['5', '7']",
    "[5::FLOAT, 7::FLOAT]",
]


@pytest.mark.parametrize("source", TYPED)
@pytest.mark.parametrize("one", [5, "5"])
def test_an_id_is_found_whatever_type_the_source_has(source: str, one: int | str) -> None:
    assert people(source, [one]) == ["7"]


@pytest.mark.parametrize("value", ["007", " 7", "7.0", "7\u00a0", "0000007"])
def test_another_spelling_of_an_id_is_named(value: str) -> None:
    with pytest.raises(
        ParamsError, match=r"no row has '7', but one has .* in quotes, as the source has it"
    ):
        people(f"['{value}', 'b']", [7])
    assert people(f"['{value}', 'b']", [value]) == ["b"]


def test_ids_that_differ_are_two_people() -> None:
    assert people("['007', '7', 'b', 'B']", ["7", "b", "gone"]) == ["007", "B"]
    with pytest.raises(ParamsError, match="no row has 'ANN', but one has 'Ann'"):
        people("['Ann']", ["ANN"])


def test_an_id_as_a_text_of_a_whole_number() -> None:
    assert left({"buyer": [" 1 ", "2.0"]}) == (6, [0])
    with pytest.raises(
        ParamsError, match="got '01', expected a whole number, as the column is of type int"
    ):
        left({"buyer": ["01"]})


def test_a_column_that_names_nobody() -> None:
    with pytest.raises(ParamsError, match=r"orders\.data\.forget: 'byer' .*did you mean 'buyer'"):
        left({"byer": [1]})
    with pytest.raises(ParamsError, match="'amount_cents' identifies no entity and no event"):
        left({"amount_cents": [1]})
