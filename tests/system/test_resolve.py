"""A merge whose dvc.lock is in conflict: what a side ran is taken, the rest runs, nothing is made up."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.ops.resolve import resolution
from tests import project as projects
from tests import warm as forks
from tests.project import Project

STEP = """
import json, pathlib, sys, yaml
name, case, source, out, metrics = sys.argv[1:]
number = yaml.safe_load(open("params.yaml"))[case][name]
text = f"{pathlib.Path(source).read_text()} {case} {name} {number}"
for file in map(pathlib.Path, (out, metrics)):
    file.parent.mkdir(parents=True, exist_ok=True)
pathlib.Path(out).write_text(text)
pathlib.Path(metrics).write_text(json.dumps({"size": len(text), "text": text}, indent=2) + "\\n")
"""
GRAPH = {
    name: {
        "matrix": {"case": "${cases}"},
        "cmd": f"python step.py {name} ${{item.case}} {dep} {out} metrics/${{item.case}}/{name}.json",
        "deps": ["step.py", dep],
        "params": ["seed", f"${{item.case}}.{name}"],
        "outs": [out],
        "metrics": [{f"metrics/${{item.case}}/{name}.json": {"cache": False}}],
    }
    for name, dep, out in (
        ("last", "out/${item.case}/first", "out/${item.case}/last"),
        ("first", "source.txt", "out/${item.case}/first"),
    )
}
NUMBERS = {"first": 1, "between": 0, "last": 1, "after": 0}
PARAMS = {"cases": ["a", "b"], "seed": 1, "a": dict(NUMBERS), "b": dict(NUMBERS)}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two stages of two use cases, run and committed."""
    project = Project(tmp_path_factory.mktemp("made"), warm=True)
    config = "[core]\n    analytics = false\n"
    texts = {".dvc/config": config, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"}
    texts |= {".gitattributes": "dvc.lock -merge\n", ".gitignore": "/out\n"}
    texts |= {"step.py": STEP, "source.txt": "one", "dvc.yaml": yaml.safe_dump({"stages": GRAPH})}
    for name, text in {**texts, "params.yaml": yaml.safe_dump(PARAMS, sort_keys=False)}.items():
        (project.path / name).parent.mkdir(exist_ok=True)
        (project.path / name).write_text(text)
    project.run("git", "init", "-q", "-b", "main")
    project.repro()
    project.commit("start")
    return project


@pytest.fixture
def project(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it, in which the commands run."""
    path = tmp_path / "project"
    shutil.copytree(template.path, path)
    monkeypatch.setattr(os, "environ", projects.environment(path))
    forks.lend(monkeypatch)
    monkeypatch.chdir(path)
    return Project(path, warm=True)


def branch(project: Project, name: str, *changes: dict[str, object]) -> None:
    """A branch off main with one commit, run, for each change."""
    project.run("git", "checkout", "-q", "-b", name, "main")
    for change in changes:
        project.set(change)
        project.repro()
        project.commit(str(change))


def merge(project: Project, ours: dict[str, object], theirs: dict[str, object]) -> None:
    """Two branches with one change each, the second merged into the first: in conflict."""
    branch(project, "theirs", theirs)
    branch(project, "ours", ours)
    message = project.run("git", "merge", "theirs", ok=False)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in message


def entries(text: str) -> dict[str, dict]:
    return yaml.safe_load(text)["stages"]


def as_run_from_nothing(project: Project, path: Path) -> tuple[dict, dict[str, str]]:
    """The lock's entries and the metrics that the merged tree gives in a clone with no cache."""
    project.commit("merge")
    clone = project.clone(path)
    for name in ("dvc.lock", "metrics"):
        clone.run("rm", "-r", name)
    clone.repro()
    return state(clone)


def state(project: Project) -> tuple[dict, dict[str, str]]:
    files = sorted((project.path / "metrics").rglob("*.json"))
    texts = {str(p.relative_to(project.path)): p.read_text() for p in files}
    return entries((project.path / "dvc.lock").read_text()), texts


def resolve(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["resolve", *words]) == 0
    return capsys.readouterr().out.splitlines()


def ran(lines: list[str]) -> list[str]:
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


@pytest.mark.situation(
    "dvc.lock in conflict, one use case",
    expected="resolve runs what the merge needs, and only that",
)
def test_different_params_of_one_use_case(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.first": 2}, {"a.last": 3})
    message = resolve(capsys)
    assert "first@a: taken from HEAD" in message
    assert any(
        line.startswith("last@a: dropped (HEAD: a.last is another; theirs: ") for line in message
    )
    assert "last@b: taken from HEAD and theirs" in message
    assert ran(message) == ["last@a"]
    assert Path("out/a/last").read_text() == "one a first 2 a last 3"
    assert project.run("git", "diff", "--name-only", "--diff-filter=U") == ""
    assert project.repro() == []
    assert state(project) == as_run_from_nothing(project, tmp_path / "clone")


@pytest.mark.situation("dvc.lock in conflict, two use cases", expected="resolve runs nothing")
def test_different_use_cases_run_nothing(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.last": 2}, {"b.first": 3})
    message = resolve(capsys)
    assert {"last@a: taken from HEAD", "first@b: taken from theirs"} < set(message)
    assert ran(message) == []
    assert Path("out/b/last").read_text() == "one b first 3 b last 1"
    assert project.repro() == []
    assert state(project) == as_run_from_nothing(project, tmp_path / "clone")


def test_a_line_that_no_side_ran_is_never_taken(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.first": 2}, {"a.last": 3})
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    last = lock["stages"]["last@a"]
    last["params"]["params.yaml"]["a.last"] = 3  # what git's own merge of lines would have made
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    Path("metrics/a/last.json").write_text("{}\n")
    project.run("git", "add", "dvc.lock", "metrics")
    assert ran(resolve(capsys)) == ["last@a"]
    assert json.loads(Path("metrics/a/last.json").read_text())["text"] == "one a first 2 a last 3"
    assert state(project) == as_run_from_nothing(project, tmp_path / "clone")


def test_an_entry_that_its_own_side_belies_is_not_taken(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A metric that someone wrote by hand; an out that two sides have otherwise from the same inputs."""
    branch(project, "theirs", {"b.last": 2})
    Path("metrics/b/last.json").write_text('{"size": 1}\n')
    text = Path("dvc.lock").read_text()
    built = entries(text)["first@a"]["outs"][1]["md5"]
    Path("dvc.lock").write_text(text.replace(f"md5: {built}", f"md5: {'0' * 32}"))
    project.commit("forged")
    branch(project, "ours", {"a.last": 3})
    project.run("git", "merge", "theirs", ok=False)
    message = "\n".join(resolve(capsys, "--no-repro"))
    assert (
        "last@b: dropped (HEAD: b.last is another; theirs: metrics/b/last.json at theirs" in message
    )
    assert "first@a: dropped (the sides have other outs from the same inputs" in message
    assert "first@a" not in entries(Path("dvc.lock").read_text())
    assert "dvc.lock" in project.run("git", "diff", "--name-only", "--diff-filter=U")
    assert {"first@a", "last@b"} <= set(project.repro("--no-run-cache"))
    assert "one" in Path("metrics/b/last.json").read_text()


def test_what_the_cache_has_bad_or_lacks(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.last": 2}, {"b.last": 3})
    oid = entries(project.run("git", "show", "theirs:dvc.lock"))["last@b"]["outs"][1]["md5"]
    cached = Path(".dvc/cache/files/md5", oid[:2], oid[2:])
    good = cached.read_bytes()
    cached.chmod(0o644)
    cached.write_bytes(good[:-1] + b"4")
    cached.chmod(0o444)
    assert main(["resolve"]) == 2
    assert "out/b/last: bad in cache; `plumbline verify --repair`" in capsys.readouterr().err
    cached.unlink()
    shutil.rmtree(".dvc/cache/runs")
    assert ran(resolve(capsys)) == ["last@b"]
    assert hashlib.md5(Path("out/b/last").read_bytes()).hexdigest() == oid


def test_params_still_in_conflict_are_one_message(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.last": 2}, {"a.last": 3})
    assert main(["resolve"]) == 2
    assert "still in conflict: params.yaml; edit and `git add` them" in capsys.readouterr().err
    project.run("git", "add", "params.yaml")
    assert main(["resolve"]) == 2
    assert "params.yaml: conflict markers are still in it" in capsys.readouterr().err
    project.run("git", "checkout", "-q", "theirs", "--", "params.yaml")
    assert ran(resolve(capsys)) == []


def test_a_stage_that_fails_can_be_mended(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(project, {"a.first": 2}, {"a.last": 3})
    good = Path("step.py").read_text()
    Path("step.py").write_text("raise SystemExit('no such luck')\n")
    assert main(["resolve"]) == 2
    assert ": no such luck; fix it" in capsys.readouterr().err
    Path("step.py").write_text(good)
    assert ran(resolve(capsys)) == ["last@a"]


@pytest.mark.situation(
    "dvc.lock in conflict, a cherry-pick", expected="resolve works as for a merge"
)
def test_a_cherry_pick_has_two_sides_too(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    branch(project, "theirs", {"b.last": 2})
    branch(project, "ours", {"a.last": 3})
    project.run("git", "cherry-pick", "theirs", ok=False)
    assert ran(resolve(capsys)) == []
    project.run("git", "-c", "core.editor=true", "cherry-pick", "--continue")
    assert project.repro() == []


def test_a_tracked_file_of_the_other_side_is_checked_out_first(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("git", "checkout", "-q", "-b", "theirs")
    Path("tracked.txt").write_text("one")
    project.run("dvc", "add", "-q", "tracked.txt")
    project.set({"b.last": 2})
    project.repro()
    project.commit("theirs")
    branch(project, "ours", {"a.last": 3})
    Path("tracked.txt").write_text("another")
    project.run("git", "merge", "theirs", ok=False)
    assert main(["resolve"]) == 2
    assert "tracked.txt: not what tracked.txt.dvc says" in capsys.readouterr().err
    project.run("dvc", "checkout", "-q", "--force", "tracked.txt.dvc")
    assert ran(resolve(capsys)) == []


def test_without_a_merge_there_is_nothing_to_resolve(project: Project) -> None:
    with pytest.raises(PlumblineError, match="no merge is in progress"):
        resolution.resolve(project.path, print)
