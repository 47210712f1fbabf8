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

from plumbline.core.errors import PlumblineError
from plumbline.repo import clones, dvc_command, object_stores, repair, revisions, verify
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import child_process, dvc_lock
from plumbline.runtime.runner import QUIET, log

DROPPED = re.compile(r"(GIT|DVC|MLFLOW|COV|VIRTUAL_ENV|CONDA|PYTHON(PATH|HOME|STARTUP)$)")
"""Variables that would lead the run out of its clone: to a server, a cache, another environment."""
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
    _inputs(root, commit, clone)
    for name in {out.file for out in recorded} | {out.path for out in recorded}:
        _remove(
            clone / name
        )  # what git keeps of the outs would stand in for a stage that did not run
    python = _environment(clone, folder) if clean_room else Path(sys.executable)
    env = environment(os.environ, python.parent, clone, extra)
    failed, message = _run(python, clone, env, folder / "run.log")
    written = [out for out in revisions.outs(clone, revisions.WORK_TREE) if _locked(out)]
    return Reproduction(commit, compare(recorded, written), failed, message)


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
    tracked = [(commit, o) for o in revisions.outs(root, commit) if o.cached and not _locked(o)]
    if not tracked:
        return
    settings = object_stores.settings(root)
    sources = [settings.folder(), *(settings.remote(name) for name in settings.remotes)]
    contents, _ = verify.read_manifests(sources, tracked)
    mask = repair.umask()
    for use in verify.expand(tracked, contents):
        if not use.oid.endswith(".dir"):
            mode = repair.file_mode(use.out.executable, mask)
            repair.restore(sources, use.oid, clone / use.path, mode)


def _environment(clone: Path, folder: Path) -> Path:
    """The Python of a new environment with what the commit's requirements.txt locks."""
    target = folder / "environment"
    python = target / "bin" / "python"
    locked = ["--require-hashes", "--no-deps", "-r", str(clone / "requirements.txt")]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        steps = [[uv, "venv", "-q", "--python", sys.executable, str(target)]]
        steps += [[uv, "pip", "install", "-q", "--python", str(python), *locked]]
    else:
        steps = [[sys.executable, "-m", "venv", str(target)]]
        steps += [[str(python), "-m", "pip", "install", "-q", *locked]]
    log.info("reproduce: installing requirements.txt")
    env = {key: value for key, value in os.environ.items() if not DROPPED.match(key)}
    for step in steps:
        lines: list[str] = []
        if child_process.run(step, folder, env, lines.append):
            raise PlumblineError(
                f"clean room: {step[0]} failed:\n" + "\n".join(lines[-LAST_LINES:])
            )
    return python


def _run(python: Path, clone: Path, env: Mapping[str, str], file: Path) -> tuple[str | None, str]:
    """`dvc repro`; the stage that failed, if one did, and what it said."""
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

        words = ("repro", "--all-pipelines", "--no-run-cache")
        done = dvc_command.run_with(python, clone, env, words, progress)
    return (stage, "\n".join(output[-LAST_LINES:]).strip()) if done.code else (None, "")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
