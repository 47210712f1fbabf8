"""Scratch copies of the project as it stands: the files git tracks or would, and the outs, linked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from plumbline.studies.mltest import tree
from tests.conftest import ROOT
from tests.project import environment

OUTS = ("data", "models", "reports")


def copy(path: Path) -> Path:
    """The project in `path`, committed, so that it has a state of its own; the outs are links."""
    for name in tree.listed(ROOT):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    links = [link for name in OUTS for link in _linked(path, name)]
    git(path, "init", "-q", "-b", "main")
    with (path / ".git" / "info" / "exclude").open("a") as file:
        file.write("".join(f"/{link}\n" for link in links))
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "the project as it stands")
    return path


def _linked(path: Path, name: str) -> list[str]:
    """Link in the copy what the folder `name` holds beside the copied files; the links' places."""
    outs = sorted((ROOT / name).iterdir()) if (ROOT / name).is_dir() else []
    (path / name).mkdir(parents=True, exist_ok=True)
    absent = [out.name for out in outs if not (path / name / out.name).exists()]
    for out in absent:
        (path / name / out).symlink_to(ROOT / name / out)
    return [f"{name}/{out}" for out in absent]


def git(path: Path, *words: str) -> None:
    """Run git in the copy, as nobody in particular."""
    done = subprocess.run(
        ["git", *words],
        cwd=path,
        env=environment(path),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"git {words[0]} in {path}: {done.stderr.strip()}")
