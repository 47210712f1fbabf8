"""Retraining from end to end by the real workflow: a small timed table, real git, DVC and a remote, and
a stand-in for GitHub. The champion has never seen rain; then it rains."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from tests.project import Project, environment
from tests.rehearsal import base as bases
from tests.rehearsal import hub as hubs
from tests.rehearsal import workflows
from tests.rehearsal.base import NAME, TABLE
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import WORKFLOWS
from tests.rehearsal.uses import git
from tests.rehearsal.workflows import Run
from tests.usecases import deliveries

BRANCH = f"retrain/{NAME}"
AUTUMN = "2025-06-30"
Rows = Callable[..., list[str]]


def dry(rows: Rows) -> Rows:
    """The table's lines without rain, and without what rain costs."""

    def without(line: str) -> str:
        *start, distance, items, hour, rain, minutes = line.split(",")
        cost = int(rain) * (20.0 if float(distance) > 3 else 2.0)
        return ",".join([*start, distance, items, hour, "0", str(round(float(minutes) - cost, 1))])

    return lambda *words, **more: [without(line) for line in rows(*words, **more)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion of dry days: run, accepted, pushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "rows", dry(deliveries.rows))
        return bases.make(tmp_path_factory.mktemp("retrain"))


@pytest.fixture
def hub(base: Path, tmp_path: Path) -> Iterator[Hub]:
    with hubs.hub(base, tmp_path) as made:
        yield made


def arrive(
    hub: Hub, days: int, rows: Rows = deliveries.rows, edit: Callable[[str], str] = str
) -> None:
    """Push more days of the table to main, and nothing else: dvc.lock is of before."""
    project = hub.clone("laptop")
    file = project.path / TABLE
    lines = rows("2025-05-01", days, start=bases.DAYS * 40)
    file.write_text(edit(file.read_text() + "\n".join(lines) + "\n"))
    project.commit("new data")
    git("push", "-q", "origin", "HEAD:main", cwd=project.path)


def retrain(hub: Hub, as_of: str) -> tuple[Run, dict[str, Any]]:
    """The workflow, by hand; its record."""
    sha = git("rev-parse", "refs/heads/main", cwd=hub.origin)
    where = {"ref": "refs/heads/main", "ref_name": "main", "sha": sha}
    event = {"inputs": {"as_of": as_of}}
    run = workflows.run(hub, WORKFLOWS / "retrain.yml", "workflow_dispatch", event, **where)
    assert run.conclusion == "success", run.jobs["retrain"].output()
    file = hub.folder / "runs" / str(run.number) / "artifacts" / "retrain" / "retrain.json"
    return run, json.loads(file.read_text())["usecases"][0]


def test_one_pull_request_and_not_twice(hub: Hub, tmp_path: Path) -> None:
    arrive(hub, 60)
    run, record = retrain(hub, AUTUMN)

    assert record["outcome"] == "challenger", record["reasons"]
    assert record["as_of"] == {"from": "2025-05-01", "to": AUTUMN}
    (pull,) = hub.api.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (BRANCH, "main")
    assert pull["title"] == f"Retrain {NAME} on data up to {AUTUMN}"
    assert "known labels show a loss of quality" in pull["body"]
    assert "| mae | " in pull["body"]
    assert "Challenger against champion" in run.jobs["retrain"].summary
    pushed = git("rev-parse", BRANCH, cwd=hub.origin)
    retrain(hub, AUTUMN)
    assert len(hub.api.pulls) == 1, "not twice"
    assert hub.api.issues == []
    assert git("rev-parse", BRANCH, cwd=hub.origin) == pushed, (
        "the same challenger is not pushed again"
    )
    whole(hub, tmp_path / "stranger")
    somebody(hub, run, tmp_path / "somebody")


def whole(hub: Hub, path: Path) -> None:
    """A stranger's clone of the branch gets the challenger's very bytes, and has nothing to run."""
    git("clone", "-q", "-b", BRANCH, str(hub.origin), str(path), cwd=hub.folder)
    clone = Project(path)
    changed = git("diff", "--name-only", "HEAD~1", cwd=path).split()
    metrics = {f"metrics/{NAME}/{s}.json" for s in ("data", "evaluate", "monitor")}
    assert {"dvc.lock", "params.yaml"} | metrics <= set(changed)
    assert git("diff", "--shortstat", "HEAD~1", "params.yaml", cwd=path).startswith(
        "1 file changed, 1 ins"
    )
    clone.run("dvc", "remote", "add", "-q", "-d", "--local", "team", str(hub.remote))
    clone.run("dvc", "pull", "-q")
    clone.run("python", "-m", "plumbline", "verify")
    assert clone.repro(env=bases.QUIET) == []


def somebody(hub: Hub, run: Run, path: Path) -> None:
    """Commits on the branch: another challenger does not overwrite it, and says so."""
    git("clone", "-q", "-b", BRANCH, str(hub.origin), str(path), cwd=hub.folder)
    person = Project(path)
    (path / "NOTE.md").write_text("a reason\n")
    person.commit("a person's work")
    git("push", "-q", "origin", BRANCH, cwd=path)
    said = propose(hub, run, ok=False)
    assert "which no retrain made; it is left as it is" in said
    assert git("log", "-1", "--format=%s", BRANCH, cwd=hub.origin) == "a person's work"


def propose(hub: Hub, run: Run, *, ok: bool = True) -> str:
    """The workflow's last command once more, where it ran."""
    there = Project(run.jobs["retrain"].workspace)
    words = ("python", "-m", "plumbline", "propose", "reports/retrain.json")
    return there.run(*words, env=hub.api.environment(), ok=ok)


def test_bad_data_open_one_issue_that_health_closes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first by the workflow, on a runner; the second from a laptop, with outs of before."""
    arrive(hub, 28, dry(deliveries.rows), lambda text: text.replace("distance", "how_far", 1))
    run, record = retrain(hub, "2025-05-29")
    assert record["outcome"] == "bad-data"
    assert f"stage data@{NAME} failed" in record["reasons"][0]
    assert "issue #1" in propose(hub, run)
    (issue,) = hub.api.issues
    assert issue["state"] == "open"
    assert "distance" in issue["body"]
    laptop = Project(hub.folder / "laptop")
    file = laptop.path / TABLE
    file.write_text(file.read_text().replace("how_far", "distance", 1))
    laptop.commit("mended")
    before = {p: p.stat().st_mtime_ns for p in (laptop.path / "models").rglob("*.ubj")}
    monkeypatch.chdir(laptop.path)
    monkeypatch.setattr(os, "environ", {**environment(laptop.path), **hub.api.environment()})
    words = ("--days", "28", "--json", "reports/retrain.json", "--markdown", "reports/retrain.md")
    assert main(["retrain", *words]) == 0
    assert main(["propose", "reports/retrain.json"]) == 0
    assert f"{NAME}: healthy: fine: " in capsys.readouterr().out
    assert [i["state"] for i in hub.api.issues] == ["closed"]
    assert hub.api.pulls == []
    assert laptop.run("git", "status", "--porcelain") == "", "the work tree is put back"
    assert before == {p: p.stat().st_mtime_ns for p in before}, "the champion was not touched"
    with (laptop.path / "params.yaml").open("a") as params:
        params.write("# somebody's\n")
    assert main(["retrain", *words]) == 2
    assert "params.yaml: differs from the commit" in capsys.readouterr().err
