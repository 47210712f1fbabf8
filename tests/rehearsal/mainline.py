"""Scenarios of main itself: what a commit is compared with, and what is released."""

from __future__ import annotations

from typing import Any

from tests.project import Project
from tests.rehearsal.base import NAME
from tests.rehearsal.hub import Hub
from tests.rehearsal.merges import main
from tests.rehearsal.reviews import Seen
from tests.rehearsal.uses import git


def first_push(hub: Hub) -> Seen:
    """A repository of one commit: its model is judged as a first one, and pushed."""
    project = hub.clone()
    project.run("git", "checkout", "-q", "--orphan", "first")
    project.commit("first")
    hub.api.runs.clear()
    built = main(hub, onto_main(hub, project))
    job = built.jobs["main"]
    assert built.conclusion == "success", job.output()
    assert "judged as a first model" in job.step("accepted").output
    assert "Nothing against merging" in job.step("gate").output
    return Seen(0, [], [built])


def red_main(hub: Hub) -> Seen:
    """A README commit on a red main: red still, as it is compared with what was accepted last."""
    worse = hub.clone(branch="worse")
    worse.run("dvc", "push", "-q")
    hub.ended("main.yml", "push", "failure", where(onto_main(hub, worse)))
    project = hub.clone("writer")
    (project.path / "README.md").write_text("More words.\n")
    project.commit("README")
    built = main(hub, onto_main(hub, project))
    job = built.jobs["main"]
    assert built.conclusion == "failure", job.output()
    text = f"- {NAME}: mean absolute error rose from 3.57 to 6.69 minutes, worse beyond noise"
    assert text in job.step("gate").output
    assert job.step("push").outcome == "skipped", (
        "a refused model is neither published nor registered"
    )
    return Seen(0, [], [built])


def onto_main(hub: Hub, project: Project) -> str:
    """Push the clone's HEAD to main; main's new commit."""
    git("push", "-q", "-f", str(hub.origin), "HEAD:refs/heads/main", cwd=project.path)
    return git("rev-parse", "refs/heads/main", cwd=hub.origin)


def where(sha: str) -> dict[str, Any]:
    """The context of a push to main."""
    return {"ref": "refs/heads/main", "sha": sha, "ref_name": "main"}
