"""The command line's own words: new, accept, features, and what they say when misused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

import usecases
from plumbline.__main__ import main
from plumbline.core import usecase_loader
from plumbline.core.files import write_json
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for folder in ("usecases", "profiles", "sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "params.yaml").write_text("usecases: []\nseed: 7\n")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    return tmp_path


def test_new_writes_all_that_a_use_case_needs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["new", "my_table"]) == 0
    params = yaml.safe_load((root / "params.yaml").read_text())
    assert params["my_table"]["data"]["path"] == "sources/my_table/my_table.csv"
    assert (root / "profiles" / "my_table.json").read_text() == "{}\n"
    assert (root / "profiles" / "my_table.history.csv").read_text() == ""
    assert (root / "sources" / "my_table").is_dir()
    monkeypatch.setattr(usecases, "__path__", [str(root / "usecases")])
    assert usecase_loader.load("my_table").features == ("size", "units", "size_per_unit")


@pytest.mark.parametrize(
    ("name", "message"), [("My-Table", "lower-case"), ("taken", "exists already")]
)
def test_new_refuses(
    root: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (root / "usecases" / "taken").mkdir()
    assert main(["new", name]) == 2
    assert message in capsys.readouterr().err
    assert (root / "params.yaml").read_text() == "usecases: []\nseed: 7\n"


def test_accept_copies_the_last_profile(root: Path) -> None:
    write_json(root / "data" / "toy" / "profile.json", {"rows": 3})
    assert main(["accept", "toy"]) == 0
    assert (root / "profiles" / "toy.json").read_text() == '{\n  "rows": 3\n}\n'


def test_accept_keeps_the_judged_days(root: Path) -> None:
    write_json(root / "data" / "toy" / "profile.json", {"rows": 3})
    judged = root / "reports" / "toy" / "monitor" / "history.csv"
    judged.parent.mkdir(parents=True)
    judged.write_text("day,level\n")
    assert main(["accept", "toy"]) == 0
    assert (root / "profiles" / "toy.history.csv").read_text() == "day,level\n"


def test_accept_without_a_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "toy"]) == 2
    assert "run `dvc repro`" in capsys.readouterr().err
    assert not (root / "profiles" / "toy.json").exists()


def test_search_wants_every_word(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "search", "card_fraud", "CUSTOMER", "points", "7"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "customer_woe_7d",
    ]


def test_list_names_the_use_case_that_is_not_there(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", "list", "nowhere"]) == 2
    assert "'nowhere' has no module" in capsys.readouterr().err
