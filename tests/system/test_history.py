"""A month of a project replayed: ten commits, three tags, two merges, a hotfix; and back to each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.core import dvc_hash, tables
from plumbline.ops.rollback import registry
from plumbline.repo import revisions
from plumbline.runtime import dvc_lock
from plumbline.tracking import mlflow_process
from tests import project as projects
from tests import warm as forks
from tests.project import Project

CASE = "diabetes"
MODEL = f"models/{CASE}"
PREDICTIONS = Path("reports", CASE, "evaluate", "predictions.parquet")
QUIET = {"MLFLOW_TRACKING_URI": "off", **forks.PLAIN}
START = {
    f"{CASE}.tune.max_evals": 0,
    f"{CASE}.train.rounds": 20,
    f"{CASE}.train.params": {"max_depth": 2},
    f"{CASE}.evaluate.bootstrap": 20,
    f"{CASE}.evaluate.slice_floor": 0.3,
}


@dataclass(frozen=True)
class State:
    """The bytes of everything that DVC keeps, of git's metrics, and the bundle's md5."""

    whole: str
    bundle: str
    scores: list[float]


@dataclass(frozen=True)
class Month:
    """The project, what stood in its work tree at each commit, by subject, and what was said."""

    project: Project
    commits: dict[str, str]
    states: dict[str, State]
    output: dict[str, str]

    def commit(self, subject: str) -> None:
        """Commit, and keep what stands there."""
        self.project.commit(subject)
        self.commits[subject] = revisions.commit(Path("."), "HEAD")
        self.states[subject] = state()

    def work(self, subject: str, changes: dict[str, Any] | None = None) -> None:
        """A change of params, run and committed; without one, a line in a document."""
        if changes:
            self.project.set(changes)
            self.project.repro(f"evaluate@{CASE}", env=QUIET)
        else:
            with Path("notes.md").open("a") as notes:
                notes.write(f"{subject}\n")
        self.commit(subject)


def state() -> State:
    """What the work tree has now, hashed without DVC."""
    folders = ("data", MODEL, "reports", "metrics")  # the runs beside the bundle are no outs
    whole = json.dumps({name: dvc_hash.md5(Path(name)) for name in folders})
    return State(whole, dvc_hash.md5(Path(MODEL)), list(tables.read(PREDICTIONS)["score"]))


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """Ten commits, the last of main at HEAD; MLflow knows the three releases."""
    project = projects.make(tmp_path_factory.mktemp("month"), [CASE], warm=True)
    month = Month(project, {}, {}, {})
    with pytest.MonkeyPatch.context() as patch, chdir(project.path):
        patch.setattr(os, "environ", projects.environment(project.path))
        forks.lend(patch)
        os.environ.update(QUIET)
        replay(month)
        del os.environ["MLFLOW_TRACKING_URI"]
        assert main(["registry", "rebuild"]) == 0
        yield month
        mlflow_process.close()


def replay(month: Month) -> None:
    """What a team does in a month."""
    git = month.project.run
    month.work("first model", START)
    git("git", "tag", "model-v1")
    month.work("note one")
    month.work("deeper trees", {f"{CASE}.train.params": {"max_depth": 4}})
    git("git", "tag", "model-v2")
    git("git", "checkout", "-q", "-b", "floors")
    month.work("a lower floor", {f"{CASE}.evaluate.slice_floor": 0.2})
    git("git", "checkout", "-q", "main")
    git("dvc", "checkout", "-q", "--allow-missing")
    month.work("deeper still", {f"{CASE}.train.params": {"max_depth": 6}})
    month.output["merge"] = git("git", "merge", "floors", ok=False)
    assert main(["resolve", f"evaluate@{CASE}"]) == 0
    month.commit("merge floors")
    git("git", "checkout", "-q", "-b", "notes")
    month.work("note two")
    git("git", "checkout", "-q", "main")
    git("git", "merge", "-q", "--no-ff", "-m", "merge notes", "notes")
    month.commit("merged notes")
    assert main(["rollback", "model-v1"]) == 0
    git("git", "switch", "-q", "-c", "hotfix")
    month.work("hotfix", {f"{CASE}.train.params": {"max_depth": 3}})
    git("git", "tag", "model-v1.1")
    assert main(["rollback", "main"]) == 0
    month.work("note three")


def champion() -> str | None:
    """The md5 of the bundle that MLflow's alias stands at."""
    known = registry.versions(Path("."), CASE)
    return next((v.md5 for v in known if "champion" in v.aliases), None)


def test_it_is_the_month_that_was_meant(month: Month) -> None:
    git = month.project.run
    assert len(month.commits) == 10
    assert git("git", "tag").split() == ["model-v1", "model-v1.1", "model-v2"]
    assert len(git("git", "log", "--merges", "--format=%h", "main").split()) == 2
    assert "CONFLICT (content): Merge conflict in dvc.lock" in month.output["merge"]
    assert len({s.bundle for s in month.states.values()}) == 4


def test_the_merge_is_what_a_run_of_it_gives(month: Month, tmp_path: Path) -> None:
    month.project.run("git", "checkout", "-q", month.commits["merge floors"])
    clone = month.project.clone(tmp_path / "clone")
    month.project.run("git", "checkout", "-q", "main")
    recorded = dvc_lock.read(clone.path)
    clone.run("rm", "-r", "dvc.lock", f"metrics/{CASE}")
    clone.repro(f"evaluate@{CASE}", env=QUIET)
    assert dvc_lock.read(clone.path) == recorded
    assert clone.run("git", "status", "--porcelain") == ""


@pytest.mark.capability("D1")
@pytest.mark.situation(
    "ten commits, two merges, a hotfix: back to each",
    expected="bytes, alias and predictions of each",
)
def test_back_to_each_commit(month: Month, capsys: pytest.CaptureFixture[str]) -> None:
    """First the tags by name, then every commit, then main: bytes, alias and predictions of each."""
    tags = {"model-v1": "first model", "model-v2": "deeper trees", "model-v1.1": "hotfix"}
    rest = {rev: subject for subject, rev in month.commits.items() if subject not in tags.values()}
    for rev, subject in {**tags, **rest, "main": "note three"}.items():
        assert main(["rollback", rev]) == 0
        assert f"golden events: {CASE} 100 equal" in capsys.readouterr().out, subject
        assert revisions.commit(Path("."), "HEAD") == month.commits[subject]
        assert state() == month.states[subject], subject
        assert champion() == month.states[subject].bundle, subject
    assert main(["verify", "--all-tags"]) == 0
    assert month.project.run("git", "branch", "--show-current").strip() == "main"


def test_each_champion_and_why(month: Month, tmp_path: Path) -> None:
    assert main(["champions", "--json", str(tmp_path / "history.json")]) == 0
    result = json.loads((tmp_path / "history.json").read_text())
    assert not result["notes"]
    released = {e["why"]: e["md5"] for e in result["events"] if e["kind"] == "release"}
    subjects = {"model-v1": "first model", "model-v2": "deeper trees", "model-v1.1": "hotfix"}
    assert released == {tag: month.states[s].bundle for tag, s in subjects.items()}
    merged = [e["why"] for e in result["events"] if e["kind"] == "commit"]
    assert merged == ["first model", "deeper trees", "deeper still"]
    last = result["events"][-1]
    assert (last["md5"], last["until"]) == (month.states["note three"].bundle, None)
    assert all(e["version"] for e in result["events"])


@pytest.mark.capability("C29")
@pytest.mark.parametrize("rev", ["model-v1", "model-v1.1"])
def test_from_a_prediction_to_its_source(month: Month, tmp_path: Path, rev: str) -> None:
    """At a release that is not checked out: the score that was recorded there, and the chain behind it."""
    subject = {"model-v1": "first model", "model-v1.1": "hotfix"}[rev]
    key = tables.read(PREDICTIONS)["patient"][3]
    file = tmp_path / "lineage.json"
    assert main(["lineage", f"{CASE}:{key}", "--rev", rev, "--json", str(file)]) == 0
    (result,) = json.loads(file.read_text())["chains"]
    assert result["prediction"]["score"] == pytest.approx(month.states[subject].scores[3], rel=1e-9)
    assert result["prediction"]["table"] == f"data/{CASE}/tables/test.parquet"
    assert result["target"]["md5"] == month.states[subject].bundle
    stages = {stage["name"]: stage for stage in result["stages"]}
    assert stages[f"train@{CASE}"]["commit"]["commit"] == month.commits[subject]
    assert stages[f"data@{CASE}"]["commit"]["subject"] == "first model"
    (source,) = stages[f"data@{CASE}"]["sources"]
    assert source["md5"] == dvc_hash.md5(Path("sources") / CASE)
    assert len(stages[f"features@{CASE}"]["facts"]["features"]) == 11
    (version,) = result["versions"]
    assert main(["lineage", f"{CASE}/{version['number']}", "--json", str(file)]) == 0
    (result,) = json.loads(file.read_text())["chains"]
    assert result["target"]["md5"] == month.states[subject].bundle
