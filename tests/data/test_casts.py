"""A value is stored as the source has it, or refused: every kind of source column into every type."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from plumbline.core.declarations import Column, ColumnType
from plumbline.core.usecase import Contract
from plumbline.data.casts import casts

REFUSED = object()
BIG = Decimal("12345678901234567.5")
TEXTS: list[tuple[ColumnType, str, Any]] = [
    *[("int", v, REFUSED) for v in ("007", "1.23457E+12", "1.000", "0.5", str(BIG), "9" * 19)],
    *[("int", "-7", -7), ("int", "0", 0), ("int", "7.0", 7), ("int", " 7 ", 7)],
    *[("bool", "2", REFUSED), ("bool", "true", True), ("bool", "0", False)],
    *[("timestamp", v, REFUSED) for v in ("24-01-05", "05-01-24", "infinity", "2024-01-05 (BC)")],
    *[("timestamp", "2024-01-05", datetime(2024, 1, 5)), ("string", "007", "007")],
]
TYPED: list[tuple[ColumnType, pa.Array, Any]] = [
    *[("bool", pa.array([v]), REFUSED) for v in (2, -9, 0.5)],
    *[(kind, pa.array([float("nan")]), None) for kind in ("bool", "int", "string")],
    *[("bool", pa.array([1]), True), ("bool", pa.array([0.0]), False)],
    *[("int", pa.array([BIG]), REFUSED), ("int", pa.array([Decimal("7.00")]), 7)],
    *[("int", pa.array([0.5]), REFUSED), ("int", pa.array([7.0]), 7)],
    *[("string", pa.array([5.0]), "5"), ("string", pa.array([5]), "5")],
    *[("string", pa.array([5.5]), "5.5"), ("string", pa.array([float("inf")]), REFUSED)],
    *[("string", pa.array([v]), REFUSED) for v in (["a"], {"a": 1}, b"a")],
]


def stored(kind: ColumnType, values: pa.Array) -> Any:
    """What becomes of the one value, or REFUSED."""
    usecase = Contract(
        name="c",
        title="C",
        owner="tests@example.com",
        problem="regression",
        key="key",
        label="y",
        columns=(
            Column("key", "int", "-", "number"),
            Column("x", kind, "-", "value"),
            Column("y", "int", "-", "y", known=False),
        ),
    )
    table = pa.table({"key": [1], "x": values, "y": [1]})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'").register("source", table)
        types = {r[0]: r[1] for r in connection.execute("DESCRIBE source").fetchall()}
        cast = casts(usecase, types)[1]
        ((value, bad),) = connection.execute(
            f"SELECT {cast.value}, {cast.bad} FROM source"
        ).fetchall()
    return REFUSED if bad else value


@pytest.mark.parametrize(("kind", "text", "expected"), TEXTS)
def test_text(kind: ColumnType, text: str, expected: Any) -> None:
    assert stored(kind, pa.array([text])) == expected


@pytest.mark.parametrize(("kind", "values", "expected"), TYPED)
def test_a_typed_value(kind: ColumnType, values: pa.Array, expected: Any) -> None:
    assert stored(kind, values) == expected


def test_a_null_stays_one() -> None:
    assert stored("string", pa.array([None], pa.float64())) is None
