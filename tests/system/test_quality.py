"""The two use cases are as good as the README says: card fraud as committed, flights run on real data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import warm as forks
from tests.conftest import ROOT
from tests.project import make


def lock() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]


@pytest.mark.mltest("Model 5")
def test_card_fraud_beats_the_linear_model() -> None:
    committed = ROOT / "metrics" / "card_fraud" / "evaluate.json"
    outs = {o["path"]: o["md5"] for o in lock()["evaluate@card_fraud"]["outs"]}
    md5 = hashlib.md5(committed.read_bytes()).hexdigest()
    assert outs["metrics/card_fraud/evaluate.json"] == md5, "not what the graph wrote"
    result = json.loads(committed.read_text())
    assert result["metrics"]["average_precision"]["value"] >= 0.60
    assert result["differences"]["linear"]["low"] > 0
    assert result["gate"]["verdict"] == "pass"


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory, nycflights: Path) -> dict[str, Any]:
    """evaluate.json of a run on the real departures, with the committed params."""
    project = make(tmp_path_factory.mktemp("flights"), ["flights"], warm=True)
    digest = hashlib.sha256(nycflights.read_bytes()).hexdigest()
    project.set({"flights.data.path": str(nycflights), "flights.data.sha256": digest})
    project.repro("evaluate@flights", env=forks.PLAIN)
    return json.loads((project.path / "metrics" / "flights" / "evaluate.json").read_text())


def test_flights_is_six_per_cent_below_the_naive_answer(flights: dict[str, Any]) -> None:
    assert flights["differences"]["naive"]["relative"] <= -0.06
    assert flights["gate"]["verdict"] == "pass"


def test_five_of_six_months_are_beyond_noise(flights: dict[str, Any]) -> None:
    months = [m["differences"]["naive"] for m in flights["months"].values()]
    assert len(months) == 6
    assert sum(m["high"] < 0 for m in months) >= 5
