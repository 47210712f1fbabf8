"""Whole runs of the graph that several test modules start from, each made once in a run of pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import project as projects
from tests.project import Project
from tests.shared import copied

BOTH = ["card_fraud", "diabetes"]
QUIET = {"MLFLOW_TRACKING_URI": "off"}


def both(folders: pytest.TempPathFactory) -> Project:
    """A copy of small card_fraud and the plain table, run and committed, with their runs in MLflow."""
    return Project(copied(folders, "both", _both), warm=True)


def alone(folders: pytest.TempPathFactory, name: str) -> Project:
    """The same where `name` is the only use case of params.yaml; its outs are those of the run."""
    project = both(folders)
    project.set({"usecases": [name]})
    project.commit(f"{name} alone")
    return project


def _both(folder: Path) -> None:
    project = projects.make(folder, BOTH, warm=True)
    project.repro()
    project.commit("reproduced")
