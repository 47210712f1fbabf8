"""dvc.lock keeps the entries of removed use cases: every command goes by the declared ones, at each commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import journal, restore, steps
from plumbline.repo import revisions
from plumbline.runtime import preflight
from tests import toy
from tests import warm as forks
from tests.toy import Toy

CHANGES = {
    "replaced": ["other"],
    "added": ["toy", "other"],
    "removed": ["toy"],
    "renamed": ["renamed", "second"],
}
BEFORE = {"replaced": ["toy"], "added": ["toy"]}
"""The use cases before the change; else toy and second."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The toy with its cases in params.yaml, in which the commands run."""
    copy = toy.copy(template, tmp_path)
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    forks.lend(monkeypatch)
    os.environ |= {"DVC_SITE_CACHE_DIR": str(tmp_path), "MLFLOW_TRACKING_URI": "off"}
    graph = Path("dvc.yaml")
    graph.write_text(graph.read_text().replace("{case: [toy]}", '{case: "${usecases}"}'))
    return copy


def ignored_at_the_root() -> None:
    """Ignore outs and sources as the project does, not folder by folder as DVC does."""
    for listed in Path().glob("*/**/.gitignore"):
        listed.unlink()
    Path(".gitignore").write_text("/out/\n/source/*.txt\n")


def declare(project: Toy, usecases: list[str]) -> None:
    """Make these the use cases, each with a source of its own; run, commit and push."""
    Path("params.yaml").write_text(yaml.safe_dump({"usecases": usecases}))
    for name in usecases:
        source = Path("source") / f"{name}.txt"
        if not source.exists():
            source.write_text(f"alpha {name} gamma delta")
            project.run("dvc", "add", "-q", str(source))
    for tracked in Path("source").glob("*.txt.dvc"):
        if (case := tracked.name.removesuffix(".txt.dvc")) not in usecases:
            project.run("dvc", "remove", "-q", str(tracked))
            (tracked.parent / f"{case}.txt").unlink()
            Path("metrics", f"{case}.json").unlink(missing_ok=True)
    project.repro()
    project.commit()
    assert main(["push"]) == 0


def there(rev: str | None = None) -> set[str]:
    """The use cases that the outs of a revision are of."""
    stages = {out.stage.partition("@")[2] for out in revisions.outs(Path("."), rev)}
    return stages - {""}


def whole(usecases: list[str]) -> None:
    """Nothing is missing, and the outs are those of the declared use cases, and no others."""
    assert main(["verify"]) == 0
    assert there() == set(usecases)
    assert {p.parent.name for p in Path("out").glob("*/whole.bin")} == set(usecases)
    assert {p.stem for p in Path("source").glob("*.txt")} == set(usecases)


@pytest.mark.situation(
    "use cases {change} where DVC ignores each out by itself; a rollback before and back",
    expected="both end, nothing is missing, `git status` is clean",
)
@pytest.mark.parametrize("change", CHANGES)
def test_there_and_back_over_a_change_of_use_cases(project: Toy, change: str) -> None:
    """With DVC's .gitignore in each folder; tests/usecase_changes.py has one at the root."""
    before, after = BEFORE.get(change, ["toy", "second"]), CHANGES[change]
    declare(project, before)
    project.run("git", "tag", "before")
    declare(project, after)
    locked = yaml.safe_load(Path("dvc.lock").read_text())["stages"]
    assert {name.partition("@")[2] for name in locked} == {*before, *after}
    assert main(["verify", "--all-tags"]) == 0
    for _ in range(2):
        assert main(["rollback", "before"]) == 0
        whole(before)
        assert main(["rollback", "main"]) == 0
        whole(after)
        assert project.run("git", "status", "--porcelain") == ""
    assert [entry.result for entry in journal.audit(Path("."))] == ["done"] * 4


@pytest.fixture
def removed(project: Toy) -> Toy:
    """One of two use cases is removed; the tag `before` has both."""
    ignored_at_the_root()
    declare(project, ["toy", "second"])
    project.run("git", "tag", "before")
    declare(project, ["toy"])
    return project


@pytest.mark.situation(
    "a file of one's own where the target has an out",
    expected="refused before anything is touched; the file stays",
)
def test_a_file_in_the_place_of_an_out_is_not_overwritten(
    removed: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    left = Path("out/second/whole.bin")
    assert main(["rollback", "before"]) == 0 == main(["rollback", "main"])
    left.parent.mkdir()
    left.write_text("mine")
    assert main(["rollback", "before"]) == 2
    assert f"{left}: no out of this commit" in capsys.readouterr().err
    assert left.read_text() == "mine"
    assert len(journal.audit(Path("."))) == 2


@pytest.mark.situation(
    "a rollback over a removed use case fails at '{step}'", expected="undone; the next one ends"
)
@pytest.mark.parametrize("step", ["code", "fetch", "outs", "verify"])
def test_a_step_that_fails_is_undone_over_a_removal(
    removed: Toy, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(root: Path, at: journal.Journal) -> str:
        done(root, at)
        raise PlumblineError("and then it broke")

    assert main(["rollback", "before"]) == 0 == main(["rollback", "main"])
    done = steps.STEPS[step]
    for there_now, rev in ((["toy"], "before"), (["toy", "second"], "main")):
        monkeypatch.setitem(steps.STEPS, step, fail)
        assert main(["rollback", rev]) == 2
        whole(there_now)
        monkeypatch.setitem(steps.STEPS, step, done)
        assert main(["rollback", rev]) == 0
    results = [entry.result for entry in journal.audit(Path("."))]
    assert results == ["done", "done", "undone", "done", "undone", "done"]


@pytest.mark.situation(
    "an undo that cannot end", expected="the message names --abandon, which ends it"
)
def test_an_undo_that_cannot_end_is_abandoned(
    removed: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise PlumblineError("the disk is gone")

    assert main(["rollback", "--abandon"]) == 2
    assert "nothing to abandon" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(restore, "outs", fail)
        assert main(["rollback", "before"]) == 2
    assert "the undo is incomplete: the disk is gone" in (message := capsys.readouterr().err)
    assert "rollback --abandon" in message
    with pytest.raises(PlumblineError, match=r"plumbline rollback --abandon"):
        preflight.refuse_rollback(preflight.ROLLBACK)
    assert main(["rollback", "--abandon"]) == 0
    output = capsys.readouterr().out
    assert "nothing was restored" in output
    assert "git is at main" in output
    assert "begun: code, fetch, outs, undo" in output
    preflight.refuse_rollback(preflight.ROLLBACK)
    assert [entry.result for entry in journal.audit(Path("."))] == ["abandoned"]


@pytest.mark.situation(
    "a rollback's journal is damaged", expected="the message names --abandon, which ends it"
)
def test_a_damaged_journal_is_abandoned(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (journal.folder(Path(".")) / "journal.json").write_text("{")
    assert main(["rollback", "main"]) == 2
    assert "rollback --abandon" in capsys.readouterr().err
    assert main(["rollback", "--abandon"]) == 0
    preflight.refuse_rollback(preflight.ROLLBACK)


@pytest.mark.parametrize("words", [[], ["main", "--abandon"], ["--abandon", "--dry-run"]])
def test_a_revision_or_abandon(project: Toy, words: list[str]) -> None:
    assert main(["rollback", *words]) == 2
