"""Records of runs: commit, params, versions, machine, seconds, memory; beside the bundle. An edge.

One JSON a line in `models/<usecase>.runs.jsonl`, outside of what DVC hashes: two runs of one commit
leave the same outs, and never the same seconds.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.runtime import checkouts, dvc_lock, dvc_yaml, git

FOLDER = Path("models")
"""Not declared in dvc.yaml: no out."""
KEPT = 500
"""Lines that a use case's file keeps, the newest."""
LIBRARIES = (
    "dvc", "duckdb", "evidently", "feast", "great-expectations", "hyperopt", "ibis-framework",
    "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost-cpu",
)  # fmt: skip
"""Whose versions can change an out."""

_NOTED: dict[str, Mapping[str, float]] = {}

log = logging.getLogger("plumbline")


def manifest(name: str, stage: str) -> dict[str, Any]:
    """Commit (null without one), whether the work tree differs from it, params, versions, machine."""
    return {
        "usecase": name,
        "stage": stage,
        "commit": commit(),
        "dirty": dirty(),
        "params": _params(name),
        "versions": versions(),
        "machine": machine(),
    }


def keep(name: str, stage: str, seconds: float, root: Path = Path(".")) -> None:
    """Add the run that ends now to the use case's file; `memory_mb` is the process's largest.

    A run in DVC's temporary copy of the project is added to the project's own file.
    """
    line = {
        **manifest(name, stage),
        "seconds": round(seconds, 2),
        "memory_mb": round(peak_mb(), 1),
        "wrote": wrote(name, stage, root),
        **_NOTED,
    }
    _add(place(name, checkouts.main(root)), [json.dumps(line, sort_keys=True)])


def kept() -> bool:
    """Whether this process is a stage that DVC runs: the run of any other leaves no record."""
    return "DVC_STAGE" in os.environ


def note(name: str, figures: Mapping[str, float]) -> None:
    """Keep figures that this process measured for the record of its run."""
    _NOTED[name] = dict(figures)


def adopt(name: str, clone: Path, root: Path = Path(".")) -> None:
    """Add what a clone's stages were to the project's own file; nothing where none ran there."""
    lines = _lines(place(name, clone))
    if lines:
        _add(place(name, root), lines)


def read(name: str, root: Path = Path(".")) -> list[dict[str, Any]]:
    """The runs in the file, the oldest first; a damaged line is skipped."""
    runs = []
    for line in _lines(place(name, root)):
        try:
            run = json.loads(line)
        except ValueError:
            continue
        if isinstance(run, dict):
            runs.append(run)
    return runs


def place(name: str, root: Path = Path(".")) -> Path:
    """The use case's file."""
    return root / FOLDER / f"{name}.runs.jsonl"


def wrote(name: str, stage: str, root: Path = Path(".")) -> dict[str, str]:
    """md5s by path that identify a run: of the outs that git keeps, or of the others where it has none."""
    stages = dvc_yaml.of_usecase(dvc_yaml.read(root), name)
    if stage not in stages:
        return {}
    paths = stages[stage].in_git or stages[stage].stored
    return {p: dvc_hash.md5(root / p) for p in paths if (root / p).exists()}


def peak_mb() -> float:
    """The largest memory that this process has held, in MB of 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@cache
def versions() -> dict[str, str]:
    """Python's and the libraries' versions, those that are installed."""
    installed = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


@cache
def machine() -> dict[str, Any]:
    """System, processor, its features as the system names them, cores; no name of the host."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "libc": "-".join(platform.libc_ver()),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "features": _features(Path("/proc/cpuinfo")),
    }


def dirty() -> bool | None:
    """Whether the work tree differs from its commit; a run's own dvc.lock and metrics do not count."""
    status = git.answer(
        "status", "--porcelain", "-uno", "--", ".", f":!{dvc_lock.FILE}", ":!metrics"
    )
    return None if status is None else bool(status)


def commit() -> str | None:
    """The commit that is checked out; None without a repository. Warns where git cannot read the one there is."""
    if not git.here():
        return None
    try:
        git.require(Path("."))
    except PlumblineError as error:
        _warn(str(error))
        return None
    return git.answer("rev-parse", "--verify", "--quiet", "HEAD")


@cache
def _warn(reason: str) -> None:
    """Say once that a record has no commit."""
    log.warning("run records without a commit: %s", reason)


def _params(name: str) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return (
        {k: content[k] for k in ("seed", name) if k in content} if isinstance(content, dict) else {}
    )


def _features(path: Path) -> list[str]:
    """What the first processor can do, sorted; none where the system does not say."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    listed = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return sorted(set(next(listed, "").split()))


def _add(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a file, one process at a time: experiments of a queue end at the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        kept = [*_lines(path), *lines][-KEPT:]
        with replacing(path) as beside:
            beside.write_text("\n".join(kept) + "\n", encoding="utf-8")
    finally:
        os.close(folder)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
