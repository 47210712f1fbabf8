"""Seconds and memory of the stages on either side, from the records of runs. An edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.review.comparison_sections import RunCost, StageCost
from plumbline.runtime import run_records
from plumbline.runtime.dvc_lock import Entries, Entry

Runs = Sequence[Mapping[str, Any]]


def costs(root: Path, usecase_name: str, base: Entries, head: Entries) -> list[StageCost]:
    """A line per stage whose run is known on a side; null where it is not, as another machine ran it."""
    known = run_records.read(usecase_name, root)
    lines = [
        StageCost(stage=name, base=_cost(known, name, base), head=_cost(known, name, head))
        for name in head
    ]
    return [line for line in lines if line.base or line.head]


def latency(known: Runs, own: Entries) -> Mapping[str, float]:
    """What the run of evaluate measured of the side's bundle; {} where it is not known."""
    measured = (_run(known, "evaluate", own) or {}).get("latency") or {}
    return {str(name): float(value) for name, value in measured.items()}


def _cost(known: Runs, stage: str, own: Entries) -> RunCost | None:
    run = _run(known, stage, own)
    if run is None:
        return None
    return RunCost(seconds=float(run["seconds"]), memory_mb=float(run["memory_mb"]))


def _run(known: Runs, stage: str, own: Entries) -> Mapping[str, Any] | None:
    """The last run of the stage that wrote what the side's dvc.lock says."""
    outs = own.get(stage, Entry()).outs
    for run in reversed(known):
        wrote = run.get("wrote") or {}
        same = bool(wrote) and all(outs.get(path) == md5 for path, md5 in wrote.items())
        if run.get("stage") == stage and same:
            return run
    return None
