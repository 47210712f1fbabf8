"""Scenarios of a change: from the push, through the stages that run, to the comment and the checks."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from typing import Any

from filelock import FileLock

from plumbline.report.markdown import BREAK
from tests.conftest import ROOT
from tests.project import Project
from tests.rehearsal.base import FEATURES, NAME, QUIET, TABLE, WORSE
from tests.rehearsal.hub import Hub
from tests.rehearsal.hub import hub as new_hub
from tests.rehearsal.records import Run
from tests.rehearsal.reviews import Seen, comment, replay, review, stable
from tests.usecases import delivery_rows as deliveries

SEEN = "seen.json"


def helps(hub: Hub) -> Seen:
    """A parameter change that helps: green, and the comment says better."""
    return helped(hub)[0]


def helped(hub: Hub) -> tuple[Seen, Project]:
    """That scenario, for itself and for those that replay its run."""
    return once(hub, "helps", play_helps)


def hurt(hub: Hub) -> tuple[Seen, Project]:
    """The scenario `hurts`, likewise."""
    return once(hub, "hurts", play_hurts)


def once(hub: Hub, name: str, play: Callable[[Hub], Seen]) -> tuple[Seen, Project]:
    """What a scenario left and the contributor's clone; played once on a machine."""
    folder = hub.base / name
    with FileLock(f"{folder}.lock"):
        if not (folder / SEEN).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with new_hub(hub.base, folder) as host:
                play(host).save(folder / SEEN)
    return Seen.load(folder / SEEN), Project(folder / "laptop", warm=True)


def play_helps(hub: Hub) -> Seen:
    """Push the change that helps, and look at all that comes of it."""
    seen = review(hub, hub.push(hub.clone(branch="good"), "deeper"))
    assert seen.comment.startswith(
        f"**✅ Nothing against merging: {NAME}: mean absolute error fell"
    ), seen.log()
    assert set(seen.checks().values()) == {"green"}
    start = "POST /api/v3/repos/acme/plumbline"
    head = hub.api.pulls[-1]["head"]["sha"]
    assert hub.api.written() == [f"{start}/statuses/{head}", f"{start}/issues/1/comments"]
    assert hub.api.verdicts() == ["success"]
    assert "| mean absolute error | minutes |" in seen.review.summary
    golden(seen, "helps")
    return seen


def hurts(hub: Hub) -> Seen:
    """One that hurts: the gate is red, and the comment says worse, and why."""
    return hurt(hub)[0]


def play_hurts(hub: Hub) -> Seen:
    """Push the change that hurts, and look at all that comes of it."""
    seen = review(hub, hub.push(hub.clone(branch="worse"), "shallower"))
    assert seen.comment.startswith("**❌ Do not merge: "), seen.log()
    assert (
        f"{NAME}: mean absolute error rose from 3.57 to 6.69 minutes, worse beyond noise"
        in seen.comment
    )
    assert seen.review.step("gate").outcome == "failure"
    assert seen.checks() == colours(review="red")
    golden(seen, "hurts")
    return seen


def feature(hub: Hub) -> Seen:
    """A feature is added: named in the comment, and judged."""
    project = hub.clone()
    module = project.path / FEATURES
    text = module.read_text().replace('"hour", "rain"),', '"hour", "rain", "rush"),')
    module.write_text(text)
    seen = review(hub, hub.push(committed(project), "rush"))
    assert "now in the model: rush" in seen.comment, seen.log()
    assert re.search(
        "merging: deliveries: mean absolute error .*(better|no difference)", seen.comment
    )
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
    assert re.search(r"\| distance \|.*\| drift \|", seen.comment)
    assert "On base's test window" in seen.comment or "on base's test window" in seen.comment
    return seen


def bad_data(hub: Hub) -> Seen:
    """Rows that break the contract: a failed run, the stage and its error, and no figure."""
    project = hub.clone()
    lines = (project.path / TABLE).read_text().splitlines()[1:]
    bad = [re.sub(r"^(\d+),([^,]+),[^,]+,", r"\1,\2,-5,", line) for line in lines[:600]]
    deliveries.write(project.path / TABLE, bad + lines[600:])
    project.commit("new rows")
    seen = review(hub, hub.push(project, "rows"))
    return failed(seen, "validate@deliveries", "distance")


def failing_stage(hub: Hub) -> Seen:
    """A stage fails: its name and error, and no figure of an older run."""
    project = hub.clone()
    project.set({f"{NAME}.train.params": {"tree_method": "nothing"}})
    project.commit("another method")
    seen = review(hub, hub.push(project, "method"))
    return failed(seen, "train@deliveries", "tree")


def second_push(hub: Hub) -> Seen:
    """A second push: the same comment, now of the new commit."""
    event, run = replayed(hub)
    assert comment(hub, event, run).comment.startswith("**✅")
    seen = comment(hub, *replayed(hub, hurt))
    assert seen.comment.startswith("**❌"), seen.log()
    assert hub.api.comments_written() == ["POST", "PATCH"]
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
    spent = re.search(r"\| train \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", seen.comment)
    assert spent, "seconds and memory of both sides, as both ran here"
    return seen


def no_key(hub: Hub) -> Seen:
    """A remote that cannot be read (a bot has no secrets): computed here, and judged all the same."""
    hub.vars["DVC_REMOTE_URL"] = "http://127.0.0.1:9/nothing"
    seen = review(hub, hub.push(hub.clone(branch="good"), "deeper"))
    assert seen.comment.startswith("**✅"), seen.log()
    assert "computed here" in seen.review.step("baseline").output
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
    assert seen.comment.startswith("**❌ Do not merge: running "), seen.log()
    assert "mean absolute error rose from" in seen.comment
    assert seen.checks() == colours(review="red")
    return seen


def replayed(
    hub: Hub, earlier: Callable[[Hub], tuple[Seen, Project]] = helped
) -> tuple[dict[str, Any], Run]:
    """A pull request with the commit of an earlier scenario, and that one's run, as if just finished."""
    seen, project = earlier(hub)
    event = hub.push(project, "deeper")
    return event, replay(hub, event, seen.runs[0])


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


def failed(seen: Seen, stage: str, error: str) -> Seen:
    """A failed run, naming both, and not one figure; the job is red."""
    text = seen.comment.replace(BREAK, "")
    assert text.startswith(f"**❌ Do not merge: stage {stage} failed: "), seen.log()
    assert error in text.splitlines()[0]
    assert "No figures are shown" in text
    assert "|" not in text
    assert seen.review.step("changed stages").outcome == "failure"
    assert seen.checks() == colours(review="red")
    return seen


def colours(review: str) -> dict[str, str]:
    """The checks, with the review's colour."""
    fixed = {"pull-request/check": "green", "comment/comment": "green"}
    return {**fixed, "pull-request/review": review}
