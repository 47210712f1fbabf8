"""The toy at two versions, pushed: what tests of one situation copy."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests import toy
from tests.shared import built, result
from tests.toy import Toy


def shared(folders: pytest.TempPathFactory) -> Toy:
    """Tags v1 and v2, HEAD is main at the second; `oids` are the second's."""
    start = toy.shared(folders)
    folder = built(folders, "two-versions", lambda folder: make(toy.copy(start, folder)))
    return Toy(folder / "project", result(folder))


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
