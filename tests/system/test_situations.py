"""Situations that no other test proves; the table of all of them is printed after a run (tests/situations.py)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.ops.rollback import journal
from tests import situations, toy, two_versions
from tests.conftest import ROOT
from tests.toy import PARTS, Toy

AT_LEAST = 45
Seen = Callable[[str], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return two_versions.shared(tmp_path_factory)


@pytest.fixture
def project(made: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of the toy at two versions, in which the commands run."""
    copy = toy.copy(made, tmp_path)
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ |= {"DVC_SITE_CACHE_DIR": str(tmp_path / "site"), "MLFLOW_TRACKING_URI": "off"}
    return copy


def test_there_are_as_many_as_there_were() -> None:
    names = situations.marked(ROOT / "tests")
    assert len(set(names)) == len(names) >= AT_LEAST, sorted(names)


def place(project: Toy, rev: str, path: str) -> Path:
    """The cached object of an out at a revision."""
    text = project.run("git", "show", f"{rev}:dvc.lock")
    md5 = text.split(f"path: {path}\n")[1].split("md5: ")[1].split()[0]
    return project.path / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]


@pytest.mark.situation(
    "a rollback to a commit whose objects are nowhere ({path})",
    expected="refused before anything is touched, with what brings them",
)
@pytest.mark.parametrize("path", [PARTS, "out/toy/whole.bin"])
def test_a_target_that_is_nowhere(
    project: Toy, capsys: pytest.CaptureFixture[str], seen: Seen, path: str
) -> None:
    shutil.rmtree(project.path.parent / "remote")
    place(project, "v1", path).unlink()
    for words in (["rollback", "v1"], ["rollback", "v1", "--dry-run"]):
        assert main(words) == 2
        message = capsys.readouterr().err
        seen(message)
        assert f"v1: 1 objects, {path} first, are not in the cache or remote storage" in message
        assert "git switch --detach v1" in message
    assert journal.audit(Path(".")) == []
    assert main(["verify", "--in", "workspace", "--in", "cache"]) == 0
    assert project.run("git", "branch", "--show-current").strip() == "main"
