"""A new Python environment with what a commit's requirements.txt locks, and the library where the commit installs it.

An edge: starts processes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.runtime import child_process, library
from plumbline.runtime.runner import log

DROPPED = re.compile(r"(GIT|DVC|MLFLOW|COV|VIRTUAL_ENV|CONDA|PYTHON(PATH|HOME|STARTUP)$)")
"""Variables that would lead a run out of its clone: to a server, a cache, another environment."""
LAST_LINES = 40


def python(clone: Path, folder: Path) -> Path:
    """The Python of a new environment in `folder` with what the clone's requirements.txt locks."""
    target = folder / "environment"
    python = target / "bin" / "python"
    locked = ["--require-hashes", "--no-deps", "-r", str(clone / "requirements.txt")]
    pins = clone / library.PINS
    own = ["--no-deps", "-r", str(pins)] if pins.is_file() else []
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        steps = [[uv, "venv", "-q", "--python", sys.executable, str(target)]]
        install = [uv, "pip", "install", "-q", "--python", str(python)]
    else:
        steps = [[sys.executable, "-m", "venv", str(target)]]
        install = [str(python), "-m", "pip", "install", "-q"]
    steps += [[*install, *locked], *([[*install, *own]] if own else [])]
    log.info("installing requirements.txt in a new environment")
    env = {key: value for key, value in os.environ.items() if not DROPPED.match(key)}
    for step in steps:
        lines: list[str] = []
        if child_process.run(step, clone, env, lines.append):
            raise PlumblineError(
                f"clean room: {step[0]} failed:\n" + "\n".join(lines[-LAST_LINES:])
            )
    return python
