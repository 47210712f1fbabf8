"""The repository that every scenario starts from: one small plain table, run, accepted, pushed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests import project as projects
from tests.project import Project
from tests.rehearsal.uses import git

QUIET = {"MLFLOW_TRACKING_URI": "off"}
NAME = "diabetes"
POOR: dict[str, Any] = {"rounds": 6, "params": {"eta": 0.1, "max_depth": 2}}
"""Base's training: far from the best, and better than the worst."""
TABLE = Path("sources") / NAME / f"{NAME}.csv"


def make(folder: Path) -> Path:
    """`folder` with project/ (and its cache), origin.git/ and remote/."""
    (folder / "project").mkdir()
    project = projects.make(folder / "project", [NAME])
    project.set({f"{NAME}.tune.max_evals": 0, f"{NAME}.train": POOR})
    project.repro(env=QUIET)
    project.run("python", "-m", "plumbline", "accept", NAME)
    project.repro(env=QUIET)
    project.commit("base")
    git("clone", "-q", "--bare", str(project.path), str(folder / "origin.git"), cwd=folder)
    publish(project, folder / "remote")
    shutil.rmtree(project.path / ".dvc" / "tmp")
    return folder


def publish(project: Project, remote: Path) -> None:
    """`dvc push` to a folder."""
    project.run("dvc", "remote", "add", "-q", "--local", "-f", "-d", "team", str(remote))
    project.run("dvc", "push", "-q")
