"""Scenarios of main, after a merge."""

from __future__ import annotations

from tests.rehearsal import workflows
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import WORKFLOWS, Seen


def merged(hub: Hub) -> Seen:
    """Main after the merge: nothing is computed again, bytes are hashed, the model is registered."""
    project = hub.clone(branch="good")
    project.run("dvc", "push", "-q")
    hub.vars["MLFLOW_TRACKING_URI"] = f"sqlite:///{hub.folder}/mlflow.db"
    event = hub.push(project, "deeper")
    built = main(hub, hub.merge(event))
    message = built.jobs["main"].output()
    assert built.conclusion == "success", message
    assert "Running stage" not in message
    assert "Updating lock file" not in message
    assert "champion" in built.jobs["main"].step("register").output
    return Seen(event["number"], [], [built])


def merged_from_fork(hub: Hub) -> Seen:
    """Main after a fork's merge: computed once, as committed, and published."""
    project = hub.clone(branch="good")
    event = hub.push(project, "deeper", owner="stranger")
    built = main(hub, hub.merge(event))
    message = built.jobs["main"].output()
    assert built.conclusion == "success", message
    assert "Running stage 'train@deliveries'" in message
    assert "all good" in built.jobs["main"].step("push").output
    return Seen(event["number"], [], [built])


def main(hub: Hub, sha: str) -> workflows.Run:
    """The run of a push to main."""
    event = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    context = {"ref": "refs/heads/main", "sha": sha, "ref_name": "main"}
    return workflows.run(hub, WORKFLOWS / "main.yml", "push", event, **context)
