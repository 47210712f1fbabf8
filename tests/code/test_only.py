"""Rows that a use case is not about: left out and counted in the data stage, refused as a request, never lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core import only
from plumbline.core.declarations import Only
from plumbline.core.errors import ContractError, SourceError, SpecError
from plumbline.core.usecase import UseCase
from plumbline.review import declared_rules
from plumbline.serve import request_check
from tests.examples import examples
from tests.sales import SALES, ingest, write_csv

NORTH = Only("shop", "Of the north or the west", values=("north", "west"))
HEAVY = Only("weight", "Of a kilo and more", low=1, high=1.8)


def sales(*rules: Only) -> UseCase:
    return replace(SALES, only=rules)


def run(patch: pytest.MonkeyPatch, folder: Path, case: UseCase) -> tuple[list[int], dict[str, Any]]:
    write_csv(folder / "a.csv")
    settings = {"source": "csv", "path": "a.csv", "as_of": "2025-02-11"}
    ingest(patch, folder, settings, case)
    files = sorted((folder / "raw").glob("events-*.parquet"))
    kept = [i for f in files for i in pq.read_table(f)["sale_id"].to_pylist()]
    return kept, json.loads((folder / "data.json").read_text())


def test_rows_are_left_out_and_counted_by_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    kept, sheet = run(monkeypatch, tmp_path, sales(NORTH, HEAVY))
    assert kept == [1]
    assert sheet["rows"] == 1
    assert sheet["rows_left_out"] == {
        "shop one of north, west": 1,
        "weight from 1 and below 1.8": 2,  # a null, and one above
    }
    assert not list((tmp_path / "raw").glob("outcomes-2025-02*"))


def test_without_a_rule_nothing_is_said_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    kept, sheet = run(monkeypatch, tmp_path, SALES)
    assert kept == [1, 2, 3, 4]
    assert "rows_left_out" not in sheet


def test_nothing_left_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    nowhere = sales(Only("shop", "", values=("nowhere",)))
    with pytest.raises(
        SourceError, match=r"none of 4 rows meets shop one of nowhere\. Correct the"
    ):
        run(monkeypatch, tmp_path, nowhere)


EVENT = {
    "sale_id": 1,
    "sold_at": datetime(2025, 1, 3),
    "shop": "south",
    "total_cents": 5,
    "weight": 1.5,
    "promo": True,
}


def test_a_request_of_another_kind_is_refused():
    with pytest.raises(ContractError, match="shop is 'south', and the use case is about rows with"):
        request_check.check(sales(NORTH, HEAVY), EVENT)
    request_check.check(sales(NORTH, HEAVY), {**EVENT, "shop": "west"})


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True), st.integers(-9, 9).map(float))
LIMITS = st.one_of(st.none(), st.integers(-9, 9), st.floats(-9, 9))


@examples(60, nightly=600)
@given(st.lists(NUMBERS, max_size=12), LIMITS, LIMITS)
def test_a_table_and_a_request_agree(values: list[float | None], low: Any, high: Any):
    if low is None and high is None:
        return
    rule = Only("x", "", low=low, high=high)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (i INTEGER, x DOUBLE)")
        for i, value in enumerate(values):
            plain = None if value is None or math.isnan(value) else value
            connection.execute("INSERT INTO t VALUES (?, ?)", [i, plain])
        query = f"SELECT i FROM t WHERE ({only.sql(rule)}) IS TRUE ORDER BY i"
        kept = [row[0] for row in connection.sql(query).fetchall()]
    assert kept == [i for i, value in enumerate(values) if only.holds(rule, value)]


def test_a_rule_that_is_added_is_one_that_judges():
    changed = declared_rules.changes(declared_rules.of(SALES), declared_rules.of(sales(NORTH)))
    assert list(changed) == ["only"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Only("returned", "", values=(1,)),
            r"only: 'returned' is nothing that is known at prediction time",
        ),
        (
            Only("shp", "", values=("a",)),
            r"only: 'shp' is nothing that is known at prediction time; did you mean 'shop'",
        ),
        (Only("shop", ""), r"'shop' is compared with nothing; give values, low or high"),
        (Only("shop", "", values=(7,)), r"'shop': values has 7, and the column 'shop' is of type"),
        (Only("shop", "", low=1), r"'shop' is of type string, which has no range; give values"),
        (Only("sold_at", "", low=1), r"'sold_at' is a timestamp; use data.start and data.as_of"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_load(rule: Only, message: str):
    with pytest.raises(SpecError, match=message):
        sales(rule)
