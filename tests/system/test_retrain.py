"""Retraining from end to end by the real workflow: a small timed table, real git, DVC and a remote, and
a stand-in for GitHub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from tests import warm as forks
from tests.project import Project, environment
from tests.rehearsal import base as bases
from tests.rehearsal import hub as hubs
from tests.rehearsal import retrains
from tests.rehearsal.base import NAME, TABLE
from tests.rehearsal.hub import Hub
from tests.rehearsal.retrains import BRANCH, arrive, dry, rains, retrain
from tests.rehearsal.uses import git
from tests.shared import built, void
from tests.usecases import delivery_rows as deliveries


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion of dry days: run and pushed."""
    return built(tmp_path_factory, "retrain", lambda folder: void(retrains.make(folder)))


@pytest.fixture
def hub(base: Path, tmp_path: Path) -> Iterator[Hub]:
    with hubs.hub(base, tmp_path) as created:
        yield created


@pytest.mark.capability("A14", "H3")
def test_one_pull_request_and_not_twice(hub: Hub, tmp_path: Path) -> None:
    """And a stranger's clone of its branch gets the challenger's very bytes, with nothing to run.

    Two days, before the window that the monitor judges, came with distances a thousandth of what they were:
    no model learns from them.
    """
    laptop = hub.clone()
    laptop.set({f"{NAME}.validate.severity": {"distance.unit": "warn"}})
    proposed = rains(hub, laptop, retrains.in_megametres("2025-05-08", "2025-06-10"))
    report = proposed.summary()
    left_out = proposed.record["left_out"]
    assert left_out.startswith("left out for faults: 2025-05-08 (distance: unit: ")
    assert "); 2025-06-10 (distance: unit: " in left_out
    assert left_out in hub.api.pulls[0]["body"], "the reviewer reads it"
    assert f"pull request #1 (open): Retrain {NAME} on data up to 2025-06-30" in report
    path = tmp_path / "stranger"
    git("clone", "-q", "-b", BRANCH, str(hub.origin), str(path), cwd=hub.folder)
    clone = Project(path, warm=True)
    changed = git("diff", "--name-only", "HEAD~1", cwd=path).split()
    metrics = {f"metrics/{NAME}/{s}.json" for s in ("data", "evaluate", "monitor")}
    assert {"dvc.lock", "params.yaml"} | metrics <= set(changed)
    moved = git("diff", "--shortstat", "HEAD~1", "params.yaml", cwd=path)
    assert moved.startswith("1 file changed, 3 insertions(+), 1 deletion(-)")
    section = yaml.safe_load((path / "params.yaml").read_text())[NAME]
    assert section["features"]["leave_out"] == ["2025-05-08", "2025-06-10"]
    clone.run("dvc", "remote", "add", "-q", "-d", "--local", "team", str(hub.remote))
    clone.run("dvc", "pull", "-q")
    clone.run("python", "-m", "plumbline", "verify")
    assert clone.repro(env=bases.QUIET) == []


def test_bad_data_open_one_issue_that_health_closes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first by the workflow, on a runner; the second from a laptop, with outs of before."""
    laptop = hub.clone()
    arrive(laptop, 28, dry(deliveries.rows), lambda text: text.replace("distance", "far", 1))
    _, record = retrain(hub, "2025-05-29")
    assert record["outcome"] == "bad-data"
    assert f"stage data@{NAME} failed" in record["reasons"][0]
    (issue,) = hub.api.issues
    assert issue["state"] == "open"
    assert "distance" in issue["body"]
    file = laptop.path / TABLE
    file.write_text(file.read_text().replace("far", "distance", 1))
    laptop.commit("mended")
    monkeypatch.chdir(laptop.path)
    monkeypatch.setattr(
        os, "environ", {**environment(laptop.path), **hub.api.environment(), **forks.PLAIN}
    )
    forks.lend(monkeypatch)
    words = ("--days", "28", "--json", "reports/retrain.json", "--markdown", "reports/retrain.md")
    bundle = {p: p.read_bytes() for p in (laptop.path / "models" / NAME).iterdir()}
    assert main(["retrain", *words]) == 0
    assert main(["propose", "reports/retrain.json"]) == 0
    assert f"{NAME}: healthy: ok: " in capsys.readouterr().out
    assert (issue["state"], hub.api.pulls) == ("closed", [])
    assert laptop.run("git", "status", "--porcelain") == "", "the work tree is put back"
    assert bundle == {p: p.read_bytes() for p in (laptop.path / "models" / NAME).iterdir()}
    with (laptop.path / "params.yaml").open("a") as params:
        params.write("# somebody's\n")
    assert main(["retrain", *words]) == 2
    assert "params.yaml: differs from the commit" in capsys.readouterr().err


def test_who_is_to_know_is_told_by_the_workflow(hub: Hub) -> None:
    """One alert, updated by the next run's fresh machine; a webhook that is not set fails nothing."""
    laptop = hub.clone()
    laptop.set(
        {"alerts": {"github": True, "webhooks": [{"kind": "slack", "url": "SLACK_WEBHOOK_URL"}]}}
    )
    arrive(laptop, 28, dry(deliveries.rows), lambda text: text.replace("distance", "far", 1))
    first, record = retrain(hub, "2025-05-29")
    assert record["outcome"] == "bad-data"
    report = [i for i in hub.api.issues if "plumbline: alert" in i["body"]]
    assert [i["title"] for i in report] == [f"{NAME}: alert: stage"]
    assert "distance" in report[0]["body"]
    summary = first.jobs["retrain"].summary
    assert "slack (SLACK_WEBHOOK_URL): not reached: SLACK_WEBHOOK_URL is not set" in summary
    second, _ = retrain(hub, "2025-05-29")
    assert f"github: {NAME}: issue #{report[0]['number']} updated" in second.jobs["retrain"].summary
    assert len(hub.api.issues) == 2, "retrain's own, and the alert's"
