"""Which commit of main was accepted last, by the host's runs and by a ref."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.ops.hosting import accepted
from plumbline.review import revision
from tests import github, github_runs

LOCK = "schema: '2.0'\nstages:\n  train@toy:\n    cmd: python -m stages.train\n"
GRAPH = "stages:\n  train:\n    matrix: {case: [toy]}\n    cmd: python -m stages.train\n"


class History:
    """A repository with a host; each commit by its subject."""

    def __init__(self, path: Path, host: github.GitHub) -> None:
        self.path, self.host = path, host
        self.commits: dict[str, str] = {}
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, subject: str, *conclusions: str) -> str:
        """A commit on main, and what came of main.yml's runs for it."""
        (self.path / "README.md").write_text(subject)
        (self.path / "dvc.lock").write_text(LOCK)
        (self.path / "dvc.yaml").write_text(GRAPH)
        self.git("add", ".")
        self.git("commit", "-q", "-m", subject)
        sha = self.commits[subject] = self.git("rev-parse", "HEAD")
        for conclusion in conclusions:
            self.ran(sha, conclusion)
        return sha

    def ran(
        self, sha: str, conclusion: str, event: str = "push", file: str = accepted.WORKFLOW
    ) -> None:
        self.host.runs.append(github_runs.entry(file, sha, conclusion, event, "main"))


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    monkeypatch.chdir(tmp_path)
    with github.github() as host:
        for name, value in host.environment(github.READ_ONLY).items():
            monkeypatch.setenv(name, value)
        yield History(tmp_path, host)


def base(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["accepted"]) == 0
    return capsys.readouterr().out.strip()


def test_a_refused_commit_is_no_base(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    good = history.commit("good", "success")
    history.commit("worse", "failure")
    history.commit("README", "failure")
    history.commit("another README")
    assert base(capsys) == good


def test_dropped_runs_and_pushes_of_several_commits(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commits without a run of their own, as those of a rebase merge, are passed over."""
    good = history.commit("good", "success")
    history.commit("dropped", "cancelled")
    history.commit("first of two")
    history.commit("last of two")
    assert base(capsys) == good
    history.ran(history.commits["dropped"], "success")  # run again by hand
    assert base(capsys) == history.commits["dropped"]


def test_only_pushes_of_this_workflow_count(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    good = history.commit("good", "success")
    other = history.commit("other")
    history.ran(other, "success", file="nightly.yml")
    history.ran(other, "success", event="workflow_dispatch")
    history.commit("head")
    assert base(capsys) == good


def test_a_branch_that_was_merged_is_not_the_line_of_main(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    good = history.commit("good", "success")
    history.git("checkout", "-q", "-b", "topic")
    history.commit("topic", "success")  # as where someone pushed it to main and took it back
    history.git("checkout", "-q", "main")
    history.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    assert base(capsys) == good


def test_many_runs(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    good = history.commit("good", "success")
    for i in range(230):
        history.ran(f"{i:040x}", "success")
    history.commit("head")
    assert base(capsys) == good


def test_one_commit_is_judged_as_a_first_model(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("first", "failure")
    for subject in ("README after a red first commit", "another README"):
        empty = base(capsys)
        assert revision.side(history.path, empty).entries == {}
        files = history.git("ls-tree", "-r", "--name-only", empty).split()
        assert files == ["README.md", "dvc.lock", "dvc.yaml"]
        assert history.git("show", f"{empty}:dvc.yaml") == GRAPH.strip()
        history.commit(subject, "failure")
    assert history.git("status", "--porcelain") == ""
    assert history.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_release_where_no_run_is_known(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub deletes runs after 400 days, and a repository that moves leaves them behind."""
    released = history.commit("released")
    history.git("tag", "model-v1")
    history.git("tag", "-a", "-m", "notes", "model-v2")
    history.commit("later")
    history.commit("head")
    assert base(capsys) == released


def test_without_a_host_that_keeps_results(
    history: History, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")
    good = history.commit("good")
    history.git("update-ref", accepted.REF, "HEAD")
    history.commit("worse", "success")
    history.commit("head")
    assert base(capsys) == good
    assert history.host.log == []


def test_a_shallow_clone_is_refused(
    history: History,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history.commit("one", "success")
    history.commit("two")
    history.git("clone", "-q", "--depth=1", f"file://{tmp_path}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    assert main(["accepted"]) == 2
    assert "git fetch --unshallow" in capsys.readouterr().err


@pytest.mark.capability("A15")
def test_only_accepted_commits_of_main_are_released(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    good = history.commit("good", "success")
    history.git("tag", "model-v1")
    history.commit("worse", "failure")
    history.git("tag", "model-v2")
    history.git("checkout", "-q", "-b", "topic")
    history.commit("topic", "success")
    history.git("tag", "model-v3")
    assert main(["accepted", "--check", "model-v1"]) == 0
    assert "model-v1: accepted" in capsys.readouterr().out
    assert main(["accepted", "--check", "model-v2"]) == 1
    message = capsys.readouterr().out
    assert "was not accepted (by the runs of main.yml)" in message
    assert f"accepted last: {good[:10]}" in message
    assert main(["accepted", "--check", "model-v3"]) == 1
    assert "is not on the first-parent history of main; merge it" in capsys.readouterr().out
