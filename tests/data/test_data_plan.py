"""The plan of the data: columns that may be missing or are to come, the gap to it, and the data's terms."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.core.declarations import Column, Terms
from plumbline.core.errors import SourceError, SpecError
from tests import orders
from tests.sales import HEADER, ROWS, SALES, ingest, write_csv

SETTINGS = {"source": "csv", "path": "a.csv", "as_of": "2025-02-11"}
DEVICE = Column("device", "string", "-", "what it was ordered with")
PLANNED = replace(SALES, optional=("weight", "promo"), planned=(DEVICE,))
WITHOUT = "sale_id,sold_at,shop,price_cents,pieces,promo,returned"


def without_weight(*rows: str) -> list[str]:
    return [",".join(r.split(",")[:5] + r.split(",")[6:]) for r in rows or ROWS]


def sheet(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return result


@pytest.mark.capability("B1")
def test_an_optional_column_that_is_missing_is_null_and_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_csv(tmp_path / "a.csv", *without_weight(), header=WITHOUT)
    with caplog.at_level(logging.WARNING):
        ingest(monkeypatch, tmp_path, SETTINGS, PLANNED)
    table = pq.read_table(tmp_path / "raw/events-2025-01.parquet")
    assert table["weight"].to_pylist() == [None, None]
    assert str(table.schema.field("weight").type) == "double"
    assert sheet(tmp_path)["plan"] == {
        "required": 5,
        "optional": 2,
        "empty": ["weight"],
        "planned": ["device"],
        "arrived": [],
        "lines": [
            "optional column 'weight' has no value (weight)",
            "planned column 'device' is not there yet (what it was ordered with)",
        ],
    }


@pytest.mark.capability("B1")
def test_a_planned_column_that_arrives_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [f"{r},phone" for r in ROWS]
    write_csv(tmp_path / "a.csv", *rows, header=f"{HEADER},Device")
    ingest(monkeypatch, tmp_path, SETTINGS, PLANNED)
    plan = sheet(tmp_path)["plan"]
    assert (plan["arrived"], plan["planned"], plan["empty"]) == (["device"], [], [])
    assert plan["lines"][0].startswith("planned column 'device' has arrived: move it to `columns`")
    assert "device" not in pq.read_table(tmp_path / "raw/events-2025-01.parquet").column_names


def test_files_with_and_without_an_optional_column_are_read_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_csv(tmp_path / "in/a.csv", *without_weight(*ROWS[:2]), header=WITHOUT)
    write_csv(tmp_path / "in/b.csv", *ROWS[2:])
    ingest(monkeypatch, tmp_path, {**SETTINGS, "path": "in"}, PLANNED)
    assert sheet(tmp_path)["plan"]["empty"] == []
    assert sheet(tmp_path)["columns"]["weight"]["nulls"] == 3


def test_a_required_column_that_is_missing_is_refused_as_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", *without_weight(), header=WITHOUT)
    with pytest.raises(SourceError, match="no column 'weight'"):
        ingest(monkeypatch, tmp_path, SETTINGS, replace(PLANNED, optional=("promo",)))


def test_a_contract_without_a_plan_says_nothing_of_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv")
    ingest(monkeypatch, tmp_path, SETTINGS)
    assert not {"plan", "terms"} & sheet(tmp_path).keys()


@pytest.mark.capability("B1")
def test_validate_reports_the_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = replace(orders.ORDERS, optional=("weight",), planned=(DEVICE,))
    run = orders.start(tmp_path, monkeypatch, case)
    orders.write_raw(run.raw, orders.good(weight="NULL"))
    run.go()
    metrics = json.loads((run.path / "metrics.json").read_text())
    lines = metrics["plan"]["lines"]
    assert lines[0] == "optional column 'weight' has no value (of the parcel)"
    assert not [line for line in metrics["irregularities"] if line.startswith("weight")]
    assert "planned column &#x27;device&#x27;" in (run.path / "docs/index.html").read_text()


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"optional": ("wait",)}, "no column 'wait'; did you mean 'weight'"),
        ({"optional": ("shop",)}, "set null=True on it"),
        ({"optional": ("returned",)}, "null=True"),
        ({"planned": (SALES.columns[2],)}, "'shop' is declared twice"),
        ({"planned": (DEVICE, DEVICE)}, "'device' is declared twice"),
        ({"planned": ("device",)}, "expected a tuple"),
    ],
)
def test_plans_that_cannot_be(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(SALES, **declared)


def test_a_derived_column_cannot_be_optional() -> None:
    columns = tuple(replace(c, null=c.null or c.name == "total_cents") for c in SALES.columns)
    with pytest.raises(SpecError, match="'total_cents' is derived"):
        replace(SALES, columns=columns, optional=("total_cents",))


def test_the_terms_stand_in_the_datasheet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terms = Terms(licence="own", purpose="sales", persons="customers", consent="contract of sale")
    write_csv(tmp_path / "a.csv")
    ingest(monkeypatch, tmp_path, SETTINGS, replace(SALES, terms=terms))
    assert sheet(tmp_path)["terms"] == {
        "licence": "own",
        "purpose": "sales",
        "persons": "customers",
        "consent": "contract of sale",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"licence": " "}, "licence is empty"),
        ({"persons": "customers"}, "persons are 'customers', and consent is empty"),
        ({"persons": None}, "persons is None; expected a text"),
    ],
)
def test_terms_that_say_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Terms(**{"licence": "CC0 1.0", "purpose": "statistics", "persons": "none", **given})
