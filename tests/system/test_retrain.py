"""Retraining from end to end: a plain table, real git, DVC and a remote, and a stand-in for GitHub."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import project as projects
from tests.github import GitHub, github
from tests.project import Project

QUIET = {"MLFLOW_TRACKING_URI": "off"}
SOURCE = Path("sources") / "diabetes" / "diabetes.csv"
BRANCH = "retrain/diabetes"


def table(rows: int, sexes: tuple[int, ...], seed: int = 0) -> pd.DataFrame:
    """Patients of a made-up clinic: progression rises in steps, which are other ones for sex 2."""
    random = np.random.default_rng(seed)
    drawn = {f"s{i}": random.normal(100, 10, rows).round(1) for i in range(1, 7)}
    bmi, sex = random.normal(26, 4, rows).clip(15, 45), random.choice(sexes, rows)
    steps = 60 + 80 * (bmi > 23) + 80 * (bmi > 30) + 150 * (sex == 2) * (bmi > 26)
    return pd.DataFrame(
        {
            "patient": np.arange(rows),
            "age": random.integers(20, 80, rows),
            "sex": sex,
            "bmi": bmi.round(1),
            "bp": random.normal(95, 10, rows).round(1),
            **drawn,
            "progression": steps + random.normal(0, 10, rows),
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The use case run on patients of sex 1, committed and pushed: to a bare origin and a remote."""
    folder = tmp_path_factory.mktemp("retrain")
    project = projects.make(folder / "project", ["diabetes"])
    project.set({"diabetes.tune.max_evals": 0})
    table(1500, (1,)).to_csv(project.path / SOURCE, index=False)
    project.run("dvc", "remote", "add", "-q", "-d", "--local", "storage", str(folder / "remote"))
    project.repro(env=QUIET)
    project.commit("reproduced")
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", str(folder / "origin")], check=True
    )
    project.run("git", "remote", "add", "origin", str(folder / "origin"))
    project.run("git", "push", "-q", "origin", "main")
    project.run("dvc", "push", "-q")
    return project


@pytest.fixture
def project(made: Project) -> Iterator[Project]:
    """The project, put back afterwards."""
    yield made
    made.run("git", "checkout", "-q", ".")
    assert made.run("git", "status", "--porcelain", "--branch").splitlines() == ["## main"]


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as state:
        yield state


def retrain(project: Project, hub: GitHub) -> dict[str, Any]:
    """Both commands, as the workflow calls them; the record."""
    file = project.path.parent / "retrain.json"
    start, env = ("python", "-m", "plumbline"), {**QUIET, **hub.environment()}
    project.run(*start, "retrain", "--json", str(file), env=env)
    project.run(*start, "propose", str(file), env=env)
    return json.loads(file.read_text())["usecases"][0]


def test_bad_data_open_one_issue_that_health_closes(project: Project, hub: GitHub) -> None:
    whole = pd.read_csv(project.path / SOURCE)
    for _ in range(2):
        whole.drop(columns="bmi").to_csv(project.path / SOURCE, index=False)
        record = retrain(project, hub)
        assert record["outcome"] == "bad-data"
        assert "stage data@diabetes failed" in record["reasons"][0]
    assert [i["state"] for i in hub.issues] == ["open"]
    assert "bmi" in hub.issues[0]["body"]
    whole.to_csv(project.path / SOURCE, index=False)
    assert retrain(project, hub)["outcome"] == "healthy"
    assert [i["state"] for i in hub.issues] == ["closed"]
    assert hub.pulls == []


def test_a_loss_of_quality_opens_one_pull_request(project: Project, hub: GitHub) -> None:
    table(3000, (1, 2), seed=1).to_csv(project.path / SOURCE, index=False)
    before = (project.path / "dvc.lock").read_bytes()
    record = retrain(project, hub)
    assert record["outcome"] == "challenger", record["reasons"]
    assert (project.path / "dvc.lock").read_bytes() == before
    assert [p["head"]["ref"] for p in hub.pulls] == [BRANCH]
    assert "known labels show a loss" in hub.pulls[0]["body"]
    assert retrain(project, hub)["outcome"] == "challenger"
    assert len(hub.pulls) == 1, "not twice"
    assert hub.issues == []


def test_what_was_pushed_is_whole(project: Project, tmp_path: Path) -> None:
    """Runs after the one above: a stranger's clone of the branch gets the challenger's very bytes."""
    origin, remote = (str(project.path.parent / name) for name in ("origin", "remote"))
    project.run("git", "clone", "-q", "-b", BRANCH, origin, str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    assert clone.run("git", "log", "--format=%s", "-1").strip() == "Retrain diabetes"
    changed = clone.run("git", "diff", "--name-only", "HEAD~1").split()
    assert {"dvc.lock", str(SOURCE), "metrics/diabetes/evaluate.json"} <= set(changed)
    clone.run("dvc", "remote", "add", "-q", "-d", "--local", "storage", remote)
    clone.run("dvc", "pull", "-q")
    clone.run("python", "-m", "plumbline", "verify")
    assert clone.repro(env=QUIET) == []
