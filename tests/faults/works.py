"""A project of three quick stages that start and write as the real ones do, and of two releases.

Its data are large enough to be caught half way, its stages as slow as PAUSE says.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT
from tests.faults.kit import content, plumbline, run, well
from tests.project import Project

GROW = '''
"""Reads a text, writes a folder of a file for each word."""
import os, time
from pathlib import Path
from plumbline.core import files
from plumbline.runtime import runner

def main(usecase: str, source: Path, raw: Path, metrics: Path) -> None:
    words = (source / "words.txt").read_text().split()
    with files.replacing_folder(raw) as folder:
        for number, word in enumerate(words):
            (folder / f"{number:02}.txt").write_text(f"{word} {number}\\n" * 3000)
            time.sleep(float(os.environ.get("PAUSE", "0.01")))
    files.write_json(metrics, {"files": len(words)})

if __name__ == "__main__":
    runner.run(main)
'''
PRESS = '''
"""Reads the folder, writes one file."""
import os, time
from pathlib import Path
from plumbline.core import files
from plumbline.runtime import runner

def main(usecase: str, raw: Path, pressed: Path) -> None:
    with files.replacing(pressed) as beside, beside.open("wb") as out:
        for file in sorted(raw.iterdir()):
            out.write(file.read_bytes()[::-1])
            time.sleep(float(os.environ.get("PAUSE", "0.01")))

if __name__ == "__main__":
    runner.run(main)
'''
WEIGH = '''
"""Reads the file, writes what it weighs."""
from pathlib import Path
from plumbline.core import files
from plumbline.runtime import runner

def main(usecase: str, pressed: Path, report: Path, metrics: Path) -> None:
    with files.replacing_folder(report) as folder:
        (folder / "report.md").write_text(f"{pressed.stat().st_size} bytes\\n")
    files.write_json(metrics, {"bytes": pressed.stat().st_size})

if __name__ == "__main__":
    runner.run(main)
'''
GRAPH = """
stages:
  grow:
    matrix: {usecase: "${usecases}"}
    cmd: python -m stages.grow ${item.usecase} sources/${item.usecase} data/${item.usecase}/raw metrics/${item.usecase}/grow.json
    deps: [stages/grow.py, "sources/${item.usecase}"]
    params: ["${item.usecase}.grow"]
    outs:
      - data/${item.usecase}/raw: {persist: true}
    metrics:
      - metrics/${item.usecase}/grow.json: {cache: false, persist: true}
  press:
    matrix: {usecase: "${usecases}"}
    cmd: python -m stages.press ${item.usecase} data/${item.usecase}/raw data/${item.usecase}/pressed.bin
    deps: [stages/press.py, "data/${item.usecase}/raw"]
    params: ["${item.usecase}.press"]
    outs:
      - data/${item.usecase}/pressed.bin: {persist: true}
  weigh:
    matrix: {usecase: "${usecases}"}
    cmd: python -m stages.weigh ${item.usecase} data/${item.usecase}/pressed.bin reports/${item.usecase} metrics/${item.usecase}/weigh.json
    deps: [stages/weigh.py, "data/${item.usecase}/pressed.bin"]
    outs:
      - reports/${item.usecase}: {persist: true}
    metrics:
      - metrics/${item.usecase}/weigh.json: {cache: false, persist: true}
"""
PARAMS = "usecases: [works]\nworks: {grow: {turn: 1}, press: {turn: 1}}\n"
WORDS = {"new": "ash beech oak yew", "v1": "alder birch cedar", "v2": "elm fir gorse hazel"}
OUTS = ("data", "reports", "metrics", "dvc.lock")
REMOTE = Path("remote")
FILES = {
    "stages/__init__.py": (ROOT / "stages/__init__.py").read_text(),
    "stages/grow.py": GROW,
    "stages/press.py": PRESS,
    "stages/weigh.py": WEIGH,
    "dvc.yaml": GRAPH,
    "params.yaml": PARAMS,
    ".dvcignore": "__pycache__\n.*.part\n.*.old\n",
    ".gitignore": "__pycache__/\n*.part\n*.old\n/data\n/reports\n",
    ".dvc/config": "[core]\nremote = storage\n['remote \"storage\"']\nurl = ../../remote\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
}
REPRO = ("dvc", "repro", "--no-run-cache")


def make(path: Path) -> Project:
    """It in `path`/project, pushed to `path`/remote; tags v1 and v2, HEAD on main at v2."""
    project = Project(path / "project")
    for name, text in FILES.items():
        file = project.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (project.path / "plumbline").symlink_to(ROOT / "plumbline")
    well(run(project, "git", "init", "-q", "-b", "main"))
    for tag in ("v1", "v2"):
        words(project, tag)
        well(run(project, *REPRO))
        project.commit(tag)
        well(run(project, "git", "tag", tag))
        well(run(project, "dvc", "push", "-q"))
    return project


def words(project: Project, tag: str) -> None:
    """Its source as at a tag, or as it never was."""
    source = project.path / "sources" / "works"
    source.mkdir(parents=True, exist_ok=True)
    (source / "words.txt").write_text(f"{WORDS[tag]} " * 4)


def copy(project: Project, path: Path) -> Project:
    """It and its remote, as they are, in a folder of their own."""
    for name in ("project", "remote"):
        shutil.copytree(project.path.parent / name, path / name, symlinks=True)
    return Project(path / "project")


def outs(project: Project) -> Mapping[str, bytes]:
    """Everything that a run writes."""
    return content(project.path, *OUTS)


def stored(project: Project) -> Mapping[str, bytes]:
    """Every object of the remote."""
    return content(project.path.parent, "remote/files")


def whole(project: Project) -> Mapping[str, bytes]:
    """Where git is, what is not committed, and everything that a run writes."""
    message = run(project, "git", "log", "-1", "--format=%D").text
    message += run(project, "git", "status", "--porcelain").text
    return {**outs(project), "git": message.encode()}


def sound(project: Project) -> bool:
    """Whether every output is as recorded, here and in the cache."""
    return plumbline(project, "verify", "--in", "workspace", "--in", "cache").code == 0
