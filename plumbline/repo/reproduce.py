"""A commit reproduced in a fresh clone, its outs compared with those that the commit recorded."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.core import partition_cache
from plumbline.core.errors import PlumblineError
from plumbline.data import source_root
from plumbline.repo import (
    clones,
    dvc_command,
    environment_files,
    file_modes,
    object_stores,
    repair,
    revisions,
    verify,
)
from plumbline.repo.clean_room import DROPPED
from plumbline.repo.clean_room import python as clean_room_python
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_lock, libraries
from plumbline.runtime.runner import QUIET, log

LAST_LINES = 40


@dataclass(frozen=True)
class ReproducedOut:
    """One out: `result` is reproduced, changed, not written, or new (md5 `expected` is None)."""

    stage: str
    path: str
    result: str
    expected: str | None
    actual: str | None


@dataclass(frozen=True)
class Reproduction:
    """A run of a commit: out by out, and the message of the stage that failed, if one did."""

    commit: str
    results: Sequence[ReproducedOut]
    failed: str | None = None
    message: str = ""

    @property
    def same(self) -> bool:
        """Whether every out was written again with the same bytes, and no other."""
        return not self.failed and all(r.result == "reproduced" for r in self.results)


def reproduce(
    root: Path, rev: str, folder: Path, extra: Mapping[str, str], *, clean_room: bool = False
) -> Reproduction:
    """Clone, run and compare, in an empty `folder` of its own; `extra` variables for the run.

    Raises PlumblineError where there is nothing to compare, or the run cannot start.
    """
    commit = revisions.commit(root, rev)
    recorded = [out for out in revisions.outs(root, commit) if _locked(out)]
    if not recorded:
        raise PlumblineError(f"{rev}: no dvc.lock with outs there; `dvc repro` and commit it")
    clone = clones.cloned(root, commit, folder / "clone")
    if not clean_room:
        refuse_libraries(rev, clone)
    _inputs(root, commit, clone)
    for name in {out.file for out in recorded} | {out.path for out in recorded}:
        _remove(
            clone / name
        )  # what git keeps of the outs would stand in for a stage that did not run
    python = clean_room_python(clone, folder) if clean_room else Path(sys.executable)
    in_place = {source_root.REPRODUCING: str(root.resolve())}
    env = environment(os.environ, python.parent, clone, {**in_place, **extra})
    failed, message = _run(python, clone, env, folder / "run.log")
    written = [out for out in revisions.outs(clone, revisions.WORK_TREE) if _locked(out)]
    return Reproduction(commit, compare(recorded, written), failed, message)


def refuse_libraries(rev: str, clone: Path) -> None:
    """PlumblineError where a commit's stages name other libraries than those that are installed.

    A commit without files in environment/ runs with what is installed.
    """
    if differing := environment_files.differing(clone):
        raise PlumblineError(
            f"{rev}: its outs are those of {libraries.some(differing)}; add --clean-room to run it with "
            f"what it locks, or `git checkout {rev}` and `make install` first"
        )


def compare(recorded: Sequence[Out], written: Sequence[Out]) -> list[ReproducedOut]:
    """Each out of either lock, in the order of the recorded one, then new ones."""
    rerun = {(out.stage, out.path): out.md5 for out in written}
    results = []
    for out in recorded:
        md5 = rerun.pop((out.stage, out.path), None)
        result = "not written" if md5 is None else "changed"
        result = "reproduced" if md5 == out.md5 else result
        results.append(ReproducedOut(out.stage, out.path, result, out.md5, md5))
    return results + [
        ReproducedOut(stage, path, "new", None, md5) for (stage, path), md5 in rerun.items()
    ]


def environment(
    base: Mapping[str, str], programs: Path, clone: Path, extra: Mapping[str, str]
) -> dict[str, str]:
    """The run's variables: this process's, without those that lead out of the clone, and `extra`."""
    kept = {key: value for key, value in base.items() if not DROPPED.match(key)}
    none = str(clone / ".dvc" / "tmp" / "none")
    return {
        **kept,
        **QUIET,
        "PATH": f"{programs}{os.pathsep}{base.get('PATH', os.defpath)}",
        "PYTHONPATH": str(clone),
        "DVC_GLOBAL_CONFIG_DIR": none,
        "DVC_SYSTEM_CONFIG_DIR": none,
        partition_cache.PARTITIONS: "off",
        **extra,
    }


def about() -> dict[str, str]:
    """The machine, for the report: the same commit may be compared across machines."""
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "python": platform.python_version(),
    }


def _locked(out: Out) -> bool:
    return out.file.endswith(dvc_lock.FILE)


def _inputs(root: Path, commit: str, clone: Path) -> None:
    """What .dvc files track is a source, not a result: brought from the cache or a remote, hashed."""
    bring(
        root,
        clone,
        [(commit, o) for o in revisions.outs(root, commit) if o.cached and not _locked(o)],
    )


def bring(root: Path, clone: Path, tracked: Sequence[tuple[str, Out]]) -> None:
    """Outs by their commits, from the cache or a remote into a clone; PlumblineError where bytes are missing."""
    if not tracked:
        return
    settings = object_stores.settings(root)
    sources = [settings.folder(), *(settings.remote(name) for name in settings.remotes)]
    contents, _ = verify.read_manifests(sources, tracked)
    mask = file_modes.umask()
    for use in verify.expand(tracked, contents):
        if not use.oid.endswith(".dir"):
            mode = file_modes.file_mode(use.out.executable, mask)
            repair.restore(sources, use.oid, clone / use.path, mode)


def _run(python: Path, clone: Path, env: Mapping[str, str], file: Path) -> tuple[str | None, str]:
    """`dvc repro`; the stage that failed, if one did, and its output."""
    stage, output = "dvc repro", [""]
    with file.open("w", encoding="utf-8") as log_file:

        def progress(line: str) -> None:
            nonlocal stage
            log_file.write(line + "\n")
            if match := re.match(r"Running stage '(.+)':", line):
                stage = match[1]
                output.clear()
                log.info("reproduce: %s", stage)
            output.append(line)

        arguments = ("repro", "--all-pipelines", "--no-run-cache")
        done = dvc_command.run_with(python, clone, env, arguments, progress)
    return (stage, "\n".join(output[-LAST_LINES:]).strip()) if done.code else (None, "")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
