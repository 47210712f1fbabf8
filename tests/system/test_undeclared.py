"""dvc.lock keeps the entries of removed use cases: every command goes by the declared ones, at each commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.ops.rollback import journal
from plumbline.repo import revisions
from tests import toy
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
def made(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(made: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The toy with its cases in params.yaml, in which the commands run."""
    copy = toy.copy(made, tmp_path)
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ |= {"DVC_SITE_CACHE_DIR": str(tmp_path), "MLFLOW_TRACKING_URI": "off"}
    graph = Path("dvc.yaml")
    graph.write_text(graph.read_text().replace("{case: [toy]}", '{case: "${usecases}"}'))
    for listed in Path().glob("out/*/.gitignore"):
        listed.unlink()
    Path(".gitignore").write_text("/out/\n/source/*.txt\n")
    return copy


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
            tracked.unlink()
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
    """Nothing is missing, and the outs are those of the declared use cases."""
    assert main(["verify"]) == 0
    assert there() == set(usecases)


@pytest.mark.parametrize("change", CHANGES)
def test_there_and_back_over_a_change_of_use_cases(project: Toy, change: str) -> None:
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
    assert [entry["result"] for entry in journal.audit(Path("."))] == ["done"] * 4
