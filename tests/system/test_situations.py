"""Situations that no other test proves; the table of all of them is printed after a run (tests/situations.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.ops.rollback import journal
from tests import situations, two_versions
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
    return two_versions.prepared(made, tmp_path, monkeypatch)


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


def partial(project: Toy, path: Path) -> Toy:
    """A clone without the files of earlier commits, its outs fetched."""
    project.run("git", "config", "uploadpack.allowFilter", "true")
    project.run("git", "config", "uploadpack.allowAnySHA1InWant", "true")
    clone = path / "project"
    project.run("git", "clone", "-q", "--filter=blob:none", f"file://{project.path}", str(clone))
    shutil.copytree(project.path.parent / "remote", path / "remote")
    result = Toy(clone, project.oids)
    result.run("dvc", "pull", "-q")
    assert left_out(result)
    return result


def left_out(project: Toy) -> list[str]:
    """The objects of git that a partial clone has not fetched."""
    words = ("rev-list", "--objects", "--all", "--missing=print")
    return [line for line in project.run("git", *words).splitlines() if line.startswith("?")]


@pytest.mark.situation("a partial clone (blob:none)", expected="git fetches what a command needs")
def test_a_partial_clone(
    project: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    clone = partial(project, tmp_path / "partial")
    monkeypatch.chdir(clone.path)
    for words in (["reproduce", "v1"], ["lineage", PARTS], ["rollback", "v1"], ["verify", "v1"]):
        assert main(words) == 0, words
    seen("reproduce, lineage, verify and rollback: 0")


@pytest.mark.situation(
    "a partial clone, offline", expected="git's message, and what completes the clone"
)
def test_a_partial_clone_offline(
    project: Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seen: Seen,
) -> None:
    clone = partial(project, tmp_path / "partial")
    monkeypatch.chdir(clone.path)
    clone.run("git", "remote", "set-url", "origin", "file:///nowhere")
    commands = (
        ["reproduce", "v1"],
        ["lineage", "0" * 32],
        ["verify", "v1"],
        ["rollback", "v1"],
        ["champions"],
    )
    for words in commands:
        assert main(words) == 2, words
        message = capsys.readouterr().err
        assert "from promisor remote; this is a partial clone" in message
        assert "git fetch --refetch" in message
    seen(message)
    assert main(["verify"]) == 0
    clone.run("git", "remote", "set-url", "origin", f"file://{project.path}")
    clone.run("git", "config", "--unset", "remote.origin.partialCloneFilter")
    clone.run("git", "fetch", "-q", "--refetch")
    assert left_out(clone) == []


READING = (
    "verify", "verify v1", "verify --all-tags", "gc", "rollback v1", "rollback v1 --dry-run", "champions",
    "lineage v1", "reproduce", "reproduce v1", "release v1", "registry status", "registry sync",
    "registry rebuild", "push", "compare v1 --json x.json", "gate --lock-only", "resolve", "baseline v1",
    "clean",
)  # fmt: skip


@pytest.mark.situation(
    "a checkout that another user owns: every command", expected="git's message as it is, code 2"
)
def test_a_foreign_checkout(
    project: Toy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for line in READING:
        assert main(line.split()) == 2, line
        message = capsys.readouterr().err
        assert "detected dubious ownership in repository" in message, line
        assert "safe.directory" in message, line
    seen(message)


WITHOUT_GIT = ("verify", "push", "clean")


@pytest.mark.situation(
    "no .git folder: every command", expected="works, or git's message and what works without"
)
def test_no_repository(
    project: Toy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    seen: Seen,
) -> None:
    shutil.rmtree(project.path / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    project.run("dvc", "config", "--local", "core.no_scm", "true")
    for line in READING:
        code = main(line.split())
        message = capsys.readouterr().err
        assert code == (0 if line in WITHOUT_GIT else 2), (line, message)
        if code:
            assert "not a git repository" in message, line
            assert message.count("core.no_scm") == 1, line
            seen(message)
