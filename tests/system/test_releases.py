"""Three releases of a case with entities, there and back; and no file is unpickled on all that way.

Every class that a pickle asks for, in all seven stages and the commands, is caught by an audit hook.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import project as projects
from tests import three_releases as releases
from tests.project import Project
from tests.shared import built, result

# Python reads it at its start: writes down every class that a pickle asks for, and who unpickles.
HOOK = """
import json, os, sys, traceback
def hook(event, args):
    if event != "pickle.find_class":
        return
    files = [f.filename for f in traceback.extract_stack()[:-1]]
    others = [f for f in files if os.path.basename(f) not in ("pickle.py", "_dill.py")]
    who = others[-1].split("site-packages/")[-1] if others else "?"
    line = json.dumps({"class": ".".join(args), "who": who, "command": sys.orig_argv[1:4]})
    with open(os.environ["PICKLES"], "a") as file:
        file.write(line + "\\n")
sys.addaudithook(hook)
"""
pytestmark = pytest.mark.timeout(1800)
FORKS = {"HOOK_FORKS": "1"}
"""Each command is watched from the start of its Python once; when it is repeated, from after the imports."""
EXPLAINED: dict[str, str] = {}
"""Whose unpickling cannot be avoided, by the start of the file's name, and why it is safe."""


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `sitecustomize.py` catches pickles, to stand first on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("hooked")
    (folder / "sitecustomize.py").write_text(HOOK)
    return folder


def environment(folder: Path, *more: Path) -> dict[str, str]:
    paths = ":".join(str(path) for path in (folder, *more))
    return {"PICKLES": str(folder / "pickles.jsonl"), "PYTHONPATH": paths}


def caught(folder: Path) -> list[dict[str, str]]:
    log = folder / "pickles.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three releases as they were made, and what was to be seen of each."""
    return built(tmp_path_factory, "three-releases", released)


def released(folder: Path) -> dict[str, Any]:
    """Make them there; by tag, what was to be seen when it was made, and the pickles on the way."""
    (folder / "project").mkdir()
    (folder / "hooked").mkdir()
    (folder / "hooked" / "sitecustomize.py").write_text(HOOK)
    project = projects.make(folder / "project", [releases.NAME], warm=True)
    env = environment(folder / "hooked", project.path)
    known = releases.make(project, env, env | FORKS)
    return {"known": known, "pickles": caught(folder / "hooked")}


@pytest.fixture(scope="module")
def project(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of them."""
    path = tmp_path_factory.mktemp("releases") / "project"
    return Project(shutil.copytree(base / "project", path, symlinks=True), warm=True)


@pytest.fixture
def known(base: Path) -> dict[str, dict[str, Any]]:
    """By tag, what was to be seen when it was made."""
    return result(base)["known"]


@pytest.fixture(autouse=True)
def nothing_unpickled(hooked: Path) -> Iterator[None]:
    """Whatever a test does: no process of it unpickled what is not explained."""
    yield
    assert strange(caught(hooked)) == []


def strange(pickles: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those that are not explained."""
    explained = tuple(EXPLAINED)
    return [one for one in pickles if not (explained and one["who"].startswith(explained))]


def test_the_hook_sees_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    words = "import pickle, collections; pickle.loads(pickle.dumps(collections.OrderedDict()))"
    subprocess.run([sys.executable, "-c", words], env=environment(tmp_path), check=True)
    assert [one["class"] for one in caught(tmp_path)] == ["collections.OrderedDict"]


def test_the_releases_differ(known: dict[str, dict[str, Any]]) -> None:
    one, two, three = (known[tag] for tag in releases.TAGS)
    assert len({tuple(k["champion"]) for k in (one, two, three)}) == 3
    assert one["feast"] != two["feast"] == three["feast"]
    assert releases.DROPPED in one["online"]
    assert two["online"] != three["online"]
    assert len({k["predictions"] for k in (one, two, three)}) == 3


@pytest.mark.capability("D21")
@pytest.mark.parametrize("tag", ["model-v1", "model-v2", "main"])
def test_a_rollback_restores_everything(
    project: Project, hooked: Path, known: dict[str, dict[str, Any]], tag: str
) -> None:
    env = environment(hooked, project.path) | ({} if tag == "model-v1" else FORKS)
    project.run("python", "-m", "plumbline", "rollback", tag, env=env)
    results = releases.seen(project, env)
    assert results == known["model-v3" if tag == "main" else tag]
    assert results["outs"] == releases.recorded(project, tag)
    assert results["champion"] == [results["outs"][f"models/{releases.NAME}"]]


@pytest.mark.situation(
    "kill -9 in a rollback after its feature store", expected="undone, online values as before"
)
def test_one_killed_with_its_feature_store_made_anew_is_undone(
    project: Project, hooked: Path, known: dict[str, dict[str, Any]]
) -> None:
    """kill -9 when Feast holds the other release already: the next rollback puts all of main back."""
    env = environment(hooked, project.path) | FORKS
    killer = ("python", "-m", "tests.faults.killer")
    project.run(*killer, "features", "end", "model-v1", env=env, ok=False)
    assert "interrupted at features" in project.run(*killer, "recover", env=env)
    assert releases.seen(project, env) == known["model-v3"]


def test_nothing_was_unpickled_on_the_way(base: Path) -> None:
    """In all stages and commands that made the three releases."""
    assert strange(result(base)["pickles"]) == []


def test_nothing_is_unpickled_by_commands_that_read(project: Project, hooked: Path) -> None:
    """The other commands that read what a stranger may have written."""
    env = environment(hooked, project.path)
    for words in (("compare", "model-v1", "--json", "reports/c.json"), ("verify", "--all-tags")):
        project.run("python", "-m", "plumbline", *words, env=env)
    assert strange(caught(hooked)) == []
