"""A toy project under real git and real DVC, quick to run: for tests of what is kept and restored."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests import shared as bases
from tests.project import Project

MAKE = """
import pathlib, sys
source, parts, whole = map(pathlib.Path, sys.argv[1:])
parts.mkdir(parents=True)
for name, line in zip(("a.txt", "b.txt", "deep/c.txt", "\\u00e9.txt"), source.read_text().split()):
    (parts / name).parent.mkdir(exist_ok=True)
    (parts / name).write_text(line * 100)
whole.write_bytes(source.read_bytes() * 1000)
"""
SUM = """
import json, os, pathlib, sys
parts, model, metrics = map(pathlib.Path, sys.argv[1:])
sizes = {p.name: p.stat().st_size for p in sorted(parts.rglob("*.txt"))}
model.write_text(json.dumps(sizes) + os.environ.get("TOY", ""))
metrics.parent.mkdir(exist_ok=True)
metrics.write_text(json.dumps({"files": len(sizes)}))
"""
GRAPH = """
stages:
  make:
    matrix: {case: [toy]}
    cmd: python make.py source/${item.case}.txt out/${item.case}/parts out/${item.case}/whole.bin
    deps: [make.py, "source/${item.case}.txt"]
    outs:
      - out/${item.case}/parts
      - out/${item.case}/whole.bin
  sum:
    matrix: {case: [toy]}
    cmd: python sum.py out/${item.case}/parts out/${item.case}/model.json metrics/${item.case}.json
    deps: [sum.py, "out/${item.case}/parts"]
    outs:
      - out/${item.case}/model.json
    metrics:
      - metrics/${item.case}.json: {cache: false}
"""
PARTS = "out/toy/parts"
CONFIG = """
[core]
    remote = storage
['remote "storage"']
    url = ../../remote
"""
IGNORE = "__pycache__\n.*.part\n"


@dataclass(frozen=True)
class Toy(Project):
    """The toy as a project; `oids`: the md5 that was recorded for each file, and each manifest."""

    oids: Mapping[str, str]

    def place(self, where: str, path: str) -> Path:
        """The file that stands for a path in the workspace, the cache, or "remote storage"."""
        if where == "workspace":
            return self.path / path
        base = self.path / ".dvc" / "cache" if where == "cache" else self.path.parent / "remote"
        return base / "files" / "md5" / self.oids[path][:2] / self.oids[path][2:]


def make(path: Path) -> Toy:
    """The toy in `path`/project, run, committed, tagged `v1`, and pushed to the folder `path`/remote."""
    project = Project(path / "project", warm=True)
    project.path.mkdir()
    texts = {"make.py": MAKE, "sum.py": SUM, "dvc.yaml": GRAPH, ".dvcignore": IGNORE}
    for name, text in texts.items():
        (project.path / name).write_text(text)
    for folder in (".dvc", "source"):
        (project.path / folder).mkdir()
    (project.path / ".dvc" / "config").write_text(CONFIG)
    (project.path / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (project.path / "source" / "toy.txt").write_text("alpha beta gamma delta")
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "add", "-q", "source/toy.txt")
    project.repro()
    project.run("dvc", "push", "-q")
    project.commit()
    project.run("git", "tag", "v1")
    return Toy(project.path, recorded(project))


def shared(folders: pytest.TempPathFactory) -> Toy:
    """The toy that all tests of a run copy from."""
    folder = bases.built(folders, "toy", lambda folder: make(folder).oids)
    return Toy(folder / "project", bases.result(folder), warm=True)


def recorded(project: Project) -> dict[str, str]:
    """What dvc.lock, the .dvc file and the manifest say: path to md5."""
    stages = yaml.safe_load((project.path / "dvc.lock").read_text())["stages"]
    result = {o["path"]: o["md5"] for stage in stages.values() for o in stage["outs"]}
    tracked = yaml.safe_load((project.path / "source" / "toy.txt.dvc").read_text())
    result["source/toy.txt"] = tracked["outs"][0]["md5"]
    toy = Toy(project.path, result)
    for entry in json.loads(toy.place("cache", PARTS).read_text()):
        result[f"{PARTS}/{entry['relpath']}"] = entry["md5"]
    return result


def copy(project: Toy, path: Path) -> Toy:
    """The project and its remote, as they are, in a folder of their own."""
    for name in ("project", "remote"):
        shutil.copytree(project.path.parent / name, path / name, symlinks=True)
    return Toy(path / "project", project.oids, warm=project.warm)


def md5(path: Path) -> str | None:
    """The md5 of a file as it is; None where there is none."""
    return hashlib.md5(path.read_bytes()).hexdigest() if path.exists() else None


def flip(path: Path) -> None:
    """Change one bit in place: same size, same times, same inode, as a failing disk does."""
    before = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate(path: Path) -> None:
    """Cut a file in half."""
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[: len(data) // 2])
