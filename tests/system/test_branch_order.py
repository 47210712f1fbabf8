"""History in the branch's order, whatever clocks say; and the end of a use case. Git alone: no stage runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.ops.rollback import journal
from plumbline.ops.rollback.plan import Head
from plumbline.repo import revisions
from tests import warm as forks
from tests.project import Project, environment

GRAPH = """
stages:
  train:
    matrix: {usecase: "${usecases}"}
    cmd: python -m train ${item.usecase}
    params: [seed]
    outs: ["models/${item.usecase}"]
"""
JANUARY = "2026-01-{:02}T12:00:00+00:00"


def md5(digit: str) -> str:
    return digit * 32 + ".dir"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository with a graph, in which the commands run; MLflow is off."""
    path = tmp_path / "project"
    path.mkdir()
    monkeypatch.setattr(os, "environ", environment(path) | {"MLFLOW_TRACKING_URI": "off"})
    forks.lend(monkeypatch)
    monkeypatch.chdir(path)
    Path("dvc.yaml").write_text(GRAPH)
    Path(".gitignore").write_text("/.plumbline/\n*.json\n")
    Path(".dvc").mkdir()
    project = Project(path)
    project.run("git", "init", "-q", "-b", "main")
    return project


def commit(project: Project, day: int, bundles: Mapping[str, str], message: str) -> str:
    """These bundles as the champions at noon of a day in January; entries of others stay in dvc.lock."""
    file = project.path / "dvc.lock"
    stages = yaml.safe_load(file.read_text())["stages"] if file.exists() else {}
    for name, digit in bundles.items():
        out = {"path": f"models/{name}", "hash": "md5", "md5": md5(digit)}
        stages[f"train@{name}"] = {"cmd": f"python -m train {name}", "outs": [out]}
    file.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    (project.path / "params.yaml").write_text(yaml.safe_dump({"usecases": [*bundles]}))
    project.run("git", "add", "-A")
    when = JANUARY.format(day)
    project.run("git", "commit", "-qm", message, env={"GIT_COMMITTER_DATE": when})
    return revisions.commit(project.path, "HEAD")


def champions(*words: str) -> dict[str, Any]:
    assert main(["champions", *words, "--json", "out.json"]) == 0
    return json.loads(Path("out.json").read_text())


@pytest.mark.situation(
    "commits whose clocks were wrong: champions",
    expected="in the branch's order, and the wrong date is named",
)
def test_the_order_is_the_branchs(project: Project) -> None:
    first = commit(project, 10, {"toy": "a"}, "first")
    commit(project, 30, {"toy": "b"}, "a clock ahead")
    third = commit(project, 12, {"toy": "c"}, "third")
    project.run("git", "tag", "model-v1", first)
    env = {"GIT_COMMITTER_DATE": JANUARY.format(13)}
    project.run("git", "tag", "-a", "-m", "x", "model-v3", third, env=env)
    document = champions("toy")
    shown = [(e["kind"], e["md5"][0]) for e in document["events"]]
    assert shown == [
        ("commit", "a"), ("release", "a"), ("commit", "b"), ("commit", "c"), ("release", "c"),
    ]  # fmt: skip
    assert document["events"][-1]["until"] is None
    assert document["notes"] == [
        f"{third[:9]} is dated before the commit that it follows; the order is the branch's"
    ]


@pytest.mark.situation(
    "commits whose clocks were wrong: lineage", expected="the commit that brought the entry"
)
def test_an_entrys_origin_is_its_first_commit_on_the_line(project: Project) -> None:
    commit(project, 5, {"toy": "a"}, "first")
    project.run("git", "checkout", "-q", "-b", "side")
    commit(project, 29, {"toy": "a", "other": "d"}, "side, a clock ahead")
    project.run("git", "checkout", "-q", "main")
    origin = commit(project, 20, {"toy": "b"}, "the origin")
    commit(project, 3, {"toy": "b", "new": "e"}, "a clock behind")
    project.run("git", "merge", "-q", "--no-commit", "-s", "ours", "side")
    commit(project, 25, {"toy": "b", "new": "e", "other": "d"}, "merge")
    assert main(["lineage", "toy", "--json", "out.json"]) == 0
    (chain,) = json.loads(Path("out.json").read_text())["chains"]
    assert chain["stages"][0]["commit"]["commit"] == origin


@pytest.mark.situation(
    "a use case removed from params.yaml alone: champions and lineage",
    expected="its end is an event; its lineage is that of its last bundle",
)
def test_the_end_of_a_use_case(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    commit(project, 1, {"toy": "a"}, "one")
    last = commit(project, 2, {"toy": "a", "second": "b"}, "two")
    commit(project, 3, {"toy": "c", "second": "b"}, "other")
    end = commit(project, 4, {"toy": "c"}, "drop it")
    shown = champions("second")["events"]
    assert [(e["commit"], e["md5"]) for e in shown] == [(last, md5("b")), (end, None)]
    assert shown[0]["until"] == shown[1]["when"]
    assert shown[1]["why"] == "use case removed; drop it"
    assert main(["lineage", "second", "--json", "out.json"]) == 0
    (chain,) = json.loads(Path("out.json").read_text())["chains"]
    assert chain["revision"]["commit"] == last
    assert chain["notes"][0] == (
        f"second: use case removed; drop it ({end[:9]}); this is its last bundle"
    )
    capsys.readouterr()
    assert main(["lineage", "third"]) == 2
    assert "'third': no use case" in capsys.readouterr().err


@pytest.mark.situation(
    "a use case renamed: champions and lineage", expected="its end names the new name"
)
def test_a_renamed_use_case(project: Project) -> None:
    code = Path("usecases/old_name/contract.py")
    code.parent.mkdir(parents=True)
    code.write_text("".join(f"line {i}\n" for i in range(50)))
    commit(project, 1, {"old_name": "a"}, "one")
    project.run("git", "mv", "usecases/old_name", "usecases/new_name")
    commit(project, 2, {"new_name": "b"}, "a better name")
    events = champions()["events"]
    assert [(e["usecase"], e["why"]) for e in events] == [
        ("new_name", "a better name"),
        ("old_name", "one"),
        ("old_name", "use case renamed to new_name; a better name"),
    ]


def test_a_rollback_to_before_a_use_case_ends_it(project: Project) -> None:
    first = commit(project, 1, {"toy": "a"}, "one")
    second = commit(project, 2, {"toy": "a", "second": "b"}, "two")
    line = journal.new("one", Head(second), Head(first))
    journal.close(project.path, line, "done")
    last = champions("second")["events"][-1]
    assert (last["kind"], last["md5"]) == ("rollback", None)
    assert last["why"].startswith("use case not there; to one by ")
