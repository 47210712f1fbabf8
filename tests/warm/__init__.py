"""Commands by fork: `python` and `dvc` that need not import the large libraries again.

More than half of what a run of a toy spends is imports. A server imports the libraries once in a run of
pytest, and forks for each command. The command is a process of its own as ever: its arguments, folder,
environment, streams, exit code and end by a signal are those of a new Python. Of this project it finds
`plumbline` imported where its own has the very bytes (`project.py`), else nothing. Where they cannot be (another hash seed, a `sitecustomize`, a
Python that is told to be isolated) a new Python starts; with HOOK_FORKS in its environment a fork imports
the `sitecustomize`, after the libraries. COLD=1 starts a new one for every command, as
.ci/nightly does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from plumbline.runtime import runner

HERE = Path(__file__).parent
OWN, PYTHON = Path(sys.prefix), sys.executable
SESSION = os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()
"""The process that ends last in a run of pytest: the one that controls its workers, or this one."""
PLAIN = {"PLAIN_PICTURES": "1"}
"""Environment in which forks save a frame for each picture: where no test looks at one, nor compares with a new Python."""


def possible() -> bool:
    """Whether commands start by fork here."""
    return sys.platform == "linux" and not os.environ.get("COLD")


def path(prefix: Path = OWN) -> list[str]:
    """The folder of `python` and `dvc`, to stand first in PATH; none where there is no fork.

    `prefix`: the environment whose libraries they have.
    """
    return [str(_started(SESSION, prefix))] if possible() else []


def lend(patch: pytest.MonkeyPatch) -> None:
    """Fork the commands that this process starts by its own Python, as `plumbline` starts DVC."""
    for folder in path():
        patch.setattr(sys, "executable", f"{folder}/python")


def stop(prefix: Path) -> None:
    """End that environment's server; without it, the run of pytest ends all."""
    folder = _folder(SESSION, prefix)
    if (folder / "pid").exists():
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
        shutil.rmtree(folder)
    _started.cache_clear()


def _folder(session: int, prefix: Path) -> Path:
    other = "" if prefix == OWN else f"-{hashlib.sha256(bytes(prefix)).hexdigest()[:8]}"
    return Path(tempfile.gettempdir()) / f"plumbline-warm-{os.getuid()}-{session}{other}"


@cache
def _started(session: int, prefix: Path) -> Path:
    """The folder with the commands of this run's server, which the first to ask starts."""
    folder = _folder(session, prefix)
    folder.mkdir(mode=0o700, exist_ok=True)
    with FileLock(f"{folder}/lock"):
        if not (folder / "python").exists():
            _start(folder, session, prefix)
    return folder


def _start(folder: Path, session: int, prefix: Path) -> None:
    client = (HERE / "client.py").read_text()
    python = PYTHON if prefix == OWN else str(prefix / "bin" / "python")
    (folder / "cold").symlink_to(python)
    for name in ("dvc", "python"):
        (folder / name).write_text(f"#!{PYTHON} -IS\n{client}")
        (folder / name).chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "MLFLOW_", "PYTEST_"))}
    words = [python, "-I", str(HERE / "server.py"), str(folder), str(session)]
    with (folder / "log").open("w") as log:
        subprocess.run(
            words,
            cwd="/",
            env={**kept, **runner.QUIET},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
