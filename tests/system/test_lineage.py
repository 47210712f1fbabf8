"""Lineage and history on a project of two stages, under real git and DVC: from a model to its source."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core import dvc_hash
from plumbline.ops.lineage import champions, render
from plumbline.ops.lineage.champions import ChampionEvent
from plumbline.ops.lineage.lineage_document import (
    LineageDocument,
    StageCode,
    StageFacts,
    TracedOut,
    TracedStage,
)
from plumbline.ops.rollback import journal
from plumbline.ops.rollback.plan import Head
from plumbline.ops.serving import logged
from plumbline.repo import revisions
from plumbline.review.comparison_sections import RevisionName
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.tracking import mlflow_process, projection
from tests import project as projects
from tests import warm as forks
from tests.logged import outcome, row
from tests.project import Project
from tests.small import SMALL

STEP = """
import pathlib, sys
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    path = pathlib.Path(target)
    path.mkdir(parents=True, exist_ok=True) if "." not in path.name else path.parent.mkdir(parents=True, exist_ok=True)
    file = path / "part" if "." not in path.name else path
    whole = pathlib.Path(source)
    file.write_text((whole / "part" if whole.is_dir() else whole).read_text() + open("params.yaml").read())
"""
PINS = "environment/train.txt"
SOURCE, RAW, MODEL, METRICS = (
    "sources/toy.csv",
    "data/toy/raw",
    "models/toy",
    "metrics/toy/data.json",
)
WHERE = {"matrix": {"usecase": ["toy"]}, "params": ["seed"]}
GRAPH = {
    "data": {
        **WHERE,
        "cmd": f"python step.py {SOURCE} {RAW}",
        "deps": ["step.py", "library", SOURCE],
        "outs": [RAW],
    },
    "train": {
        **WHERE,
        "cmd": f"python step.py {RAW} {MODEL}",
        "deps": ["step.py", PINS, RAW],
        "outs": [MODEL],
    },
}
Show = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A source that `dvc import-url` brought; two commits, model-v1 and model-v2, with other params and pins."""
    path = tmp_path_factory.mktemp("made")
    project = Project(path / "project", warm=True)
    (path / "origin.csv").write_text("one\n")
    texts = {".dvc/config": "[core]\n    analytics = false\n"}
    texts |= {".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", "params.yaml": "seed: 1\n"}
    texts |= {
        "step.py": STEP,
        "library/helper.py": "",
        "dvc.yaml": yaml.safe_dump({"stages": GRAPH}),
    }
    texts |= {".gitignore": "/data\n/models\n/mlflow.db*\n/mlartifacts\n/.plumbline\n"}
    for name, text in texts.items():
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).write_text(text)
    project.run("git", "init", "-q", "-b", "main")
    (project.path / "sources").mkdir()
    project.run("dvc", "import-url", "-q", str(path / "origin.csv"), SOURCE)
    (project.path / PINS).parent.mkdir()
    for number, numpy in ((1, "0.1"), (2, metadata.version("numpy"))):
        (project.path / PINS).write_text(f"numpy=={numpy}\n")
        (project.path / "params.yaml").write_text(f"seed: {number}\n")
        project.repro()
        project.commit(f"seed {number}")
        project.run("git", "tag", f"model-v{number}")
        second = int(time.time())
        while int(time.time()) == second:  # git counts whole seconds: each commit has its own
            time.sleep(0.05)
    return project


@pytest.fixture
def project(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it, in which the commands run; MLflow is off."""
    path = tmp_path / "project"
    shutil.copytree(template.path, path)
    monkeypatch.setattr(os, "environ", projects.environment(path) | {"MLFLOW_TRACKING_URI": "off"})
    forks.lend(monkeypatch)
    monkeypatch.chdir(path)
    return Project(path, warm=True)


@pytest.fixture
def show(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    """The command's JSON for one target, which its other two forms must not contradict."""

    def run(*words: str) -> dict[str, Any]:
        files = [tmp_path / "lineage.json", tmp_path / "lineage.mmd"]
        code = main(["lineage", *words, "--json", str(files[0]), "--mermaid", str(files[1])])
        (results,) = json.loads(files[0].read_text())["chains"]
        assert code == bool(results["breaks"])
        shown = capsys.readouterr().out
        for stage in results["stages"]:
            assert stage["name"] in shown
            assert stage["name"].replace("@", "#64;") in files[1].read_text()
        assert results["target"]["md5"] in shown
        return results

    return run


def bundle(rev: str | None = None) -> str:
    """The bundle's md5 in a revision's dvc.lock."""
    return next(o.md5 for o in revisions.outs(Path("."), rev) if o.path == MODEL)


@pytest.mark.capability("D12")
def test_from_a_model_to_its_source(project: Project, show: Show) -> None:
    results = show("toy")
    train, data = results["stages"]
    assert (train["name"], data["name"]) == ("train@toy", "data@toy")
    assert results["target"]["md5"] == bundle() == dvc_hash.md5(Path(MODEL))
    assert train["reads"] == data["writes"] == {RAW: dvc_hash.md5(Path(RAW))}
    assert train["params"] == {"seed": 2}
    assert train["commit"]["subject"] == "seed 2"
    code = {name: dvc_hash.md5(Path(name)) for name in ("step.py", "library")}
    assert data["code"]["files"] == code
    (source,) = data["sources"]
    assert (source["path"], source["md5"]) == (SOURCE, dvc_hash.md5(Path(SOURCE)))
    assert source["imported"][0]["deps"][0]["path"].endswith("origin.csv")


def test_the_libraries_it_was_made_with(show: Show) -> None:
    train, data = show("toy")["stages"]
    assert train["environment"] == {PINS: {"numpy": metadata.version("numpy")}}
    assert (train["sources"], data.get("environment", {})) == ([], {})
    assert show("toy")["notes"] == []
    results = show("toy", "--rev", "model-v1")
    assert results["stages"][0]["environment"] == {PINS: {"numpy": "0.1"}}
    (note,) = results["notes"]
    assert note.startswith("made with numpy 0.1 (installed: ")
    assert note.endswith("`plumbline reproduce model-v1 --clean-room`")


@pytest.mark.parametrize(
    ("query", "path"),
    [("model-v1", MODEL), (f"./{MODEL}/", MODEL), (RAW, RAW), (f"{RAW}/part", f"{RAW}/part")],
)
def test_what_can_be_asked_at_any_commit(show: Show, query: str, path: str) -> None:
    results = show(query, "--rev", "model-v1")
    assert results["target"]["path"] == path
    assert results["revision"]["commit"] == revisions.commit(Path("."), "model-v1")
    assert results["stages"][0]["params"] == {"seed": 1}
    assert results["stages"][0]["commit"]["subject"] == "seed 1"


def test_an_md5_or_a_copy_of_a_file_is_found_in_any_commit(show: Show, tmp_path: Path) -> None:
    old = bundle("model-v1")
    for request in (old, old.removesuffix(".dir")):
        assert show(request)["revision"]["name"] == "model-v1"
    copy = shutil.copytree(MODEL, tmp_path / "copy")
    assert show(str(copy))["target"]["md5"] == bundle()
    results = show(str(copy / "part"))
    assert results["target"]["path"] == f"{MODEL}/part"
    assert "has the bytes of" in results["notes"][0]


def test_a_file_that_is_not_the_recorded_one_has_no_lineage_of_it(
    project: Project, show: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("git", "checkout", "-q", "model-v1", "--", "dvc.lock")
    assert show(MODEL)["revision"]["name"] == "HEAD"
    Path(MODEL, "part").write_text("by hand")
    assert main(["lineage", MODEL]) == 2
    assert f"the bytes of {MODEL} are of no out of any commit" in capsys.readouterr().err


def test_a_lock_that_was_put_together_does_not_join(show: Show) -> None:
    Path("dvc.lock").write_text(
        Path("dvc.lock").read_text().replace(dvc_hash.md5(Path(RAW)), "a" * 32, 1)
    )
    results = show("toy")
    assert results["breaks"] == [
        f"train@toy read {RAW} {dvc_hash.md5(Path(RAW))}, data@toy wrote {'a' * 32}"
    ]
    assert results["stages"][0]["commit"]["subject"] == "seed 2"
    assert results["stages"][1]["commit"] is None


def test_a_tracked_source_is_its_own_chain(show: Show) -> None:
    results = show(SOURCE)
    assert results["stages"][0]["sources"][0]["imported"][0]["path"] == SOURCE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["models/tyo"], "did you mean 'models/toy'"),
        (["toy/7"], "MLflow has no version 7; it has none"),
        (["0" * 32], "no out of any commit has that md5"),
        (["toy:1"], "no event with the key 1 in no table is recorded"),
        (["toy", "--rev", "nowhere"], "'nowhere': no such revision"),
    ],
)
def test_mistakes(
    project: Project, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["lineage", *words]) == 2
    assert message in capsys.readouterr().err


def test_history_of_commits_releases_and_rollbacks(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = [Head(revisions.commit(project.path, rev)) for rev in ("model-v2", "model-v1")]
    for result in ("done", "undone"):
        journal.close(project.path, journal.new("model-v1", *heads), result)
    assert main(["champions", "toy", "--json", str(tmp_path / "history.json")]) == 0
    results = json.loads((tmp_path / "history.json").read_text())["events"]
    first, second = bundle("model-v1"), bundle("model-v2")
    assert [(e["kind"], e["md5"]) for e in results] == [
        ("commit", first), ("release", first), ("commit", second), ("release", second),
        ("rollback", first),
    ]  # fmt: skip
    assert [e["until"] is None for e in results] == [False, False, False, False, True]
    assert results[0]["until"] == results[1]["until"] == results[2]["when"]
    assert results[2]["until"] == results[3]["until"] == results[4]["when"]
    assert "rollback: to model-v1 by Test" in capsys.readouterr().out
    assert main(["champions", "tyo"]) == 2
    assert "did you mean 'toy'" in capsys.readouterr().err


def test_mlflows_runs_and_versions_are_shown_where_it_has_them(
    project: Project, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (bare,) = [show("toy@champion")]
    assert (bare["versions"], bare["stages"][0]["runs"]) == ([], [])
    assert "MLflow knows no champion of toy" in bare["notes"][0]
    run = projection.record("toy", "train", params={}, metrics={})
    assert main(["registry", "rebuild"]) == 0
    mlflow_process.close()
    results = show("toy@champion")
    assert results["versions"] == [{"number": "2", "aliases": ["champion"]}]
    assert results["stages"][0]["runs"] == [run]
    assert show("toy/2")["target"] == results["target"]
    Path("mlflow.db").write_bytes(b"no database")
    mlflow_process.close()
    damaged = show("toy")
    assert damaged["target"] == results["target"]
    assert damaged["notes"][0].startswith("without MLflow: ")
    mlflow_process.close()


def test_a_timeline_is_in_utc_whatever_the_zone() -> None:
    late = ChampionEvent("a", "2026-01-01T00:30:00+02:00", "commit", "1" * 32, "b", "x")
    early = ChampionEvent("a", "2025-12-31T22:00:00Z", "release", "2" * 32, "c", "y")
    first, second = champions.timeline([late, early])
    assert (first.md5, first.until, second.until) == ("2" * 32, late.when, None)
    assert "2025-12-31 22:30:00" in list(champions.table([second]))[1]


@pytest.mark.capability("D11")
def test_what_mermaid_would_take_for_its_own_is_quoted() -> None:
    stage = TracedStage(
        name='a"<b>', command="", commit=None, params={}, code=StageCode(md5="", files={}),
        sources=[], reads={}, writes={"o": "1" * 32}, facts=StageFacts(), runs=[],
    )  # fmt: skip
    document = LineageDocument(
        target=TracedOut(path="o", member_md5=None, out="o", md5="1" * 32),
        revision=RevisionName(name="HEAD", commit="1" * 40),
        prediction=None, stages=[stage], versions=[], breaks=[], notes=[],
    )  # fmt: skip
    lines = list(render.mermaid([document]))
    assert lines[1] == '  n0["a#34;#60;b#62;<br/>not committed"]'
    assert lines[2] == '  n0 --> n1("o<br/>111111111")'


@pytest.fixture
def served(project: Project) -> str:
    """The md5 of the bundle that answered three events: two of them by what no commit has."""
    md5 = dvc_hash.md5(project.path / MODEL)
    log = PredictionLog(logged.place(project.path, "toy"), SMALL)
    log.append(
        [
            row(1, 41, request_id="one", bundle=md5, route_version=3, decision="review"),
            row(2, 42, request_id="two", bundle="0" * 32 + ".dir"),
            row(3, 43, request_id="two", bundle="0" * 32 + ".dir"),
            outcome(4, 41, request_id="late"),
        ]
    )
    log.close()
    return md5


@pytest.mark.capability("D13", "D12")
@pytest.mark.parametrize("words", [("one",), ("toy", "--key", "41")])
def test_from_a_served_request_to_its_source(
    served: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["lineage", *words, "--json", "l.json", "--mermaid", "chain.mmd"]) == 0
    (chain,) = json.loads(Path("l.json").read_text())["chains"]
    assert chain["target"]["md5"] == served
    assert chain["served"]["sequence"] == 1
    assert chain["served"]["key"] == "41"
    assert chain["revisions"] == ["work tree", "HEAD"]
    (source,) = chain["stages"][1]["sources"]
    assert source["path"] == SOURCE
    text = capsys.readouterr().out
    assert (
        "toy:41  score 0.125, no alarm, decision review, served 2025-03-10T12:00:00+00:00" in text
    )
    assert "request one, row 1 of .plumbline/serve/toy/log, arm champion of routes 3" in text
    assert "recorded by work tree, HEAD" in text
    assert "-- row 1 -->" in Path("chain.mmd").read_text()


def test_a_bundle_that_no_commit_has(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "two", "--json", "l.json"]) == 1
    first, second = json.loads(Path("l.json").read_text())["chains"]
    assert (first["served"]["key"], second["served"]["key"]) == ("42", "43")
    assert "inconsistent" in capsys.readouterr().out
    assert "the bundle that answered is in no commit" in first["breaks"][0]


def test_a_request_that_was_never_served(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "toy", "--key", "99"]) == 2
    assert (
        "key 99: not in the prediction log of toy, nor in its sealed days (logs: toy)"
        in capsys.readouterr().err
    )
    assert main(["lineage", "late"]) == 2
    assert "'late': no use case, tag" in capsys.readouterr().err
