"""Scenarios of the comment alone, after the run of a change that helps: who posts, where, and what of."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from plumbline.ops.hosting.comments import watermark
from tests.conftest import ROOT
from tests.rehearsal.base import NAME
from tests.rehearsal.changes import replayed
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import Seen, comment

CML = ROOT / "tests" / "cml"
MARK = "CML watermark plumbline"


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
    assert hub.api.comments_written() == ["POST", "PATCH"]
    return seen


def with_cml(hub: Hub) -> Seen:
    """CML is there: it posts, and it updates."""
    hub.vars |= cml(hub)
    event, run = replayed(hub)
    comment(hub, event, run)
    seen = comment(hub, event, run)
    assert "CML wrote the comment" in seen.log()
    assert hub.api.comments_written() == ["POST", "PATCH"]
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
        assert seen.comment.startswith("**❌ No comparison: that of commit ")
        assert hub.api.verdicts()[-1] == "failure"
    file.write_text(json.dumps(shouting(good)))
    seen = comment(hub, event, run)
    text = seen.comment.split("![](")[0]
    assert "<script" not in text
    assert not re.search(r"@[A-Za-z]", text)
    assert not re.search(r"(?<!\\)\]\(", text), "no link: each bracket is escaped"
    assert hub.api.bodies(2) == [], "the event says whose comment it is, not the artifact"
    return seen


def missing_artifact(hub: Hub) -> Seen:
    """A run that left no comparison: the comment says so, in place of an earlier commit's report."""
    event, run = replayed(hub)
    hub.api.comment(event["number"], f"**✅ Nothing against merging**\n\n{watermark('2' * 40)}")
    shutil.rmtree(run.folder / "artifacts")
    seen = comment(hub, event, run)
    assert seen.comment.startswith("**❌ No comparison: the run for commit "), seen.log()
    assert f"actions/runs/{run.number}) says why" in seen.comment
    assert seen.checks()["comment/comment"] == "green"
    return seen


def two_bases(hub: Hub) -> Seen:
    """Two pull requests of one branch, into main and into stable: each gets its own report."""
    event, run = replayed(hub)
    head = hub.api.pulls[-1]["head"]
    other = hub.api.open_pull(head["ref"], head["sha"], base="stable")
    comment(hub, event, run)
    file = run.folder / "artifacts" / "comparison" / "change.json"
    report = json.loads(file.read_text())
    report["base"]["name"] = "origin/stable"
    file.write_text(json.dumps(report))
    seen = comment(hub, event, run)
    assert [len(hub.api.bodies(number)) for number in (event["number"], other)] == [1, 1], (
        seen.log()
    )
    assert "pull request 2: written by REST" in seen.log()
    return seen


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
