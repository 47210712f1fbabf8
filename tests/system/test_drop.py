"""A use case dropped: what goes, what is refused, and that history brings it back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.repo import revisions
from plumbline.runtime import dvc_lock
from plumbline.tracking import mlflow_process
from tests import project as projects
from tests import warm as forks
from tests.project import Project
from tests.shared import built, void
from tests.usecase_changes import FILES, GRAPH

PARAMS = """# What one would turn.
usecases: [own, other]  # both
seed: 7

own:
  data: {path: source/own.txt}  # the table

# of the second one
other:
  data:
    path: source/other.txt

"""
GOES = ["usecases/own", "source/own.txt", "models/own", "data/own", "metrics/own.json"]


def build(path: Path) -> None:
    """A repository of two use cases, run and committed."""
    project = Project(path)
    files = {
        **FILES,
        "dvc.yaml": GRAPH,
        "params.yaml": PARAMS,
        **{f"usecases/{u}/model.py": '"""."""\n' for u in ("own", "other")},
        **{f"source/{u}.txt": f"alpha {u}" for u in ("own", "other")},
    }
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    project.run("git", "init", "-q", "-b", "main")
    project.repro()
    project.commit("both")


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A copy of it, in which the commands run."""
    path = tmp_path / "project"
    both = built(tmp_path_factory, "two-usecases", lambda folder: void(build(folder)))
    shutil.copytree(both, path, symlinks=True)
    monkeypatch.setattr(os, "environ", projects.environment(path))
    forks.lend(monkeypatch)
    monkeypatch.chdir(path)
    yield Project(path)
    mlflow_process.close()


def there(path: Path) -> list[str]:
    return [name for name in GOES if (path / name).exists()]


def test_it_goes_and_history_brings_it_back(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.commit("before")
    assert main(["registry", "sync"]) == 0
    assert main(["drop", "own", "--dry-run"]) == 0
    assert there(project.path) == GOES
    assert main(["drop", "own"]) == 0
    assert "MLflow: the alias champion of own removed" in capsys.readouterr().out
    assert there(project.path) == []
    text = (project.path / "params.yaml").read_text()
    assert (
        text
        == PARAMS.replace("own, ", "").split("own:")[0]
        + "# of"
        + PARAMS.split("# of")[1].rstrip()
        + "\n"
    )
    assert list(dvc_lock.parse((project.path / "dvc.lock").read_text())) == ["train@other"]
    assert "up to date" in project.run("dvc", "status")
    project.commit("drop own")
    dropped = revisions.commit(project.path, "HEAD")
    assert main(["rollback", "HEAD~1"]) == 0
    assert there(project.path) == GOES
    assert main(["registry", "status"]) == 0
    assert main(["rollback", "main"]) == 0
    assert revisions.commit(project.path, "HEAD") == dropped
    assert there(project.path) == []
    assert main(["registry", "status"]) == 0


def damaged(path: Path, how: str) -> str:
    """Something of it that is in no history; what the message says."""
    if how == "edited":
        (path / "usecases" / "own" / "model.py").write_text("x = 1\n")
        return "not committed: usecases/own/model.py; commit or restore"
    if how == "ignored":
        (path / ".git" / "info" / "exclude").write_text("*.secret\n")
        (path / "usecases" / "own" / "a.secret").write_text("x")
        return "ignored by git, so in no history: usecases/own/a.secret"
    if how == "changed out":
        out = path / "models" / "own" / "own.txt"
        out.chmod(0o644)
        out.write_text("mine")
        return "models/own is not as dvc.lock records it"
    shutil.rmtree(path / ".dvc" / "cache")
    return "DVC's cache lacks bytes of"


@pytest.mark.parametrize("how", ["edited", "ignored", "changed out", "no cache"])
def test_what_no_history_has_is_refused(
    how: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    message = damaged(project.path, how)
    assert main(["drop", "own"]) == 2
    assert message in capsys.readouterr().err
    assert there(project.path) == GOES
    assert yaml.safe_load((project.path / "params.yaml").read_text())["usecases"] == [
        "own",
        "other",
    ]


def test_an_unknown_one(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drop", "onw"]) == 2
    assert "'onw': no such use case here; did you mean 'own'" in capsys.readouterr().err
