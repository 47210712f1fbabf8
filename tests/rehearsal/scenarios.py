"""What may come to a pull request: each scenario is played, checked, and gives what a reviewer sees.

Those that only concern the comment replay the run of `helps`, so that it is run once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plumbline.review.markdown import BREAK
from tests.conftest import ROOT
from tests.project import Project
from tests.rehearsal import workflows
from tests.rehearsal.base import MODULE, NAME, QUIET, TABLE, WORSE
from tests.rehearsal.hub import Hub, beside
from tests.rehearsal.reviews import WORKFLOWS, Seen, comment, replay, review, stable
from tests.usecases import deliveries

CML = ROOT / "tests" / "cml"
MARK = "CML watermark plumbline"


class Played:
    """The run of `helps`, kept for those that replay its comment; set by the first who asks."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self.laptop: Path | None = None


PLAYED = Played()


def golden(seen: Seen, name: str) -> None:
    """The comment is the one kept in docs/review/, but for commits, md5s and seconds."""
    file, text = ROOT / "docs" / "review" / f"{name}.md", stable(seen.comment) + "\n"
    if os.environ.get("REHEARSAL_KEEP"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    again = "look at the difference; `REHEARSAL_KEEP=1 make rehearse` keeps the new one"
    assert file.read_text(encoding="utf-8") == text, again


def committed(project: Project) -> Project:
    """`dvc repro` and a commit."""
    project.repro(env=QUIET)
    project.commit()
    return project


def helps(hub: Hub) -> Seen:
    """A parameter change that helps: green, and the comment says better."""
    project = hub.clone(branch="good")
    seen = review(hub, hub.push(project, "deeper"))
    assert seen.comment.startswith(f"**✅ May be merged: {NAME}: mae better"), seen.log()
    assert set(seen.checks().values()) == {"green"}
    assert hub.api.written() == ["POST /api/v3/repos/acme/plumbline/issues/1/comments"]
    assert "| mae |" in seen.review.summary
    golden(seen, "helps")
    PLAYED.seen, PLAYED.laptop = seen, project.path
    return seen


def hurts(hub: Hub) -> Seen:
    """One that hurts: the gate is red, and the comment says worse, and why."""
    seen = review(hub, hub.push(hub.clone(branch="worse"), "shallower"))
    assert seen.comment.startswith("**❌ Not to be merged: "), seen.log()
    assert f"{NAME}: mae is worse than base's beyond noise" in seen.comment
    assert seen.review.step("gate").outcome == "failure"
    assert seen.checks() == colours(review="red")
    golden(seen, "hurts")
    return seen


def feature(hub: Hub) -> Seen:
    """A feature is added: named in the comment, and judged."""
    project = hub.clone()
    module = project.path / MODULE
    text = module.read_text().replace('"hour", "rain"),', '"hour", "rain", "rush"),')
    module.write_text(text)
    seen = review(hub, hub.push(committed(project), "rush"))
    assert "now in the model: rush" in seen.comment, seen.log()
    assert re.search("merged: deliveries: mae (better|within noise)", seen.comment)
    assert seen.review.step("gate").outcome == "success"
    return seen


def drift(hub: Hub) -> Seen:
    """A month of new data from farther away: rows, span, and what the monitor says."""
    project = hub.clone()
    lines = (project.path / TABLE).read_text().splitlines()[1:]
    more = deliveries.rows("2025-05-01", 31, start=len(lines), stretch=1.8)
    deliveries.write(project.path / TABLE, lines + more)
    project.set({f"{NAME}.data.as_of": "2025-06-01"})
    seen = review(hub, hub.push(committed(project), "may"))
    assert f"{len(lines):,} | {len(lines) + len(more):,}" in seen.comment, seen.log()
    assert "Monitor: " in seen.comment
    assert "distance" in re.split("Monitor: ", seen.comment)[1]
    assert "On base's test window" in seen.comment or "on base's test window" in seen.comment
    return seen


def bad_data(hub: Hub) -> Seen:
    """Rows that break the contract: FAILED, the stage and its error, and no figure."""
    project = hub.clone()
    lines = (project.path / TABLE).read_text().splitlines()[1:]
    bad = [re.sub(r"^(\d+),([^,]+),[^,]+,", r"\1,\2,-5,", line) for line in lines[:600]]
    deliveries.write(project.path / TABLE, bad + lines[600:])
    project.commit("new rows")
    seen = review(hub, hub.push(project, "rows"))
    return failed(seen, "validate@deliveries", "distance")


def failing_stage(hub: Hub) -> Seen:
    """A stage fails: FAILED, its name and error, and no figure of an older run."""
    project = hub.clone()
    project.set({f"{NAME}.train.params": {"tree_method": "nothing"}})
    project.commit("another method")
    seen = review(hub, hub.push(project, "method"))
    return failed(seen, "train@deliveries", "tree")


def second_push(hub: Hub) -> Seen:
    """A second push: the same comment, now of the new commit."""
    hub.vars |= cml(hub)
    event, run = replayed(hub)
    assert comment(hub, event, run).comment.startswith("**✅")
    seen = review(hub, hub.push(hub.clone(branch="worse"), "deeper"))
    assert seen.comment.startswith("**❌"), seen.log()
    assert [line.split(" ")[0] for line in hub.api.written()] == ["POST", "PATCH"]
    return seen


def stale_run(hub: Hub) -> Seen:
    """A run that ends after the next push: its comment is not posted."""
    event, run = replayed(hub)
    hub.api.pulls[-1]["head"]["sha"] = "f" * 40
    seen = comment(hub, event, run)
    assert seen.comments == []
    assert seen.checks()["comment/comment"] == "green"
    return seen


def many_comments(hub: Hub) -> Seen:
    """35 earlier comments: one is ours from then on, with CML or without."""
    hub.vars |= cml(hub)
    event, run = replayed(hub)
    for i in range(35):
        hub.api.comment(event["number"], f"comment {i}")
    comment(hub, event, run)
    seen = comment(hub, event, run)
    assert len(seen.comments) == 36
    assert MARK in seen.comments[-1]
    assert [line.split(" ")[0] for line in hub.api.written()] == ["POST", "PATCH"]
    return seen


def with_cml(hub: Hub) -> Seen:
    """CML is there: it posts, and it updates."""
    hub.vars |= cml(hub)
    event, run = replayed(hub)
    comment(hub, event, run)
    seen = comment(hub, event, run)
    assert "CML wrote the comment" in seen.log()
    assert [line.split(" ")[0] for line in hub.api.written()] == ["POST", "PATCH"]
    assert seen.comment
    return seen


def cml_absent(hub: Hub) -> Seen:
    """No CML: REST posts, and finds what CML had posted."""
    event, run = replayed(hub)
    given, hub.vars = hub.vars, {**hub.vars, **cml(hub)}
    comment(hub, event, run)
    hub.vars = given
    seen = comment(hub, event, run)
    assert "updated by REST: CML is not installed" in seen.log()
    assert seen.comment
    return seen


def cml_failing(hub: Hub) -> Seen:
    """CML fails, or its bytes are others than the digest says: REST posts."""
    broken = hub.folder / "broken"
    broken.write_text("#!/bin/sh\necho no such option >&2\nexit 1\n")
    hub.vars |= cml(hub, broken)
    event, run = replayed(hub)
    seen = comment(hub, event, run)
    assert "written by REST: CML failed (1: no such option)" in seen.log(), seen.log()
    hub.vars["CML_SHA256"] = "0" * 64
    seen = comment(hub, event, run)
    assert "its bytes are not those of CML_SHA256" in seen.log()
    assert "updated by REST: CML is not installed" in seen.log()
    assert seen.comment
    return seen


def read_only(hub: Hub) -> Seen:
    """A token that may only read: a warning, a green job, no comment."""
    hub.vars |= cml(hub)
    hub.read_only = True
    event, run = replayed(hub)
    seen = comment(hub, event, run)
    assert seen.comments == []
    assert "::warning::the report is in the other job's summary only" in seen.log()
    assert seen.checks()["comment/comment"] == "green"
    return seen


def fork(hub: Hub) -> Seen:
    """From a fork, with no secret and no remote: computed here, commented on the right pull request."""
    hub.push(hub.clone("other"), "deeper")  # the same branch name, of the repository's own
    project = hub.clone(branch="good")
    seen = review(hub, hub.push(project, "deeper", owner="stranger"))
    assert seen.comment.startswith("**✅"), seen.log()
    assert "DVC_REMOTE_URL is not set" in seen.review.step("remote").output
    assert "computed here" in seen.review.step("baseline").output
    assert hub.api.bodies(1) == []
    assert seen.number == 2
    return seen


def no_key(hub: Hub) -> Seen:
    """A remote that cannot be read (a bot has no secrets): computed here, and judged all the same."""
    hub.vars["DVC_REMOTE_URL"] = "http://127.0.0.1:9/nothing"
    seen = review(hub, hub.push(hub.clone(branch="good"), "deeper"))
    assert seen.comment.startswith("**✅"), seen.log()
    assert "computed here" in seen.review.step("baseline").output
    return seen


def forged_artifact(hub: Hub) -> Seen:
    """An artifact that lies: another number, mentions, HTML, 10 MB, no JSON. Nothing acts."""
    event, run = replayed(hub)
    hub.push(hub.clone("other"), "victim")
    file = run.folder / "artifacts" / "comparison" / "change.json"
    good = json.loads(file.read_text())
    for forged in forgeries(good):
        file.write_text(forged)
        seen = comment(hub, event, run)
        assert seen.checks()["comment/comment"] == "red"
        assert seen.comments == []
    file.write_text(json.dumps(shouting(good)))
    seen = comment(hub, event, run)
    text = seen.comment.split("![](")[0]
    assert "<script" not in text
    assert not re.search(r"@[A-Za-z]", text)
    assert "](" not in text
    assert hub.api.bodies(2) == [], "the event says whose comment it is, not the artifact"
    return seen


def forged_lock(hub: Hub) -> Seen:
    """A dvc.lock, consistent in itself, of a model that this code does not give: run again, and told."""
    project = hub.clone(branch="good")
    project.set(WORSE)
    lock = project.path / "dvc.lock"
    text = lock.read_text()
    for old, new in (("rounds: 400", "rounds: 25"), ("max_depth: 4", "max_depth: 1")):
        assert old in text
        text = text.replace(old, new)
    lock.write_text(text)
    project.commit("the same figures, cheaper")
    project.run("dvc", "push", "-q")
    seen = review(hub, hub.push(project, "cheaper"))
    assert seen.comment.startswith("**❌ Not to be merged: dvc.lock as committed is not"), (
        seen.log()
    )
    assert "mae is worse than base's" in seen.comment
    assert seen.checks() == colours(review="red")
    return seen


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


def replayed(hub: Hub) -> tuple[dict[str, Any], workflows.Run]:
    """The pull request of `helps`, and its run, as if just finished."""
    if PLAYED.seen is None:
        with beside(hub) as other:
            helps(other)
    assert PLAYED.seen is not None
    assert PLAYED.laptop is not None
    event = hub.push(Project(PLAYED.laptop), "deeper")
    return event, replay(hub, event, PLAYED.seen.runs[0])


def failed(seen: Seen, stage: str, error: str) -> Seen:
    """FAILED, naming both, and not one figure; the job is red."""
    text = seen.comment.replace(BREAK, "")
    assert text.startswith(f"**❌ FAILED: stage {stage} failed: "), seen.log()
    assert error in text.splitlines()[0]
    assert "No figure is shown" in text
    assert "|" not in text
    assert seen.review.step("changed stages").outcome == "failure"
    assert seen.checks() == colours(review="red")
    return seen


def colours(review: str) -> dict[str, str]:
    """The checks, with the review's colour."""
    fixed = {"pull-request/check": "green", "comment/comment": "green"}
    return {**fixed, "pull-request/review": review}


def cml(hub: Hub, program: Path = CML) -> dict[str, str]:
    """The variable that lets the stand-in be fetched, by the address that the rehearsal sets."""
    hub.extra["CML_URL"] = program.as_uri()
    return {"CML_SHA256": hashlib.sha256(program.read_bytes()).hexdigest()}


def forgeries(good: dict[str, Any]) -> list[str]:
    """Artifacts that must be refused."""
    extra = {**good, "pull_request": 2}
    long = {**good, "unchanged": ["x" * 5000]}
    deep = "[" * 100_000 + "]" * 100_000
    return [
        json.dumps(extra),
        json.dumps(long),
        json.dumps({**good, "usecases": {"<b>": {}}}),
        json.dumps(good).replace("0.95", "NaN", 1),
        deep,
        "no JSON",
        json.dumps(good) + " " * 10_000_000,
    ]


def shouting(good: dict[str, Any]) -> dict[str, Any]:
    """One that the schema lets through: names and reasons that try to act."""
    loud = "@everyone <script>alert(1)</script> [here](https://evil.example) ![](https://evil.example/x) | #2"
    case = good["usecases"][NAME]
    case["evaluate"]["reasons"] = [loud]
    case["params"].append({"key": loud[:150], "base": loud, "head": [loud]})
    return {**good, "unchanged": [loud[:150]], "head": {**good["head"], "name": loud[:150]}}


SCENARIOS: tuple[Callable[[Hub], Seen], ...] = (
    *(helps, hurts, feature, drift, bad_data, failing_stage, second_push, stale_run, many_comments),
    *(with_cml, cml_absent, cml_failing, read_only, fork, no_key, forged_artifact, forged_lock),
    *(merged, merged_from_fork),
)
