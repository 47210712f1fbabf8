"""`plumbline new NAME --from FILE`: what it writes, whom it asks, and that nothing is half written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.cli import tables
from plumbline.ops import params_text
from tests.code.test_infer import shop, table
from tests.conftest import ROOT

PARAMS = "# comment\nusecases: [other]  # one\nseed: 7\n\nother:\n  data: {source: csv}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a table beside it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    table(tmp_path / "Orders 2025.csv", shop())
    return tmp_path


def new(*words: str) -> int:
    return main(["new", "orders", "--from", "Orders 2025.csv", *words])


@pytest.mark.capability("K20")
def test_it_writes_what_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new("--label", "returned") == 0
    out = capsys.readouterr().out
    assert "key: order_id (its 300 values are all different)" in out
    text = (root / "params.yaml").read_text()
    assert text.startswith("# comment\nusecases: [other, orders]  # one\n")
    section = yaml.safe_load(text)["orders"]
    assert (root / section["data"]["path"]).read_bytes() == (root / "Orders 2025.csv").read_bytes()
    assert (root / "profiles" / "orders.json").read_text() == "{}\n"
    assert {p.name for p in (root / "usecases" / "orders").glob("*.py")} == {
        *("__init__.py", "contract.py", "features.py", "model.py")
    }


def test_a_name_that_is_taken(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "usecases" / "orders").mkdir(parents=True)
    assert new("--label", "returned") == 2
    assert "exists already" in capsys.readouterr().err
    assert (root / "params.yaml").read_text() == PARAMS
    assert not (root / "sources").exists()


def test_without_a_terminal_the_candidates_are_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new() == 2
    assert "Name it with --label; it could be one of: returned, price" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("CI", "true")
    assert new() == 2
    assert (root / "params.yaml").read_text() == PARAMS


def test_at_a_terminal_it_asks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_is_interactive", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda _text, default: {"returned": "price"}[default])
    assert new() == 0
    contract = (root / "usecases" / "orders" / "contract.py").read_text()
    assert 'label="price"' in contract


def test_roles_without_a_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "orders", "--label", "returned"]) == 2
    assert "name it with --from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("usecases: []\nseed: 1\n", "usecases: [a, b]\nseed: 1\n"),
        ("usecases:\n  - x\n  - y  # why\nseed: 1\n", "usecases: [a, b]\nseed: 1\n"),
        ("seed: 1\nusecases: [x]", "seed: 1\nusecases: [a, b]"),
    ],
)
def test_the_list_of_use_cases(text: str, listed: str) -> None:
    assert params_text.with_names(text, ["a", "b"]) == listed
