"""The toy at two versions, pushed: what tests of one situation copy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import toy
from tests import warm as forks
from tests.shared import built, result
from tests.toy import Toy


def shared(folders: pytest.TempPathFactory) -> Toy:
    """Tags v1 and v2, HEAD is main at the second; `oids` are the second's."""
    start = toy.shared(folders)
    folder = built(folders, "two-versions", lambda folder: make(toy.copy(start, folder)))
    return Toy(folder / "project", result(folder), warm=True)


def prepared(made: Toy, path: Path, patch: pytest.MonkeyPatch) -> Toy:
    """A copy in `path`, in which the commands of this process run; MLflow is off."""
    project = toy.copy(made, path)
    patch.chdir(project.path)
    patch.setattr(os, "environ", dict(os.environ))
    forks.lend(patch)
    os.environ |= {"DVC_SITE_CACHE_DIR": str(path / "site"), "MLFLOW_TRACKING_URI": "off"}
    return project


def make(project: Toy) -> Mapping[str, str]:
    """Another source, run, committed, tagged and pushed; the md5 of each file."""
    (project.path / "source" / "toy.txt").write_text("alpha beta gamma omega")
    (project.path / "notes.txt").write_text("second\n")
    project.run("dvc", "add", "-q", "source/toy.txt")
    project.repro()
    project.commit("second")
    project.run("git", "tag", "v2")
    project.run("dvc", "push", "-q")
    return toy.recorded(project)
