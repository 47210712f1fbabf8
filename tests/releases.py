"""The diabetes table's graph, run twice with other train params: two releases, and MLflow knowing both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import project as projects
from tests.project import Project
from tests.shared import built

CASE = "diabetes"


def make(path: Path) -> Project:
    """Tags model-v1 and model-v2 in `path`; HEAD is main at the second. MLflow is off."""
    project = projects.make(path, [CASE], warm=True)
    for tag, rounds in (("model-v1", 60), ("model-v2", 2)):
        project.set({f"{CASE}.train.rounds": rounds})
        project.repro(f"evaluate@{CASE}", env={"MLFLOW_TRACKING_URI": "off"})
        project.commit(tag)
        project.run("git", "tag", tag)
    return project


def shared(folders: pytest.TempPathFactory) -> Project:
    """The two releases, both in MLflow, that all tests of a run copy from."""
    return Project(built(folders, "releases", lambda folder: register(make(folder))))


def register(project: Project) -> None:
    """Both bundles in MLflow, by the command that a person has for it."""
    words = ["python", "-m", "plumbline", "registry", "rebuild"]
    assert "git and MLflow agree" in project.run(*words)
