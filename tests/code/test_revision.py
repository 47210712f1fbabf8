"""A revision's own files, read from git without a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import revision

LOCK = """
schema: '2.0'
stages:
  data@a: {cmd: x, outs: [{path: m/data.json, md5: '1'}]}
  tune@a: {cmd: x, outs: [{path: m/tune.json, md5: '1'}]}
"""


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "params.yaml").write_text("usecases: [a]\na: {}\n")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "data.json").write_text('{"rows": 3}')
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_a_revision_is_read_as_it_was(root: Path) -> None:
    (root / "m" / "data.json").write_text('{"rows": 4}')
    assert revision.side(root, "main").stage_documents("a") == {"data": {"rows": 3}}
    assert revision.side(root, None).stage_documents("a") == {"data": {"rows": 4}}
    assert revision.side(root, "main").about().commit
    assert revision.side(root, None).about().plain() == {"name": "work tree", "commit": None}


def test_an_entry_that_nothing_declares_is_no_change(root: Path) -> None:
    """The lock without a use case that ended is the lock: a run on base's lock leaves it out."""
    (root / "dvc.yaml").write_text("stages:\n  data: {matrix: {usecase: '${usecases}'}, cmd: x}\n")
    (root / "dvc.lock").write_text(f"{LOCK}  data@gone: {{cmd: x}}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    (root / "dvc.lock").write_text(LOCK)
    assert revision.side(root, None).about().commit
    (root / "dvc.lock").write_text(LOCK.replace("'1'", "'2'"))
    assert revision.side(root, None).about().commit is None


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_json_is_named(root: Path, text: str) -> None:
    (root / "m" / "data.json").write_text(text)
    with pytest.raises(PlumblineError, match=r"work tree: m/data.json: .*git checkout"):
        revision.side(root, None).stage_documents("a")


def test_wrong_params_name_the_revision(root: Path) -> None:
    with pytest.raises(PlumblineError, match=r"main: params.yaml, seed: got None"):
        revision.side(root, "main").params("a")


def test_the_newest_release_that_leads_here(root: Path) -> None:
    head = revision.side(root, "main")
    assert revision.release(root, head) is None
    git(root, "tag", "model-v9")
    git(root, "commit", "--allow-empty", "-qm", "two")
    git(root, "tag", "model-v10")
    git(root, "tag", "other-v11")
    two = revision.side(root, "main")
    assert revision.release(root, two).name == "model-v10"
    assert revision.release(root, head).name == "model-v9"
    git(root, "rm", "-q", "dvc.lock")
    git(root, "commit", "-qm", "three")
    git(root, "tag", "model-v12")
    (root / "dvc.lock").write_text(LOCK)
    assert revision.release(root, revision.side(root, None)) is None


def test_the_gate_s_own_params(root: Path) -> None:
    (root / "params.yaml").write_text("usecases: [a]\na: {gate: {margin: 0.5}}\n")
    assert revision.side(root, None).gate("a") == {"a.gate.margin": 0.5}
    assert revision.side(root, "main").gate("a") == {}
