"""The fault matrix: each fault is done to a project of its own, and something must say so.

`make faults` prints the table. No answer may be silent: a wrong result that nothing names.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests import releases as graphs
from tests import toy
from tests.faults import feasts, histories, kills, machine, objects, releases, works
from tests.faults.kit import SILENT, Bench, Calm, Fault, run, well
from tests.project import Project
from tests.shared import built, void
from tests.toy import Toy

FAULTS = [
    *objects.faults(),
    *kills.faults(),
    *machine.faults(),
    *histories.faults(),
    *releases.faults(),
    *feasts.faults(),
]
LEAST = 130


class Made:
    """The projects as they are made, once, when a fault first asks for one."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self.folders = folders
        self.calms: dict[tuple[str, ...], Calm] = {}

    @cached_property
    def toy(self) -> Toy:
        return toy.shared(self.folders)

    @cached_property
    def works(self) -> Project:
        folder = built(self.folders, "works", lambda folder: void(works.make(folder)))
        return Project(folder / "project")

    @cached_property
    def releases(self) -> Project:
        return graphs.shared(self.folders)

    @cached_property
    def feast(self) -> Path:
        return built(self.folders, "feast", lambda folder: void(feasts.make(folder)))

    def calm(self, words, prepare, state) -> Calm:
        if tuple(words) not in self.calms:
            project = works.copy(self.works, self.folders.mktemp("calm"))
            prepare(project)
            started = time.perf_counter()
            well(
                run(project, *words, warm=False)
            )  # as the one that is killed at a part of its time
            self.calms[tuple(words)] = Calm(time.perf_counter() - started, state(project))
        return self.calms[tuple(words)]


@dataclass(frozen=True)
class Copies:
    """See tests.faults.kit.Bench."""

    projects: Made
    folder: Path

    def toy(self) -> Toy:
        return toy.copy(self.projects.toy, self.folder)

    def works(self) -> Project:
        return works.copy(self.projects.works, self.folder)

    def releases(self) -> Project:
        shutil.copytree(self.projects.releases.path, self.folder / "releases", symlinks=True)
        return Project(self.folder / "releases")

    def feast(self) -> Path:
        return shutil.copytree(self.projects.feast, self.folder / "feast")

    def calm(self, words, prepare, state) -> Calm:
        return self.projects.calm(words, prepare, state)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory)


@pytest.fixture
def bench(projects: Made, tmp_path: Path) -> Bench:
    return Copies(projects, tmp_path)


@pytest.mark.parametrize(
    ("number", "fault"),
    list(enumerate(FAULTS, 1)),
    ids=[f"{f.name} [{f.where}]" for f in FAULTS],
)
def test_no_fault_is_silent(number: int, fault: Fault, bench: Bench, record_property) -> None:
    answer = fault.do(bench)
    row = {"number": number, "name": fault.name, "where": fault.where, **asdict(answer)}
    record_property("fault", json.dumps(row))
    assert answer.verdict != SILENT, answer.output


def test_the_matrix_is_no_smaller_than_it_was() -> None:
    assert len(FAULTS) >= LEAST
    assert len({(f.name, f.where) for f in FAULTS}) == len(FAULTS)
