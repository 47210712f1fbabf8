"""The command `sensitivity` on parcels: table, JSON and picture, and what it says without a search."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from plumbline.__main__ import main
from stages import tune as stage
from tests.boosting import write
from tests.code.test_tune import project
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where tune has run on the parcels."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    project(tmp_path, monkeypatch)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    tables = tmp_path / "data" / "parcels" / "tables"
    tables.mkdir(parents=True)
    pair = write(tables)
    stage.main("parcels", *pair, Path("metrics/parcels/tune.json"), Path("reports/parcels/tune"))
    return tmp_path


@pytest.mark.mltest("Model 3")
def test_each_setting_is_changed_alone(root: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sensitivity", "--points", "3", "--json", "s.json", "--plot", "s.png"]) == 0
    result = json.loads((root / "s.json").read_text())
    assert result["best"]["metric"] == pytest.approx(result["best"]["recorded"], rel=1e-5)
    assert set(result["settings"]) == {"eta", "max_depth"}
    eta = result["settings"]["eta"]
    assert [t["setting"] for t in eta["tried"]] == pytest.approx([0.01, 0.0707107, 0.5])
    assert len({t["metric"] for t in eta["tried"]}) == 3
    assert len(eta["trials"]["values"]) == 4
    assert {t["word"] for t in eta["tried"]} <= {"better", "within noise", "within margin", "worse"}
    assert len(result["seeds"]) == 4
    lines = capsys.readouterr().out
    assert "no loss beyond the margin" in lines
    assert (root / "s.png").read_bytes().startswith(b"\x89PNG")
    left = root / "reports" / "parcels" / "sensitivity"
    assert sorted(p.name for p in left.iterdir()) == ["sensitivity.json", "sensitivity.png"]
    assert (left / "sensitivity.png").read_bytes() == (root / "s.png").read_bytes()


def test_without_a_search_there_is_nothing_to_vary(root: Path, capsys: pytest.CaptureFixture[str]):
    result = json.loads((root / "metrics/parcels/tune.json").read_text())
    (root / "metrics/parcels/tune.json").write_text(json.dumps({**result, "params": {}}))
    assert main(["sensitivity"]) == 2
    assert "tune found no settings" in capsys.readouterr().err
