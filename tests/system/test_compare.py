"""A change compared, reported and judged: a plain table, a base commit, a train param, from end to end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.repo import artifacts, object_stores
from plumbline.review import revision, scoring, seed_variance
from plumbline.review.scoring import Criteria
from plumbline.runtime import dvc_lock
from tests import project as projects
from tests import warm as forks
from tests.project import Project
from tests.shared import copied
from tests.toy import flip
from tests.usecases.diabetes.model import USECASE

QUIET = {"MLFLOW_TRACKING_URI": "off", **forks.PLAIN}
WORSE = {"diabetes.train.rounds": 1, "diabetes.train.params": {"eta": 0.01}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Branch main: the base, run without the last stage. Branch head: a much worse train param, run."""
    return Project(copied(tmp_path_factory, "compare", branches), warm=True)


def branches(folder: Path) -> None:
    """Make both branches in a project there."""
    built = projects.make(folder, ["diabetes"], warm=True)
    graph = yaml.safe_load((built.path / "dvc.yaml").read_text())
    del graph["stages"]["monitor"]
    (built.path / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))
    built.set({"diabetes.tune.max_evals": 0})
    built.repro(env=QUIET)
    built.commit("base")
    built.run("git", "tag", "model-v1")
    built.run("git", "checkout", "-q", "-b", "head")
    built.set(WORSE)
    assert built.repro(env=QUIET) == ["train@diabetes", "evaluate@diabetes"]
    built.commit("head")


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The test runs in the project, which is put back afterwards."""
    monkeypatch.chdir(project.path)
    monkeypatch.setattr(os, "environ", projects.environment(project.path) | forks.PLAIN)
    forks.lend(monkeypatch)
    monkeypatch.setattr("plumbline.core.usecase_loader.load", lambda name: USECASE)
    yield project
    project.run("git", "checkout", "-qf", "head")
    project.run("git", "clean", "-qfd")


def compare(folder: Path, *words: str) -> dict[str, Any]:
    assert main(["compare", *words, "--json", str(folder / "out.json")]) == 0
    return json.loads((folder / "out.json").read_text())


def gate(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["gate", str(folder / "out.json")])
    return code, capsys.readouterr().out


@pytest.mark.capability("H2")
def test_a_worse_model_from_the_command_line(project: Project, tmp_path: Path) -> None:
    result, text, page = (tmp_path / name for name in ("out.json", "report.md", "report.html"))
    start = ("python", "-m", "plumbline")
    output = project.run(*start, "compare", "main", "--json", str(result))
    assert "Do not merge: diabetes: mean absolute error rose from " in output
    written = ("--markdown", str(text), "--html", str(page))
    project.run(*start, "report", str(result), *written)
    assert text.read_text().startswith("**❌ Do not merge: diabetes: mean absolute error")
    assert "<h1" in page.read_text()
    shown = project.run(*start, "gate", str(result), ok=False)
    assert "since the last release, mean absolute error rose" in shown
    assert project.run("git", "status", "--porcelain") == ""


def test_the_json(here: Project, tmp_path: Path) -> None:
    result = compare(tmp_path, "main")
    case = result["usecases"]["diabetes"]
    assert case["base"]["head"]["metrics"]["mae"]["difference"]["word"] == "worse"
    assert case["seeds"] == {"replicates": 6, "base": 6, "reason": None}
    assert set(case["base"]) == {"head"}, "base's window is head's"
    assert set(case["base"]["head"]["slices"]) == {"sex", "age"}
    changed = ["diabetes.train.params.eta", "diabetes.train.rounds"]
    assert [p["key"] for p in case["params"]] == changed
    assert [s["name"] for s in case["stages"]] == ["train", "evaluate"]
    assert case["features"]["redefined"] == []
    assert result["lock"] == {**result["lock"], "stale": [], "unlocked": [], "bytes": []}
    assert result["release"]["name"] == "model-v1"
    assert {r["kind"] for r in result["gate"]["reasons"]} >= {"worse"}


def test_the_gate(here: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(tmp_path, "main", "head")
    code, output = gate(tmp_path, capsys)
    assert code == 1
    assert "- diabetes: mean absolute error rose from 57.2 to 65.0, worse beyond noise" in output
    here.set({"diabetes.gate": {"override": "a test of the gate"}})
    result = compare(tmp_path, "main")
    assert result["gate"]["verdict"] == "overridden"
    assert "diabetes.gate.override" in [p["key"] for p in result["usecases"]["diabetes"]["params"]]
    code, output = gate(tmp_path, capsys)
    assert code == 0
    assert "- overridden (a test of the gate): diabetes: mean absolute error" in output


def test_nothing_changed(here: Project, tmp_path: Path) -> None:
    result = compare(tmp_path, "head")
    assert (result["usecases"], result["unchanged"]) == ({}, ["diabetes"])
    assert result["gate"]["verdict"] == "yes"


def test_a_better_model_of_another_revision(here: Project, tmp_path: Path) -> None:
    """From the worse one back to the base: better, byte for byte the release; no lock to check."""
    result = compare(tmp_path, "head", "main")
    case = result["usecases"]["diabetes"]
    assert case["base"]["head"]["metrics"]["mae"]["difference"]["word"] == "better"
    assert case["release"]["head"]["same"]
    assert case["seeds"]["replicates"] == 6
    assert not result["lock"]["checked"]


def test_a_stale_lock(here: Project, tmp_path: Path) -> None:
    here.set({"diabetes.train.rounds": 2})
    lock = here.path / "dvc.lock"
    stages = yaml.safe_load(lock.read_text())
    del stages["stages"]["evaluate@diabetes"]
    lock.write_text(yaml.safe_dump(stages))
    result = compare(tmp_path, "head")
    assert "train@diabetes" in result["lock"]["stale"]
    assert result["lock"]["unlocked"] == ["evaluate@diabetes"]
    assert {r["kind"] for r in result["gate"]["reasons"]} >= {"stale"}


def test_what_is_committed_must_be_what_the_stages_gave(here: Project, tmp_path: Path) -> None:
    """A metric in git that no stage wrote, and a lock of another run."""
    assert compare(tmp_path, "main", "--committed")["lock"]["uncommitted"] == []
    metrics, lock = here.path / "metrics" / "diabetes" / "evaluate.json", here.path / "dvc.lock"
    good, run = metrics.read_text(), lock.read_text()
    here.run("git", "checkout", "-q", "--detach")
    metrics.write_text("{}\n")
    lock.write_text(run.replace("eta: 0.01", "eta: 0.02"))
    here.commit("forged")
    metrics.write_text(good)
    lock.write_text(run)
    result = compare(tmp_path, "main", "--committed")
    assert result["lock"]["uncommitted"] == ["evaluate@diabetes", "train@diabetes"]
    assert "uncommitted" in {r["kind"] for r in result["gate"]["reasons"]}


def test_the_lock_alone(here: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", "--lock-only"]) == 0
    here.set({"diabetes.train.rounds": 2})
    capsys.readouterr()
    assert main(["gate", "--lock-only"]) == 1
    assert (
        "- dvc.lock is stale: train@diabetes, evaluate@diabetes would run again"
        in capsys.readouterr().out
    )


def test_forged_bytes(here: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(tmp_path, "main")
    model = here.path / "models" / "diabetes" / "model.ubj"
    flip(model)
    try:
        code, output = gate(tmp_path, capsys)
    finally:
        flip(model)
    assert code == 1
    assert "workspace: models/diabetes/model.ubj: bad" in output


def test_an_object_that_is_not_there(
    here: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = yaml.safe_load(here.run("git", "show", "main:dvc.lock"))["stages"]
    oid = stages["train@diabetes"]["outs"][0]["md5"]
    manifest = here.path / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]
    inner = json.loads(manifest.read_text())[0]["md5"]
    table = stages["features@diabetes"]["outs"]
    [test] = [o["md5"] for o in table if o["path"].endswith("test.parquet")]
    for missing in (oid, inner, test):
        path = here.path / ".dvc" / "cache" / "files" / "md5" / missing[:2] / missing[2:]
        path.rename(path.with_suffix(".aside"))
        try:
            assert main(["compare", "main", "--json", str(tmp_path / "out.json")]) == 2
        finally:
            path.with_suffix(".aside").rename(path)
        output = capsys.readouterr().err
        assert missing in output
        assert "run `dvc fetch` with" in output


PATCH = """

import sys  # noqa: E402

if "plumbline.metrics.bootstrap" in sys.modules:
    sys.modules["plumbline.metrics.bootstrap"].word = lambda *given, **named: "better"
if "plumbline.review.merge_gate" in sys.modules:
    sys.modules["plumbline.review.merge_gate"].reasons = lambda evidence: iter(())
"""


def test_head_s_code_does_not_judge(here: Project, tmp_path: Path) -> None:
    """A use case that replaces the functions that choose the word and the reasons; a slice less."""
    package = here.path / "usecases" / "diabetes"
    with (package / "features.py").open("a") as features:
        features.write(PATCH)
    model = package / "model.py"
    text = model.read_text().replace('Slice("sex", "sex", "as coded"), ', "")
    model.write_text(text.replace("edges=(50,))),", "edges=(50,)),),"))
    result = compare(tmp_path, "main")
    case = result["usecases"]["diabetes"]
    assert case["base"]["head"]["metrics"]["mae"]["difference"]["word"] == "worse"
    assert "sex" in case["base"]["head"]["slices"], "base's slices judge"
    beyond = "usecases/diabetes/features.py: beyond declarations"
    assert [rule["key"] for rule in result["rules"]] == [beyond, "slices.sex"]
    assert {"worse", "rules", "stale"} <= {r["kind"] for r in result["gate"]["reasons"]}


def test_seed_replicates_differ_from_head_in_the_seed_alone(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With head's own seed its very answers; with others, where rows are drawn, other answers."""
    side = revision.side(here.path, None)
    cache, ours = object_stores.settings(here.path).folder(), dvc_lock.of(side.entries, "diabetes")
    case = Criteria(USECASE, side.params("diabetes"))
    own = scoring.run(cache, "diabetes", "head", ours)
    tables = [
        scoring.object_file(cache, "head", *result)
        for result in artifacts.learned(ours, "diabetes")
    ]
    monkeypatch.setattr(seed_variance, "SEED_STEP", 0)
    [same] = seed_variance.replicates(case, own.scorer, 1, *tables)
    answers = [one.predict(own.columns) for one in (own.scorer, same)]
    assert (answers[0] == answers[1]).all()
    monkeypatch.setattr(seed_variance, "SEED_STEP", 1)
    output = own.scorer.manifest
    drawing = {"params": {**output.params, "subsample": 0.5, "eta": 0.3}}
    drawn = replace(own.scorer, manifest=output.model_copy(update=drawing))
    others = [one.predict(own.columns) for one in seed_variance.replicates(case, drawn, 3, *tables)]
    assert len({answer.tobytes() for answer in others}) == 3


def test_without_the_tables_no_seed_is_tried(here: Project, tmp_path: Path) -> None:
    stages = yaml.safe_load((here.path / "dvc.lock").read_text())["stages"]
    [oid] = [
        d["md5"] for d in stages["train@diabetes"]["deps"] if d["path"].endswith("valid.parquet")
    ]
    path = here.path / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]
    path.rename(path.with_suffix(".aside"))
    try:
        case = compare(tmp_path, "main", "head")["usecases"]["diabetes"]
    finally:
        path.with_suffix(".aside").rename(path)
    assert case["seeds"]["replicates"] == 0
    assert oid in case["seeds"]["reason"]
    assert main(["report", str(tmp_path / "out.json"), "--markdown", str(tmp_path / "r.md")]) == 0
    assert "No seed replicates" in (tmp_path / "r.md").read_text()


def test_misuse(here: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.json")
    compare(tmp_path, "head", "main")
    tree = here.run("git", "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    empty = here.run("git", "commit-tree", "-m", "nothing", tree).strip()
    for words, message in (
        (["gate", out], "another dvc.lock than this work tree"),
        (["report", out], "nothing to write"),
        (["compare", "nowhere", "--json", out], "no such revision"),
        (["compare", empty, "--json", out], "has no dvc.lock"),
        (["compare", "main", "--json", out, "--log", "nowhere"], "--log nowhere"),
    ):
        assert main(words) == 2, words
        assert message in capsys.readouterr().err


def test_a_failed_stage(here: Project, tmp_path: Path) -> None:
    log = tmp_path / "repro.log"
    log.write_text("train: no rows\nERROR: failed to reproduce 'train@diabetes': failed to run\n")
    result = compare(tmp_path, "main", "--log", str(log))
    assert result["failed"] == {"stage": "train@diabetes", "error": "train: no rows"}
    assert (result["usecases"], result["gate"]["verdict"]) == ({}, "failed")
    assert main(["report", str(tmp_path / "out.json"), "--html", str(tmp_path / "r.html")]) == 0
    assert "Do not merge: stage train@diabetes failed" in (tmp_path / "r.html").read_text()
