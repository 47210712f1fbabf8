"""A copy of the project in a folder of its own, with small use cases, for tests of whole runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from plumbline.runtime import dvc_lock
from tests import warm as forks
from tests.conftest import ROOT

SMALL = {
    "card_fraud.data.start": "2025-02-01",
    "card_fraud.data.simulate": {"customers": 300, "terminals": 200},
    "card_fraud.tune.max_evals": 2,
    "card_fraud.tune.rounds": 20,
    "card_fraud.train.rounds": 40,
    "card_fraud.evaluate.bootstrap": 50,
    "card_fraud.monitor.rows": 0,  # no report by Evidently: tests/model and the small run draw it
}

DIABETES = {
    "data": {"source": "csv", "path": "sources/diabetes/diabetes.csv"},
    "validate": {},
    "features": {},
    "tune": {"max_evals": 2, "rounds": 50},
    "train": {"rounds": 100},
    "evaluate": {"bootstrap": 100},
    "monitor": {"rows": 0},
}


@dataclass(frozen=True)
class Project:
    """A work tree under git and DVC; commands run in it with this test's Python.

    `warm`: by fork (tests/warm), where nothing of a test depends on how a Python starts.
    """

    path: Path
    warm: bool = field(default=False, kw_only=True)

    def run(self, *words: str, env: Mapping[str, str] | None = None, ok: bool = True) -> str:
        """A command's output (both streams); AssertionError with it when it fails and `ok`."""
        done = subprocess.run(
            words,
            cwd=self.path,
            env={**environment(self.path, self.warm), **(env or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def repro(
        self, *words: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> list[str]:
        """`dvc repro`, after the words `before`, and the names of the stages that ran."""
        out = self.run(*before, "dvc", "repro", *words, env=env)
        return [line.split("'")[1] for line in out.splitlines() if line.startswith("Running stage")]

    def commit(self, message: str = "change") -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)

    def set(self, changes: Mapping[str, Any]) -> None:
        """Change params.yaml: dotted keys to values."""
        path = self.path / "params.yaml"
        whole = yaml.safe_load(path.read_text())
        for dotted, value in changes.items():
            *parts, last = dotted.split(".")
            place = whole
            for part in parts:
                place = place[part]
            place[last] = value
        path.write_text(yaml.safe_dump(whole, sort_keys=False))

    def clone(self, path: Path) -> Project:
        """A fresh clone of what is committed: no cache, no outs."""
        self.run("git", "clone", "-q", str(self.path), str(path))
        return Project(path, warm=self.warm)


def environment(path: Path, warm: bool = False) -> dict[str, str]:
    """This process's environment with this Python's commands first, and `path` to import from."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "MLFLOW_", "GIT_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    first = forks.path() if warm else []
    return {
        **kept,
        "PATH": ":".join([*first, str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(path),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(path / ".dvc" / "tmp" / "site"),
        **{f"GIT_{who}_NAME": "Test" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "test@example.com" for who in ("AUTHOR", "COMMITTER")},
    }


def make(path: Path, usecases: list[str], *, warm: bool = False) -> Project:
    """The project as this work tree has it, committed in `path`, with small params and `usecases`.

    `diabetes` is added the way a user adds a table: a module, a params section, a source.
    """
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    project = Project(path, warm=warm)
    forget(project, usecases)
    if "diabetes" in usecases:
        add_diabetes(project)
    project.set({key: v for key, v in SMALL.items() if key.partition(".")[0] in usecases})
    project.set({"usecases": usecases})
    project.run("git", "init", "-q", "-b", "main")
    project.commit("start")
    return project


def forget(project: Project, usecases: list[str]) -> None:
    """Take other use cases out of params.yaml, and all stages out of dvc.lock but what others' `train` left.

    DVC leaves the entries of a use case that is gone; each is read at every command, so one is enough.
    """
    params, lock = project.path / "params.yaml", project.path / "dvc.lock"
    shipped = {folder.name for folder in (project.path / "usecases").iterdir()}
    whole = yaml.safe_load(params.read_text())
    kept = {key: v for key, v in whole.items() if key in usecases or key not in shipped}
    params.write_text(yaml.safe_dump(kept, sort_keys=False))
    entries = dvc_lock.parse(lock.read_text()) if lock.exists() else {}
    gone = {f"train@{name}" for name in shipped - set(usecases)}
    lock.write_text(dvc_lock.dump({name: e for name, e in entries.items() if name in gone}))


def add_diabetes(project: Project) -> None:
    """The plain table as a user adds one: a module, a params section, a source, a profile."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(as_frame=True, scaled=False)
    table = bunch.frame.rename(columns={"target": "progression"})
    table = table.astype({"sex": int}).rename_axis("patient").reset_index()
    source = project.path / "sources" / "diabetes"
    source.mkdir()
    table.to_csv(source / "diabetes.csv", index=False)
    add_usecase(project, "diabetes")
    (project.path / "profiles" / "diabetes.json").write_text("{}\n")
    (project.path / "profiles" / "diabetes.history.csv").touch()
    params = project.path / "params.yaml"
    params.write_text(params.read_text() + yaml.safe_dump({"diabetes": DIABETES}))


def add_usecase(project: Project, name: str) -> None:
    """The package of a use case that stands in tests/usecases."""
    package = Path("usecases") / name
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests" / package, project.path / package, ignore=ignored)
