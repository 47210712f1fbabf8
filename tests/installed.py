"""The library as people install it: a wheel built from this tree, in an environment of its own that sees the lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

NEEDED = ("plumbline", "pyproject.toml", "requirements.in", "README.md", "LICENSE")
HIDDEN = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONSAFEPATH")


def call(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program printed; it sees neither this checkout nor this environment's variables."""
    kept = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env={**kept, **(env or {})}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(*paths: str) -> set[str]:
    """Files of these paths that git knows, or would add."""
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths)
    return {name for name in call(*words, cwd=ROOT).splitlines() if (ROOT / name).exists()}


def wheel(folder: Path) -> Path:
    """Built in `folder` from a copy, with the setuptools of the lock."""
    for name in tracked(*NEEDED):
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return build(folder)


def build(folder: Path) -> Path:
    """The wheel of `folder`/source, in `folder`."""
    words = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder)
    call(sys.executable, *words, folder / "source", cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def programs(wheel: Path) -> Path:
    """The programs of a new environment beside the wheel with it, which sees the packages of the lock."""
    target = wheel.parent / "environment"
    call(sys.executable, "-m", "venv", "--without-pip", target, cwd=wheel.parent)
    python = target / "bin" / "python"
    words = ("install", "-q", "--no-deps", "--no-index", wheel)
    call(sys.executable, "-m", "pip", "--python", python, *words, cwd=wheel.parent)
    [site] = target.glob("lib/python*/site-packages")
    (site / "lock.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (target / "bin" / "dvc").write_text(f'#!/bin/sh\nexec "{python}" -m dvc "$@"\n')
    (target / "bin" / "dvc").chmod(0o755)
    return target / "bin"
