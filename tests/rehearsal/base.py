"""The repository that every scenario starts from: one small timed table, run, accepted, pushed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests import project as projects
from tests import warm as forks
from tests.project import Project
from tests.rehearsal.uses import git
from tests.usecases import delivery_rows as deliveries

QUIET = {"MLFLOW_TRACKING_URI": "off", **forks.PLAIN}
NAME = "deliveries"
FEATURES = Path("usecases") / NAME / "features.py"
TABLE = Path("sources") / NAME / f"{NAME}.csv"
FIRST, DAYS = "2025-01-01", 120
SECTION: dict[str, Any] = {
    "data": {"source": "csv", "path": str(TABLE), "as_of": "2025-05-01"},
    "validate": {"max_quarantine": 0.02},
    "features": {"warmup_days": 1, "valid_days": 14, "test_days": 21, "current_days": 14},
    "tune": {"max_evals": 0},
    "train": {"rounds": 60, "params": {"eta": 0.1, "max_depth": 2}},
    "evaluate": {"bootstrap": 100},
    "monitor": {"rows": 0},
}
"""Training is good enough for the gate, and leaves room to be better."""


GOOD = {f"{NAME}.train": {"rounds": 400, "params": {"eta": 0.1, "max_depth": 4}}}
WORSE = {f"{NAME}.train": {"rounds": 25, "params": {"eta": 0.1, "max_depth": 1}}}


def make(folder: Path) -> Path:
    """`folder` with project/ (and its cache), origin.git/ and remote/.

    Its branches `good` and `worse`, run but not pushed, are changes that a contributor made.
    """
    (folder / "project").mkdir()
    project = projects.make(folder / "project", [], warm=True)
    projects.add_usecase(project, NAME)
    deliveries.write(project.path / TABLE, deliveries.rows(FIRST, DAYS))
    (project.path / "profiles" / f"{NAME}.json").write_text("{}\n")
    (project.path / "profiles" / f"{NAME}.history.csv").touch()
    with (project.path / "params.yaml").open("a") as params:
        params.write(yaml.safe_dump({NAME: SECTION}))
    project.set({"usecases": [NAME]})
    project.repro(env=QUIET)
    project.run("python", "-m", "plumbline", "accept", NAME, env=QUIET)
    project.commit("base")
    git("clone", "-q", "--bare", str(project.path), str(folder / "origin.git"), cwd=folder)
    publish(project, folder / "remote")
    shutil.copytree(project.path, folder / "beside", symlinks=True)
    beside = Project(folder / "beside", warm=True)
    with ThreadPoolExecutor(2) as pool:
        tried = (project, "good", GOOD), (beside, "worse", WORSE)
        list(pool.map(lambda given: _branch(*given), tried))
    project.run("git", "fetch", "-q", str(beside.path), "worse:worse")
    shutil.copytree(
        beside.path / ".dvc" / "cache", project.path / ".dvc" / "cache", dirs_exist_ok=True
    )
    shutil.rmtree(beside.path)
    shutil.rmtree(project.path / ".dvc" / "tmp")
    for repository in (project.path, folder / "origin.git"):
        git("gc", "-q", cwd=repository)  # else every push and fetch compresses all files again
    return folder


def _branch(project: Project, name: str, changes: dict[str, Any]) -> None:
    """A branch of main with other params, run and committed."""
    project.run("git", "checkout", "-q", "-b", name, "main")
    project.set(changes)
    project.repro(env=QUIET)
    project.commit(name)


def publish(project: Project, remote: Path) -> None:
    """`dvc push` to a folder."""
    project.run("dvc", "remote", "add", "-q", "--local", "-f", "-d", "team", str(remote))
    project.run("dvc", "push", "-q")
