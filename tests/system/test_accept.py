"""A profile accepted before the commit: nothing is left to run, and a forced run writes the same bytes."""

from __future__ import annotations

import pytest

from tests import runs
from tests.project import Project
from tests.runs import QUIET

NAME = "diabetes"
READ = [f"{stage}@{NAME}" for stage in ("validate", "evaluate", "monitor")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return runs.alone(tmp_path_factory, NAME)


def accept(project: Project, ok: bool = True) -> str:
    return project.run("python", "-m", "plumbline", "accept", NAME, env=QUIET, ok=ok)


def test_what_was_accepted_needs_no_second_run(project: Project) -> None:
    out = accept(project)
    assert [line.split("'")[1] for line in out.splitlines() if line.startswith("Running")] == READ
    assert "up to date" in project.run("dvc", "status")
    lock = (project.path / "dvc.lock").read_bytes()
    project.commit("accepted")
    project.repro("--force", "--single-item", *READ, env=QUIET)
    assert (project.path / "dvc.lock").read_bytes() == lock
    assert project.run("git", "status", "--porcelain") == ""
    assert "accepted already" in accept(project)


def test_inputs_that_changed_since_the_run_are_refused(project: Project) -> None:
    source = project.path / "sources" / NAME / f"{NAME}.csv"
    before = source.read_text()
    source.write_text(before.replace("\n", "\n", 1) + before.splitlines()[-1] + "\n")
    try:
        assert f"sources/{NAME} changed after the last run; run `dvc repro`" in accept(
            project, ok=False
        )
        assert project.run("git", "status", "--porcelain").split() == [
            "M",
            f"sources/{NAME}/{NAME}.csv",
        ]
    finally:
        source.write_text(before)
