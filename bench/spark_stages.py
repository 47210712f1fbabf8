"""The stages that a Spark cluster computes, run as `dvc repro` runs them, and the bytes of what they write."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from bench.large import processes, worlds
from bench.large.processes import Used

STAGES = ("data", "validate", "features", "tune", "train")
SCORE = "score"
"""Not a stage: `plumbline score` of the first month by the bundle that `train` wrote."""
ANSWERS = "answers.parquet"
SHARED = {f"{worlds.USECASE}.tune.parallel": 4, f"{worlds.USECASE}.train.workers": 2}
"""Params by which trials run side by side, and workers train together."""
SEED = 7


def project(folder: Path, events: int, months: int) -> Path:
    """A copy of the project on about so many simulated payments, a Parquet file per month."""
    copy = worlds.project(folder, months, SHARED)
    worlds.write(copy.path / worlds.SOURCE, events, months, SEED)
    return copy.path


def words(root: Path, stage: str, usecase: str = worlds.USECASE) -> list[str]:
    """The stage's command as in dvc.yaml, by this Python."""
    if stage == SCORE:
        first = min((root / worlds.SOURCE).iterdir()).relative_to(root)
        options = ("--out", ANSWERS, "--usecase", usecase, "--new-entities")
        return [sys.executable, "-m", "plumbline", "score", str(first), *options]
    entry = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
    command = entry["cmd"].replace("${item.usecase}", usecase)
    return [sys.executable, *shlex.split(command)[1:]]


def run(
    root: Path,
    stage: str,
    scratch: Path,
    engine: Mapping[str, str],
    usecase: str = worlds.USECASE,
) -> Used:
    """The stage in a process of its own, which leaves the partitions kept of earlier runs alone."""
    own = {"PYTHONPATH": str(root), "PLUMBLINE_PARTITIONS": "off", "TMPDIR": str(scratch)}
    own |= {"MLFLOW_TRACKING_URI": "off"}
    used = processes.run(words(root, stage, usecase), root, scratch, os.environ | own | engine)
    if not used.ok:
        raise RuntimeError(f"{stage} with {dict(engine)}:\n{used.output[-3_000:]}")
    return used


def outs(root: Path, stage: str, usecase: str = worlds.USECASE) -> dict[str, str]:
    """MD5 of every file that the stage wrote, by its path."""
    if stage == SCORE:
        return {f.name: _md5(f) for f in sorted(root.glob("answers*"))}
    entry = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
    listed = (*entry["outs"], *entry.get("plots", ()))
    names = [n.replace("${item.usecase}", usecase) for out in listed for n in out]
    files = [f for name in names for f in _files(root / name)]
    return {str(f.relative_to(root)): _md5(f) for f in files}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The files that are not the same bytes on both sides."""
    return sorted(n for n in {**one, **other} if one.get(n) != other.get(n))


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _files(path: Path) -> list[Path]:
    return [f for f in sorted(path.rglob("*")) if f.is_file()] if path.is_dir() else [path]
