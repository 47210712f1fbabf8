"""What many tests start from: built once in a run of pytest, whichever worker comes first, and copied.

With pytest-xdist every worker has its own fixtures, so that a slow base would be built by each of them.
`built` keeps it in the folder that all workers of one run share, behind a lock.
"""

from __future__ import annotations

import json
import os
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock


def root(folders: pytest.TempPathFactory) -> Path:
    """The temporary folder of this run of pytest, one for all workers."""
    base = folders.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def built(folders: pytest.TempPathFactory, name: str, build: Callable[[Path], Any]) -> Path:
    """The folder that `build` filled. Read it, or copy it: the tests of a run share it.

    What `build` returns is kept as JSON, for `result`. A build that failed is not tried again.
    """
    folder = root(folders) / "shared" / name
    outcome = folder.parent / f"{name}.json"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not outcome.exists():
            outcome.write_text(json.dumps(_attempt(folder, build)))
    error = json.loads(outcome.read_text())["error"]
    assert error is None, f"the shared base {name!r} could not be built:\n{error}"
    return folder


def void(_value: object) -> None:
    """Nothing: for a build that returns what JSON cannot hold."""


def result(folder: Path) -> Any:
    """What the function that built a shared folder returned."""
    return json.loads((folder.parent / f"{folder.name}.json").read_text())["result"]


def copied(
    folders: pytest.TempPathFactory, name: str, build: Callable[[Path], Any], part: str = "."
) -> Path:
    """A copy (of a part) of that folder, which the caller may change."""
    target = folders.mktemp(name, numbered=True) / "copy"
    return Path(shutil.copytree(built(folders, name, build) / part, target, symlinks=True))


def _attempt(folder: Path, build: Callable[[Path], Any]) -> dict[str, Any]:
    folder.mkdir()
    try:
        return {"error": None, "result": build(folder)}
    except Exception:  # noqa: BLE001 (any failure is shown by each test that needs the base)
        return {"error": traceback.format_exc(), "result": None}
