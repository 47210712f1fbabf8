"""One size: the world made, then stage by stage under `dvc repro`, each kept as soon as it is through."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.graph_time import PYTHON
from bench.large import processes, records, worlds
from bench.large.records import STAGES, StageCost, World
from plumbline.core import files, machine
from tests.conftest import ROOT
from tests.project import Project, environment

SEED = 7
TABLES = {
    "tune": ("train", "valid"),
    "train": ("train", "valid"),
    "evaluate": ("train", "valid", "test"),
    "monitor": ("test", "current"),
}
"""The model tables that a stage reads; the others read all events."""
SHOWN = 3_000
"""Characters of a failed stage's output, from its end."""


@dataclass(frozen=True)
class Place:
    """The folder of one size: the copy of the project, what is measured so far, scratch files, a `python`."""

    folder: Path

    @property
    def project(self) -> Project:
        return Project(self.folder / "project")

    @property
    def state(self) -> Path:
        """The world as measured here."""
        return self.folder / "world.json"

    @property
    def scratch(self) -> Path:
        """Where the stages keep temporary files."""
        return self.folder / "scratch"

    @property
    def notes(self) -> Path:
        """What `python` notes of the stages that it ran."""
        return self.folder / "python.log"


def prepare(place: Place, setting: Mapping[str, Any]) -> World:
    """The world as it stands in the folder, or a new one; the payments are made, which is not counted."""
    if place.state.exists():
        (world,) = records.read(place.state)
        if world.setting == dict(setting):
            return world
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    _python(place)
    project = worlds.project(place.project.path, setting["months"], setting["set"])
    wanted = round(setting["millions"] * 1_000_000)
    events = worlds.write(project.path / worlds.SOURCE, wanted, setting["months"], SEED)
    world = World(events, dict(setting), _machine())
    records.keep(place.state, world)
    return world


def measured(place: Place, world: World) -> Iterator[World]:
    """The world after each further stage; it ends early where one fails, whose output is printed."""
    for stage in STAGES[len(world.stages) :]:
        cost = _stage(place, stage, world)
        if cost is None:
            return
        stages = {**world.stages, stage: cost}
        disk = processes.size(place.project.path) / processes.MB
        world = replace(world, stages=stages, disk=disk, quality=_quality(place.project))
        records.keep(place.state, world)
        yield world


def _stage(place: Place, stage: str, world: World) -> StageCost | None:
    """Run one stage, whatever it was before; its outs are hashed, but DVC's cache gets no second copy of them."""
    place.notes.unlink(missing_ok=True)
    words = ["dvc", "repro", "--single-item", "--force", "--no-commit", f"{stage}@{worlds.USECASE}"]
    used = processes.run(words, place.project.path, place.scratch, _environment(place, world))
    if not used.ok or not place.notes.exists():
        print(f"{stage} failed after {used.wall:.0f} s:\n{used.output[-SHOWN:]}", flush=True)
        return None
    _, wall, _ = json.loads(place.notes.read_text().splitlines()[-1])
    return StageCost(
        wall=used.wall,
        cpu=used.cpu,
        resident=used.resident,
        anonymous=used.anonymous,
        scratch=used.scratch,
        rows=_rows(place.project, stage, world.events),
        dvc=used.wall - wall,
    )


def _environment(place: Place, world: World) -> dict[str, str]:
    own = environment(place.project.path)
    return {
        **own,
        "PATH": f"{place.folder / 'bin'}:{own['PATH']}",
        "TMPDIR": str(place.scratch),
        machine.VARIABLES["memory"]: world.setting["memory"],
    }


def _python(place: Place) -> None:
    """A `python` that notes the seconds of what it runs, first on DVC's path."""
    script = place.folder / "bin" / "python"
    script.parent.mkdir()
    script.write_text(PYTHON.format(python=sys.executable, log=str(place.notes)))
    script.chmod(script.stat().st_mode | stat.S_IEXEC)


def _rows(project: Project, stage: str, events: int) -> int:
    """How many rows a stage reads."""
    folder = project.path / "data" / worlds.USECASE / "tables"
    tables = [folder / f"{name}.parquet" for name in TABLES.get(stage, ())]
    return sum(pq.read_metadata(table).num_rows for table in tables) or events


def _quality(project: Project) -> float | None:
    """The primary metric on the test window, once it is measured."""
    path = project.path / "metrics" / worlds.USECASE / "evaluate.summary.json"
    return files.read_json(path).get("average_precision") if path.exists() else None


def _machine() -> dict[str, Any]:
    """Processors, memory and the commit, for who reads the results."""
    head = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, capture_output=True, text=True, check=False)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "commit": commit.stdout.strip(),
    }
