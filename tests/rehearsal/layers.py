"""A Python environment over this one, in which one library has another version.

Real: the environment (a venv whose own site-packages come first), the library's version as importlib and
pip see it, every process that runs in it, and, with `edit`, the library's changed code. Not real: the
other version's release. Without `edit` its code is this version's, so that its outs are the same bytes;
with it, its code is a copy of this version's in which one line of Python differs (compiled parts are
shared). No index is asked and nothing is downloaded, so that a lock's hashes are not checked here.
"""

from __future__ import annotations

import shutil
import site
import subprocess
import sys
from importlib import metadata
from pathlib import Path

SHARED = ("lib", "__pycache__")
"""Folders of a package that are not copied: compiled libraries are linked, byte code is made anew."""


def make(folder: Path, name: str, version: str) -> Path:
    """The environment, in `folder`, where the distribution `name` says that it is `version`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = _packages(folder)
    real = Path(site.getsitepackages()[0])
    (packages / "below.pth").write_text(f"import site; site.addsitedir({str(real)!r})\n")
    info = packages / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    text = metadata.distribution(name).read_text("METADATA") or ""
    installed = f"Version: {metadata.version(name)}"
    assert installed in text
    (info / "METADATA").write_text(text.replace(installed, f"Version: {version}", 1))
    dvc = folder / "bin" / "dvc"
    dvc.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m dvc "$@"\n')
    dvc.chmod(0o755)
    return folder


def edit(folder: Path, package: str, file: str, old: str, new: str) -> None:
    """Give the environment a copy of an installed package in which `old` is `new` in one file."""
    real = Path(site.getsitepackages()[0])
    target = _packages(folder) / package
    shutil.copytree(real / package, target, ignore=shutil.ignore_patterns(*SHARED))
    (target / "lib").symlink_to(real / package / "lib")
    for libraries in real.glob(f"{package}*.libs"):
        (target.parent / libraries.name).symlink_to(libraries)
    text = (target / file).read_text()
    assert text.count(old) == 1, f"{package}/{file} has changed: {old!r} must stand there once"
    (target / file).write_text(text.replace(old, new))


def _packages(folder: Path) -> Path:
    return next((folder / "lib").glob("python3*")) / "site-packages"
