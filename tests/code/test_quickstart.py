"""The first look: a small world in a folder of its own, which leaves the checkout as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench import quickstart
from plumbline import config
from plumbline.core.errors import PlumblineError
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("look") / "a small world"
    quickstart.create(ROOT, path)
    return path


@pytest.mark.capability("A11")
def test_the_small_world_is_a_whole_project(folder: Path) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        inputs = [d.replace("${item.usecase}", quickstart.CASE) for d in stage["deps"]]
        missing = [d for d in inputs if not (folder / d).exists()]
        assert all(d.startswith(("data/", "models/", "metrics/", "reports/")) for d in missing), (
            name
        )
    assert not (folder / "dvc.lock").exists()
    assert (folder / ".git").is_dir()


def test_its_settings_are_valid_and_no_larger_than_ours(folder: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    assert (folder / "params.yaml").read_text() == quickstart.small(text)
    little, ours = (config.load(quickstart.CASE, p / "params.yaml") for p in (folder, ROOT))
    for stage, key in (("tune", "max_evals"), ("train", "rounds"), ("evaluate", "bootstrap")):
        assert getattr(getattr(little, stage), key) < getattr(getattr(ours, stage), key), key


def test_it_lies_where_git_does_not_look() -> None:
    assert "/quickstart/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "\nquickstart: install\n" in (ROOT / "Makefile").read_text()


def test_a_copy_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "small", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        quickstart.create(ROOT, tmp_path / "look")
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(PlumblineError, match=r"is not empty and holds no dvc\.yaml; remove it, or"):
        quickstart.create(ROOT, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
