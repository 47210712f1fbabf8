"""Monitor 1: a dependency that changes is told: in the report of a change, each night, and as an update."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.report import markdown
from plumbline.review import comparison_blocks, packages, revision
from plumbline.review.comparison import untrusted
from plumbline.runtime import libraries
from tests.conftest import ROOT
from tests.project import Project
from tests.reviews import comparison

pytestmark = pytest.mark.mltest("Monitor 1")
BEFORE = "a-lib==1.0 \\\n    --hash=sha256:00\nxgboost==3.1.0 ; x > '1' \\\ngone==2\n"
AFTER = "a-lib==1.0 \\\n    --hash=sha256:11\nxgboost==3.2.0 \\\nnew_one==5\n"
MOVED = [
    {"key": "gone", "base": "2", "head": None},
    {"key": "new-one", "base": None, "head": "5"},
    {"key": "xgboost", "base": "3.1.0", "head": "3.2.0"},
]


def changed(base: str, head: str) -> list[dict]:
    name = packages.LOCKS[0]
    return [one.plain() for one in packages.changed({name: base}, {name: head})]


def test_what_came_went_and_moved() -> None:
    assert changed(BEFORE, AFTER) == MOVED
    assert changed(BEFORE, BEFORE) == []


def test_the_projects_own_lock_is_read() -> None:
    text = (ROOT / "requirements.txt").read_text()
    result = libraries.versions(text)
    assert set(result) == set(re.findall(r"^(\S+?)==", text, re.MULTILINE))
    assert len(result) > 100
    declared = "".join((ROOT / f"requirements{n}.in").read_text() for n in ("", "-dev"))
    wanted = re.findall(r"^([A-Za-z0-9._-]+)", declared, re.MULTILINE)
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} <= set(result)


def test_the_report_says_so_and_the_schema_lets_it() -> None:
    message = markdown.comment(
        comparison_blocks.blocks(comparison(packages=MOVED), "in.json")
    ).replace("\\", "")
    assert "Dependencies changed: gone, new-one, xgboost." in message
    assert re.search(r"xgboost \| 3\.1\.0 \| 3\.2\.0", message)
    with pytest.raises(PlumblineError, match="breaks missing at packages/"):
        untrusted({**comparison().plain(), "packages": [{"key": "a"}]})
    unmoved = markdown.comment(comparison_blocks.blocks(comparison(packages=[]), "in.json"))
    assert "Dependencies" not in unmoved


def test_both_sides_are_read_from_git(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.run("git", "init", "-q", "-b", "main")
    for name, text in (("dvc.lock", "stages: {}\n"), ("requirements.txt", BEFORE)):
        (tmp_path / name).write_text(text)
    project.commit("base")
    (tmp_path / "requirements.txt").write_text(AFTER)
    old, new = revision.side(tmp_path, "main"), revision.side(tmp_path, None)
    result = packages.changed(dict(old.texts), dict(new.texts))
    assert [one.plain() for one in result] == MOVED


def test_a_night_that_breaks_opens_an_issue() -> None:
    night = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    assert night[True]["schedule"], "no schedule"  # YAML takes `on` for true
    steps = [s for job in night["jobs"].values() for s in job["steps"]]
    assert any(".ci/nightly" in s.get("run", "") for s in steps)
    assert any("plumbline issue nightly" in s.get("run", "") for s in steps)
    assert "make lock" in (ROOT / ".ci/nightly").read_text()
    assert "--upgrade" in (ROOT / "Makefile").read_text()
