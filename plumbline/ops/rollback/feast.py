"""Feast's registry and online store, rebuilt for a commit, and restored when that fails.

The work is done by the commit's own code, in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.ops.online_store import settings
from plumbline.ops.rollback import journal
from plumbline.runtime import child_process, runner

FILES = "*.db*"
LAST_LINES = 20


def rebuild(root: Path, repository: Path, usecases: Sequence[str]) -> None:
    """Empty the embedded store, then apply and materialize each use case; those that keep views come first."""
    for file in _files(repository):
        file.unlink()
    env = {**os.environ, **runner.QUIET, "PYTHONPATH": str(root.resolve())}
    env[settings.CHOICE] = settings.EMBEDDED
    left = list(usecases)
    while left:
        failed = {name: lines for name in left if (lines := _materialized(root, env, name))}
        if len(failed) == len(left):
            name, lines = next(iter(failed.items()))
            raise PlumblineError(f"Feast, {name}: " + "\n".join(lines[-LAST_LINES:]))
        left = list(failed)  # those whose views another one keeps, which is there by now


def _materialized(root: Path, env: Mapping[str, str], name: str) -> list[str]:
    """Fill the embedded store with a use case; what was printed where that failed."""
    lines: list[str] = []
    arguments = [sys.executable, "-m", "plumbline", "features", "materialize", name]
    return (lines or ["failed"]) if child_process.run(arguments, root, env, lines.append) else []


def present(repository: Path) -> bool:
    """Whether the embedded store has files."""
    return bool(_files(repository))


def save(root: Path, repository: Path) -> None:
    """Keep the embedded store's files as they are, until the next call."""
    with replacing_folder(_saved(root)) as beside:
        for file in _files(repository):
            shutil.copy2(file, beside / file.name)


def put_back(root: Path, repository: Path) -> None:
    """The embedded store's files as they were saved."""
    for file in _files(repository):
        file.unlink()
    for file in sorted(_saved(root).iterdir()):
        shutil.copy2(file, repository / file.name)


def _saved(root: Path) -> Path:
    return journal.folder(root) / "feature_store"


def _files(repository: Path) -> list[Path]:
    return sorted(p for p in repository.glob(FILES) if p.is_file())
