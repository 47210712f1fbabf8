"""Scenarios of retraining: the champion has never seen rain; then it rains."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import project as projects
from tests.project import Project
from tests.rehearsal import base, workflows
from tests.rehearsal.base import NAME, TABLE
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import COLOURS, WORKFLOWS
from tests.rehearsal.uses import git
from tests.rehearsal.workflows import Run
from tests.usecases import delivery_rows as deliveries

BRANCH = f"retrain/{NAME}"
AUTUMN = "2025-06-30"
PER_DAY = 40
Rows = Callable[..., list[str]]


@dataclass
class Proposed:
    """What a maintainer sees of retraining: the runs, the open pull requests and issues."""

    hub: Hub
    runs: list[Run]
    record: dict[str, Any]

    def summary(self, lines: int = 4) -> str:
        """For a person: the jobs, and how each pull request begins."""
        jobs = [f"retrain {COLOURS[job.result]}" for run in self.runs for job in run.jobs.values()]
        shown = [f"jobs: {', '.join(jobs)}"]
        for entry in (*self.hub.api.pulls, *self.hub.api.issues):
            kind = "pull request" if "head" in entry else "issue"
            shown.append(f"{kind} #{entry['number']} ({entry['state']}): {entry['title']}")
            text = [line for line in entry["body"].splitlines() if line.strip()]
            shown += [f"| {line}" for line in text[:lines]]
        return "\n".join(shown)


def once(hub: Hub) -> Proposed:
    """Retrain opens one pull request with the evidence, and not twice."""
    return rains(hub, champion(hub))


def in_megametres(*days: str) -> Callable[[str], str]:
    """An edit of the table: the distances of these days divided by 1000."""

    def edit(text: str) -> str:
        lines = (line.split(",") for line in text.splitlines())
        changed = [
            [*c[:2], str(float(c[2]) / 1000), *c[3:]] if c[1].startswith(days) else c for c in lines
        ]
        return "\n".join(map(",".join, changed)) + "\n"

    return edit


def rains(hub: Hub, project: Project, edit: Callable[[str], str] = str) -> Proposed:
    """Where the champion of dry days is main's: new data come, and the workflow runs twice."""
    arrive(project, 60, edit=edit)
    first, record = retrain(hub, AUTUMN)
    assert record["outcome"] == "challenger", record["reasons"]
    assert record["as_of"] == {"from": "2025-05-01", "to": AUTUMN}
    (pull,) = hub.api.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (BRANCH, "main")
    assert pull["title"] == f"Retrain {NAME} on data up to {AUTUMN}"
    assert "known labels show a loss of quality" in pull["body"]
    assert "| mean absolute error | minutes | " in pull["body"]
    assert "Challenger against champion" in first.jobs["retrain"].summary
    pushed = git("rev-parse", BRANCH, cwd=hub.origin)
    second, record = retrain(hub, AUTUMN)
    assert len(hub.api.pulls) == 1, "not twice"
    assert hub.api.issues == []
    assert git("rev-parse", BRANCH, cwd=hub.origin) == pushed, "the same is not pushed again"
    return Proposed(hub, [first, second], record)


def champion(hub: Hub) -> Project:
    """Make main's model one of dry days; the clone it was made in."""
    project = hub.clone("dry")
    deliveries.write(project.path / TABLE, dry(deliveries.rows)(base.FIRST, base.DAYS))
    project.repro(env=base.QUIET)
    project.commit("dry days")
    project.run("dvc", "push", "-q")
    git("push", "-q", "origin", "HEAD:main", cwd=project.path)
    return project


def make(folder: Path) -> Path:
    """A base, as `base.make` makes one, with nothing but a champion of dry days."""
    (folder / "project").mkdir()
    project = projects.make(folder / "project", [], warm=True)
    projects.add_usecase(project, NAME)
    deliveries.write(project.path / TABLE, dry(deliveries.rows)(base.FIRST, base.DAYS))
    (project.path / "profiles" / f"{NAME}.json").write_text("{}\n")
    (project.path / "profiles" / f"{NAME}.history.csv").touch()
    with (project.path / "params.yaml").open("a") as params:
        params.write(yaml.safe_dump({NAME: base.SECTION}))
    project.set({"usecases": [NAME]})
    project.repro(env=base.QUIET)
    project.commit("dry days")
    git("clone", "-q", "--bare", str(project.path), str(folder / "origin.git"), cwd=folder)
    base.publish(project, folder / "remote")
    git("gc", "-q", cwd=folder / "origin.git")  # else every fetch compresses all files again
    return folder


def dry(rows: Rows) -> Rows:
    """The table's lines without rain, and without what rain costs."""

    def without(line: str) -> str:
        *start, distance, items, hour, rain, minutes = line.split(",")
        cost = int(rain) * (20.0 if float(distance) > 3 else 2.0)
        return ",".join([*start, distance, items, hour, "0", str(round(float(minutes) - cost, 1))])

    return lambda *words, **more: [without(line) for line in rows(*words, **more)]


def arrive(
    project: Project, days: int, rows: Rows = deliveries.rows, edit: Callable[[str], str] = str
) -> None:
    """Push more days of the table to main, and nothing else: dvc.lock is of before."""
    file = project.path / TABLE
    lines = rows("2025-05-01", days, start=base.DAYS * PER_DAY)
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


SCENARIOS: tuple[Callable[[Hub], Proposed], ...] = (once,)
