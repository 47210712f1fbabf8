"""The nightly workflow on a small repository: what broke is one open issue until it is well again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.rehearsal import hub as hubs
from tests.rehearsal import workflows
from tests.rehearsal.hub import IDENTITY, Hub

FILE = ROOT / ".github" / "workflows" / "nightly.yml"


def origin(folder: Path, script: str) -> None:
    """`folder`/origin.git on main, whose .ci/nightly is this script."""
    work = folder / "work"
    (work / ".ci").mkdir(parents=True, exist_ok=True)
    nightly = work / ".ci" / "nightly"
    nightly.write_text(f"#!/bin/sh\n{script}\n")
    nightly.chmod(0o755)
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("commit", "-q", "-m", "nightly"),
        ("push", "-q", "-f", str(folder / "origin.git"), "main"),
    ):
        subprocess.run(
            ["git", *words],
            cwd=work,
            check=True,
            env={**os.environ, **IDENTITY},
        )


def night(hub: Hub) -> str:
    hub.extra["PYTHONPATH"] = str(ROOT)
    where = {"ref": "refs/heads/main", "ref_name": "main", "sha": ""}
    run = workflows.run(hub, FILE, "schedule", {}, **where)
    assert run.jobs["tell"].result == "success", run.jobs["tell"].output()
    return run.jobs["newest"].result


@pytest.mark.capability("H3")
@pytest.mark.mltest("Monitor 1")
def test_one_issue_until_it_is_well_again(tmp_path: Path) -> None:
    base, host = tmp_path / "base", tmp_path / "host"
    host.mkdir()
    (base / "remote").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "--bare", str(base / "origin.git")], check=True)
    origin(base, "echo '@everyone <b>pandas 9 removed it</b>'; exit 3")
    with hubs.hub(base, host) as hub:
        for _ in range(2):
            assert night(hub) == "failure", "the log's pipe must not hide the exit code"
        (issue,) = hub.api.issues
        assert issue["state"] == "open"
        assert "    @everyone <b>pandas 9 removed it</b>" in issue["body"].splitlines()
        assert f"{hub.api.url}/acme/plumbline/actions/runs/" in issue["body"]
        origin(host, "echo well")
        assert night(hub) == "success"
        assert [i["state"] for i in hub.api.issues] == ["closed"]
