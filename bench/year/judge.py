"""The monitor each day, hot: the stages' own `main` in one process that stays, in a folder beside the project.

What `dvc repro monitor` with another as-of date would compute, without DVC and without starting four processes a day.
The champion and the test window that it was accepted on stay what they are until there is another.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from bench.year.project import CASE, Project
from plumbline.core.errors import PlumblineError
from plumbline.monitor import result
from plumbline.monitor.result import MonitorResult
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

LINKED = ("plumbline", "usecases", "profiles", "sources", "stages", "environment", "feature_store")
STAGES = ("data", "validate", "features", "monitor")


class Judge:
    """Judges a project's champion as of a day. Close it with the block."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder = project.root.parent / "judge"
        self.folder.mkdir()
        for name in LINKED:
            (self.folder / name).symlink_to(project.root / name)
        shutil.copyfile(project.root / "dvc.yaml", self.folder / "dvc.yaml")
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (str(self.folder),))
        self.crown()

    def crown(self) -> None:
        """Take the project's bundle and its test window as the champion's."""
        for role in (Role.BUNDLE, Role.TEST_TABLE):
            path = artifacts.path(CASE, role, self.project.root)
            kept = self.folder / "champion" / path.name
            if kept.is_dir():
                shutil.rmtree(kept)
            kept.parent.mkdir(exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, kept)

    def verdict(self, as_of: date) -> MonitorResult:
        """The verdict on all that is sealed before `as_of`; PlumblineError where a stage refuses the data."""
        whole = self.project.params()
        whole[CASE]["data"]["as_of"] = str(as_of)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        error = self._pool.submit(_run, str(self.folder)).result()
        if error:
            raise PlumblineError(error)
        return result.read(self.written)

    @property
    def written(self) -> Path:
        """Where the last verdict stands."""
        return self.folder / "metrics" / CASE / "monitor.json"

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def _begin(folder: str) -> None:
    from plumbline.runtime import runner

    os.environ["MLFLOW_TRACKING_URI"] = "off"
    os.chdir(folder)
    sys.path.insert(0, folder)
    runner.prepare()
    logging.getLogger("plumbline").setLevel(logging.ERROR)


def _run(folder: str) -> str:
    """Run the stages one after the other; the error of the one that refuses, or nothing."""
    from plumbline.runtime import runner

    for stage, words in _commands(Path(folder)):
        main = importlib.import_module(f"stages.{stage}").main
        arguments = runner.parse(main, words, stage)
        for path in (a for a in arguments.values() if isinstance(a, Path)):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            main(**arguments)
        except PlumblineError as error:
            return f"stage {stage}: {error}"
    return ""


def _commands(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each stage's arguments as dvc.yaml has them, the champion's bundle and test window in place of new ones."""
    stages: dict[str, Any] = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    for stage in STAGES:
        words = stages[stage]["cmd"].replace("${item.usecase}", CASE).split()[3:]
        if stage == "monitor":
            model = artifacts.declared(CASE, Role.BUNDLE, folder)
            test = artifacts.declared(CASE, Role.TEST_TABLE, folder)
            kept = {model: "champion", test: "champion"}
            words = [f"{kept[w]}/{Path(w).name}" if w in kept else w for w in words]
        yield stage, words
