"""Scenarios of main itself: what a commit is compared with, and what is released."""

from __future__ import annotations

from typing import Any

from tests.project import Project
from tests.rehearsal import workflows
from tests.rehearsal.base import NAME
from tests.rehearsal.hub import Hub
from tests.rehearsal.merges import main
from tests.rehearsal.reviews import WORKFLOWS, Seen
from tests.rehearsal.uses import git

REPOSITORY = {"full_name": "acme/plumbline", "default_branch": "main"}


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


def released_branch(hub: Hub) -> Seen:
    """A release's tag on a branch: refused by main's code, and no step of the tag's code has run."""
    project = hub.clone(branch="good")
    git("push", "-q", str(hub.origin), "HEAD:refs/tags/model-v1", cwd=project.path)
    built = release(hub, "model-v1")
    assert built.conclusion == "failure"
    output = built.jobs["accepted"].step("accepted").output
    assert "is not on the first-parent history of origin/main; merge it" in output
    assert [built.jobs[name].result for name in ("pack", "attest", "publish")] == ["skipped"] * 3
    assert hub.api.releases == []
    return Seen(0, [], [built])


def merge_queue(hub: Hub) -> Seen:
    """A merge queue's group: the same two checks, against the commit that it is built on; no comment."""
    project = hub.clone()
    base = git("rev-parse", "HEAD", cwd=project.path)
    (project.path / "README.md").write_text("More words.\n")
    project.commit("README")
    ref, sha = "refs/heads/gh-readonly-queue/main/pr-1", git("rev-parse", "HEAD", cwd=project.path)
    git("push", "-q", str(hub.origin), f"HEAD:{ref}", cwd=project.path)
    group = {"base_sha": base, "base_ref": "refs/heads/main", "head_sha": sha, "head_ref": ref}
    event = {"merge_group": group, "repository": REPOSITORY}
    built = workflows.run(
        hub, WORKFLOWS / "pull-request.yml", "merge_group", event, ref=ref, sha=sha
    )
    checks = {job.name: job.result for job in built.jobs.values()}
    assert checks == {"check": "success", "review": "success"}, built.jobs["review"].output()
    return Seen(0, [], [built])


def release(hub: Hub, tag: str) -> workflows.Run:
    """The run of a pushed tag."""
    sha = git("rev-parse", f"refs/tags/{tag}^{{commit}}", cwd=hub.origin)
    where = {"ref": f"refs/tags/{tag}", "ref_name": tag, "sha": sha}
    event = {"ref": where["ref"], "repository": REPOSITORY}
    return workflows.run(hub, WORKFLOWS / "release.yml", "push", event, **where)


def onto_main(hub: Hub, project: Project) -> str:
    """Push the clone's HEAD to main; main's new commit."""
    git("push", "-q", "-f", str(hub.origin), "HEAD:refs/heads/main", cwd=project.path)
    return git("rev-parse", "refs/heads/main", cwd=hub.origin)


def where(sha: str) -> dict[str, Any]:
    """The context of a push to main."""
    return {"ref": "refs/heads/main", "sha": sha, "ref_name": "main"}
