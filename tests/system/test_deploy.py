"""deploy.yml, run as GitHub runs it: what main accepted is checked, loaded, and the server told by a key that may do no more."""

from __future__ import annotations

import getpass
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests import remotes
from tests.rehearsal import hub as hubs
from tests.rehearsal import mainline, retrains, workflows
from tests.rehearsal.base import NAME
from tests.rehearsal.reviews import WORKFLOWS
from tests.rehearsal.uses import git
from tests.shared import built, void

pytestmark = [
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.timeout(900),
]


@pytest.mark.capability("H8")
def test_what_main_accepted_is_checked_loaded_and_the_server_told(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    base = built(tmp_path_factory, "retrain", lambda folder: void(retrains.make(folder)))
    with hubs.hub(base, tmp_path) as hub, remotes.sshd("echo the server looks") as server:
        sha = git("rev-parse", "refs/heads/main", cwd=hub.origin)
        hub.ended("main.yml", "push", "success", mainline.where(sha))
        hub.extra["PYTHON"] = sys.executable  # a service is no fork of a test's process
        hub.vars |= {
            "DEPLOY_TARGET": f"{getpass.getuser()}@127.0.0.1", "DEPLOY_PORT": str(server.port), "DEPLOY_RATE": "20",
            "DEPLOY_SECONDS": "2", "DEPLOY_GATE": "errors=0",
        }  # fmt: skip
        hub.secrets |= {
            "DEPLOY_KEY": (server.folder / "user").read_text(), "DEPLOY_KNOWN_HOSTS": server.known_hosts
        }  # fmt: skip
        ended = {"head_sha": sha, "conclusion": "success", "event": "push", "head_branch": "main"}
        event = {"workflow_run": ended, "repository": mainline.REPOSITORY}
        where = {"ref": "refs/heads/main", "sha": sha}
        run = workflows.run(hub, WORKFLOWS / "deploy.yml", "workflow_run", event, **where)
        job = run.jobs["deploy"]
        assert run.conclusion == "success", job.output()
        assert f"{NAME}: " in job.step("changed").output
        assert "it may serve" in job.step("bundle").output
        assert "the server looks" in job.step("promote").output
        artifact = (
            tmp_path / "runs" / str(run.number) / "artifacts" / "deploy" / f"load-{NAME}.json"
        )
        assert json.loads(artifact.read_text())["server"]["errors"] == 0
        failed = {
            "workflow_run": {**ended, "conclusion": "failure"},
            "repository": mainline.REPOSITORY,
        }
        skipped = workflows.run(hub, WORKFLOWS / "deploy.yml", "workflow_run", failed, **where)
        assert skipped.jobs["deploy"].result == "skipped"
