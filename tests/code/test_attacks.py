"""The attacks of `bench.attacks` can still be made: what they change is there, and each changes something."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bench.attacks import catalogue, patients
from bench.attacks.subjects import BOTH, CSV, DELIVERIES, DIABETES
from plumbline.runtime import git
from tests import project as projects
from tests.conftest import ROOT
from tests.project import Project
from tests.rehearsal import base as rehearsal
from tests.usecases import delivery_rows

READ = (
    *("Makefile", "dvc.yaml", "params.yaml", "requirements.txt", "docs", "stages", ".dvcignore"),
    *(".dvc/config", ".github", "tests/code/test_metrics.py"),
    *("tests/code/test_docs.py", "plumbline/review", "plumbline/metrics", "usecases/__init__.py"),
)
"""What attacks change, beside the two use cases."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Those files with both use cases, under git; no stage has run."""
    root = tmp_path_factory.mktemp("attacked")
    for name in READ:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, root / name)
    project = Project(root)
    for name in BOTH:
        projects.add_usecase(project, name)
        (root / "profiles").mkdir(exist_ok=True)
        (root / "profiles" / f"{name}.json").write_text('{"rows": 1}\n')
    delivery_rows.write(root / CSV[DELIVERIES], delivery_rows.rows(rehearsal.FIRST, 3))
    (root / "sources" / DIABETES).mkdir()
    patients.write(root / CSV[DIABETES])
    sections = {DELIVERIES: rehearsal.SECTION, DIABETES: projects.DIABETES}
    with (root / "params.yaml").open("a") as params:
        params.write(yaml.safe_dump(sections))
    git.output(root, "init", "-q")
    git.output(root, "add", "-A")
    return project


def test_enough_of_each_family() -> None:
    """On two use cases each, with controls."""
    families = Counter((name, one.family) for name, one in catalogue.everything())
    assert all(families[name, family] >= 5 for name in BOTH for family in FAMILIES)
    assert families[DELIVERIES, "control"] >= 5


FAMILIES = ("rules", "data", "identity", "code", "noise")


def test_each_edit_changes_something(project: Project) -> None:
    """Those that need a run (`after`, `before`) aside."""
    for name, one in catalogue.everything():
        if one.after or one.before:
            continue
        one.edit(project)
        touched = git.lines(project.path, "status", "--porcelain")
        assert [line for line in touched if line[1] != " " or line[0] == "?"], (name, one.what)
        git.output(project.path, "checkout", "-q", ".")
        git.output(project.path, "clean", "-fdq")
        _again(project.path)


def _again(root: Path) -> None:
    """No link is left where a file was."""
    assert not [path for path in root.rglob("*") if path.is_symlink() and ".git" not in path.parts]
