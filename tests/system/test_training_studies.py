"""The commands `learning-curve` and `search-methods` on parcels: record, lines and picture."""

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
    project(tmp_path, monkeypatch, max_evals=6)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    tables = tmp_path / "data" / "parcels" / "tables"
    tables.mkdir(parents=True)
    pair = write(tables)
    stage.main("parcels", *pair, Path("metrics/parcels/tune.json"), Path("reports/parcels/tune"))
    return tmp_path


@pytest.mark.capability("E6")
def test_search_methods_are_compared_at_equal_trials(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--trials", "6", "--startup", "3", "--seeds", "3", "--days", "30"]
    assert main(["search-methods", *words, "--json", "s.json", "--plot", "s.png"]) == 0
    result = json.loads((root / "s.json").read_text())
    assert result["fits"] == 3 * 3 * 6
    assert (result["trials"], result["startup"]) == (6, 3)
    assert 700 < result["rows"] <= 30 * 24
    for name, method in result["methods"].items():
        best = [one["value"] for one in method["curve"]]
        assert best == sorted(best)
        assert len(best) == (1 if name == "grid" else 6)
        assert best[-1] == pytest.approx(sum(method["each"]) / 3, rel=1e-4)
    assert [d["trials"] for d in result["differences"]] == [1, 3, 6, 6, 6]
    first = result["differences"][1]
    assert (first["method"], first["other"]) == ("tpe", "random")
    assert first["value"] == 0, "up to its startup, tpe draws what random draws"
    last = result["differences"][2]
    apart = [
        a - b
        for a, b in zip(*(result["methods"][m]["each"] for m in ("tpe", "random")), strict=True)
    ]
    assert last["value"] == pytest.approx(sum(apart) / 3, abs=1e-6)
    assert last["low"] <= last["value"] <= last["high"]
    assert (root / "s.png").read_bytes().startswith(b"\x89PNG")
    assert main(["search-methods", "--trials", "3", "--seeds", "3"]) == 0
    assert "with 3 it is random search" in capsys.readouterr().out


def test_a_learning_curve_says_what_would_pay(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--points", "3", "--json", "c.json", "--plot", "c.png"]
    assert main(["learning-curve", *words]) == 0
    result = json.loads((root / "c.json").read_text())
    days, senders = result["rows"]
    assert (days["by"], senders["by"]) == ("days", "sender")
    assert [p["share"] for p in days["points"]] == [0.25, 0.5, 1.0]
    assert [p["days"] for p in days["points"]] == [16, 32, 63]
    assert days["points"][-1]["rows"] == senders["points"][-1]["rows"] == 1_500
    assert days["points"][-1]["value"] == senders["points"][-1]["value"]
    assert [p["share"] for p in senders["points"]] == [0.5, 1.0], "a quarter has too few rows"
    assert result["fits"] == 3 * (1 + 2 + 1) + 3
    gained = days["points"][2]["value"] - days["points"][1]["value"]
    assert days["gain"]["value"] == pytest.approx(gained, abs=1e-5)
    assert result["rounds"]["chosen"] in [p["rounds"] for p in result["rounds"]["points"]]
    best = [p["best"] for p in result["trials"]["points"]]
    assert best == sorted(best)
    assert len(best) == 6
    lines = capsys.readouterr().out
    for what in ("rows (latest days)", "rows (share of the sender ids)", "rounds", "trials"):
        assert f"more {what}: " in lines
    assert (root / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["learning-curve", "--seeds", "2"], "--seeds: got 2, expected 3 or more"),
        (["learning-curve", "--entity", "sendr"], "did you mean 'sender'"),
        (["search-methods", "--trials", "1"], "--trials: got 1, expected 2 or more"),
        (["freshness", "--hours", "-1"], "--hours -1: expected an age above 0"),
    ],
)
def test_a_wrong_option_is_one_message(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err
