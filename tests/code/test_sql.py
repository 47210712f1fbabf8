"""SQL for DuckDB: what is quoted comes back as it was, and the types are the contract's."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from plumbline.core import sql
from plumbline.core.declarations import Column


@pytest.mark.parametrize("name", ["a", "two words", 'a "quoted" one', "select", "it's; --"])
def test_any_name_is_an_identifier(name: str) -> None:
    assert duckdb.sql(f"SELECT 1 AS {sql.quote(name)}").columns == [name]


@pytest.mark.parametrize("value", ["it's", "", 'say "a"', 7, -1, True, False])
def test_a_literal_is_its_value(value: str | int | bool) -> None:
    (row,) = duckdb.sql(f"SELECT {sql.literal(value)}").fetchall()
    assert row == (value,)
    assert type(row[0]) is type(value)


def test_a_path_is_a_text() -> None:
    assert sql.literal(Path("it's") / "b.parquet") == "'it''s/b.parquet'"


def test_no_rows_have_the_contracts_types() -> None:
    columns = [Column(f"a {kind}", kind, "-", "") for kind in sql.TYPES]
    empty = duckdb.sql(sql.no_rows(columns))
    assert empty.columns == [c.name for c in columns]
    assert [str(t) for t in empty.types] == list(sql.TYPES.values())
    assert empty.fetchall() == []
