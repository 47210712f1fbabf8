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


@pytest.mark.capability("K20")
def test_a_feature_is_added_tested_and_in_the_tables(tmp_path: Path) -> None:
    project = make(tmp_path / "project", ["card_fraud"], warm=True)
    project.set({"card_fraud.features.join": "direct"})
    project.commit("small and quick")
    result = new_feature.add(project)
    assert "FAILED" not in result.tests, result.tests
    assert "ERROR" not in result.tests, result.tests
    assert f"{NAME} " in result.listed
    assert result.ran.count("Running stage") == 3, result.ran[-2000:]
    report = json.loads((project.path / "metrics/card_fraud/features.json").read_text())
    assert {e["name"]: e["in_model"] for e in report["features"]}[NAME] is True
    built = tables.read(
        project.path / "data/card_fraud/tables/train.parquet", [NAME, "amount_cents"]
    )
    assert (built[NAME] == (built["amount_cents"] % 100 == 0)).all()
    assert len(result.files) <= 3
    assert result.lines <= 30
    assert result.seconds < 300
