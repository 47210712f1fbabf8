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
    made = main(hub, hub.merge(event))
    said = made.jobs["main"].output()
    assert made.conclusion == "success", said
    assert "Running stage" not in said
    assert "Updating lock file" not in said
    assert "champion" in made.jobs["main"].step("register").output
    return Seen(event["number"], [], [made])


def merged_from_fork(hub: Hub) -> Seen:
    """Main after a fork's merge: computed once, as committed, and published."""
    project = hub.clone(branch="good")
    event = hub.push(project, "deeper", owner="stranger")
    made = main(hub, hub.merge(event))
    said = made.jobs["main"].output()
    assert made.conclusion == "success", said
    assert "Running stage 'train@deliveries'" in said
    assert "all good" in made.jobs["main"].step("push").output
    return Seen(event["number"], [], [made])


def main(hub: Hub, sha: str) -> workflows.Run:
    """The run of a push to main."""
    event = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    context = {"ref": "refs/heads/main", "sha": sha, "ref_name": "main"}
    return workflows.run(hub, WORKFLOWS / "main.yml", "push", event, **context)
