"""Data 6: a new feature takes three files, thirty lines and less than five minutes; a script adds one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import new_feature
from bench.new_feature import NAME
from plumbline.core import tables
from tests.project import make

pytestmark = pytest.mark.mltest("Data 6")


def test_a_feature_is_added_tested_and_in_the_tables(tmp_path: Path) -> None:
    project = make(tmp_path / "project", ["card_fraud"])
    project.set({"card_fraud.features.join": "direct"})
    project.commit("small and quick")
    found = new_feature.add(project)
    assert "FAILED" not in found.tests, found.tests
    assert "ERROR" not in found.tests, found.tests
    assert f"{NAME} " in found.listed
    assert found.ran.count("Running stage") == 3, found.ran[-2000:]
    told = json.loads((project.path / "metrics/card_fraud/features.json").read_text())
    assert {e["name"]: e["in_model"] for e in told["features"]}[NAME] is True
    made = tables.read(
        project.path / "data/card_fraud/tables/train.parquet", [NAME, "amount_cents"]
    )
    assert (made[NAME] == (made["amount_cents"] % 100 == 0)).all()
    assert len(found.files) <= 3
    assert found.lines <= 30
    assert found.seconds < 300
