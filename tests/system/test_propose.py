"""What becomes of a retrain's record: real git and DVC on the toy project, and GitHub's stand-in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.core.files import write_json
from plumbline.ops.retrain import branches
from tests import toy
from tests import warm as forks
from tests.github import READ_ONLY, GitHub, github
from tests.project import environment
from tests.toy import Toy

BRANCH = branches.name("toy")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy, run and pushed once for all tests here."""
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of it with a bare origin, and the test's own folder in it."""
    copy = toy.copy(template, tmp_path)
    copy.run("git", "clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    copy.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", environment(copy.path))
    forks.lend(monkeypatch)
    return copy


@pytest.fixture
def hub(project: Toy) -> Iterator[GitHub]:
    with github() as state:
        os.environ.update(state.environment())
        yield state


def challenger(project: Toy, text: str = "alpha beta gamma epsilon") -> dict[str, Any]:
    """Another run of the toy, left as a commit on its branch; the work tree as it was. The record."""
    (project.path / "make.py").write_text(f"{toy.MAKE}# {text}\n")
    project.repro()
    project.run("dvc", "repro", "-q", "-f", env={"TOY": text})
    commit = branches.commit(
        project.path, BRANCH, "Retrain toy", ["dvc.lock", "make.py", "metrics"]
    )
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")
    return {**record("challenger"), "branch": BRANCH, "commit": commit}


def record(outcome: str) -> dict[str, Any]:
    empty = dict.fromkeys(("monitor", "failed", "comparison", "branch", "commit"))
    days = {"from": None, "to": None}
    return {**empty, "usecase": "toy", "outcome": outcome, "reasons": ["because"], "as_of": days}


def propose(report: dict[str, Any]) -> int:
    write_json(Path("..") / "retrain.json", {"format": 1, "base": "b", "usecases": [report]})
    return main(["propose", "../retrain.json"])


def tip(project: Toy) -> str:
    words = ["git", "-C", str(project.path.parent / "origin.git"), "rev-parse", BRANCH]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_a_challenger_and_the_next(project: Toy, hub: GitHub) -> None:
    assert propose(record("drift")) == 0
    report = challenger(project)
    assert propose(report) == 0
    assert tip(project) == report["commit"]
    assert [(p["head"]["ref"], p["title"]) for p in hub.pulls] == [(BRANCH, "Retrain toy")]
    assert [i["state"] for i in hub.issues] == ["closed"], "a pull request takes its place"
    assert project.run("git", "status", "--porcelain") == ""
    clone = project.clone(project.path.parent / "stranger" / "clone")
    clone.run("git", "checkout", "-q", report["commit"])
    remote = str(project.path.parent / "remote")
    clone.run("dvc", "remote", "modify", "-q", "--local", "storage", "url", remote)
    clone.run("dvc", "pull", "-q")
    newer = challenger(project, "another")
    assert propose(newer) == 0
    assert tip(project) == newer["commit"] != report["commit"]
    assert len(hub.pulls) == 1


def test_a_person_on_the_branch(
    project: Toy, hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    report = challenger(project)
    assert propose(report) == 0
    theirs = {"GIT_COMMITTER_EMAIL": "person@example.com"}
    words = (
        "git",
        "commit-tree",
        f"{report['commit']}^{{tree}}",
        "-p",
        report["commit"],
        "-m",
        "mine",
    )
    person = project.run(*words, env=theirs).strip()
    project.run("git", "push", "-q", "origin", f"{person}:{BRANCH}")
    assert propose(challenger(project, "another")) == 2
    assert "which no retrain made; it is left as it is" in capsys.readouterr().err
    assert tip(project) == person


def test_one_issue_at_a_time(project: Toy, hub: GitHub) -> None:
    for outcome in ("healthy", "bad-data", "drift", "drift"):
        assert propose(record(outcome)) == 0
    (issue,) = hub.issues
    assert (issue["state"], issue["title"]) == (
        "open",
        "toy: drift, and a retrained model is not better",
    )
    assert propose(record("healthy")) == 0
    assert issue["state"] == "closed"
    assert hub.pulls == []


def test_a_token_that_may_not(
    project: Toy, hub: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["GITHUB_TOKEN"] = READ_ONLY
    assert propose(record("drift")) == 2
    assert "give the token the permission it needs" in capsys.readouterr().err


def test_no_record(project: Toy, hub: GitHub, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.json").write_text("{}")
    assert main(["propose", "other.json"]) == 2
    assert "write it again with `plumbline retrain`" in capsys.readouterr().err
    assert propose({**record("challenger"), "branch": BRANCH, "commit": "f" * 40}) == 2
    assert "no such revision" in capsys.readouterr().err
