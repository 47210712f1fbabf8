"""A project that installs the library, under real git and DVC, up to its model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plumbline.model import bundle
from plumbline.ops import infer
from plumbline.ops.init import create
from plumbline.runtime import dvc_lock, library
from tests.conftest import ROOT
from tests.project import Project

ROWS = "id,size,units,answer\n" + "".join(
    f"{n},{n * 7 % 97},{n % 5 + 1},{n * 7 % 97 + n * 31 % 89}.5\n" for n in range(300)
)


def installed(path: Path) -> dict[str, str]:
    """The library beside the project, as if it were installed; stages and use cases are the project's."""
    (path.parent / "site").mkdir(exist_ok=True)
    link = path.parent / "site" / "plumbline"
    if not link.exists():
        link.symlink_to(ROOT / "plumbline")
    return {"PYTHONPATH": f"{path}{os.pathsep}{link.parent}", "MLFLOW_TRACKING_URI": "off"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A new project, run up to train; what the run printed."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "orders.csv").write_text(ROWS)
    guess = infer.infer(folder / "orders.csv", "answer", key="id", name="orders")
    create.create(folder / "project", guess)
    project = Project(folder / "project", warm=True)
    project.set({"orders.tune.max_evals": 1, "orders.train.rounds": 20})
    project.commit()
    return project, project.run("dvc", "repro", "train@orders", env=installed(project.path))


def test_its_stages_are_the_library_s(shop: tuple[Project, str]) -> None:
    project, printed = shop
    assert (project.path / "models" / "orders" / bundle.MANIFEST).exists(), printed
    entries = dvc_lock.of(dvc_lock.read(project.path), "orders")
    noted = library.read(project.path)[library.MD5S]
    assert {name: entry.params[library.param(name)] for name, entry in entries.items()} == {
        name: noted[name] for name in ("data", "validate", "features", "tune", "train")
    }
    listed = project.run("git", "status", "--porcelain", "--untracked-files=all")
    assert {line[3:].split("/")[0] for line in listed.splitlines()} == {"dvc.lock", "metrics"}


def test_another_library_runs_only_what_it_changed(shop: tuple[Project, str]) -> None:
    project, _ = shop
    file = project.path / library.FILE
    before = file.read_text()
    content = json.loads(before)
    content[library.MD5S]["train"] = "0" * 32
    file.write_text(json.dumps(content))
    message = project.run("dvc", "repro", "train@orders", env=installed(project.path), ok=False)
    file.write_text(before)
    assert [line for line in message.splitlines() if line.startswith("Running stage")] == [
        "Running stage 'train@orders':"
    ]
    assert "stage 'train': expected the library's code as noted there" in message
    assert "run `plumbline sync`" in message
