"""Does another Python, with the versions that the lock gives it, leave the same bytes?

`python -m bench.other_python PYTHON` runs a small card_fraud with this Python, installs requirements.txt
for PYTHON (a version that uv finds, or a path) in a new environment, runs every stage again there without
a cache, and prints how many outs are the same; exit code 1 where one differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from plumbline.runtime import dvc_lock
from tests import project as projects
from tests.conftest import ROOT

QUIET = {"MLFLOW_TRACKING_URI": "off"}


def main(python: str) -> int:
    """Run both and compare the outs in dvc.lock."""
    with tempfile.TemporaryDirectory(prefix="plumbline-python-") as folder:
        programs = _installed(python, Path(folder) / "environment")
        (Path(folder) / "project").mkdir()
        project = projects.make(Path(folder) / "project", ["card_fraud"])
        project.repro(env=QUIET)
        here = dvc_lock.outs(dvc_lock.read(project.path))
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        project.run("dvc", "repro", "--force", "--no-run-cache", env={**QUIET, "PATH": path})
        there = dvc_lock.outs(dvc_lock.read(project.path))
        version = project.run("python", "--version", env={"PATH": path}).strip()
    differing = sorted(out for out in here if here[out] != there.get(out))
    print(
        f"{version}: {len(here) - len(differing)} of {len(here)} outs the same {' '.join(differing)}"
    )
    return 1 if differing else 0


def _installed(python: str, target: Path) -> Path:
    """The folder of commands of a new environment with what requirements.txt locks for that Python."""
    uv = str(Path(sys.executable).parent / "uv")
    lock = ["--no-deps", "--require-hashes", "-r", str(ROOT / "requirements.txt")]
    subprocess.run([uv, "venv", "-q", "--python", python, str(target)], check=True)
    install = [uv, "pip", "install", "-q", "--python", str(target / "bin" / "python"), *lock]
    subprocess.run(install, check=True)
    return target / "bin"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
