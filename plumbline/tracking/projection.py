"""MLflow, written to and never read from: runs of stages, trials, registered bundles.

SQLite (`mlflow.db`) by default, a server by MLFLOW_TRACKING_URI, nothing with MLFLOW_TRACKING_URI=off.
Where MLflow is down this warns and the stage goes on. A process beside the stage talks to MLflow (see
`plumbline.tracking.mlflow_process`): its import costs the stage nothing, and it can be killed when it hangs.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plumbline.core import dvc_hash
from plumbline.core.files import dumps
from plumbline.runtime import checkouts, dvc_lock, dvc_yaml, run_records
from plumbline.tracking import mlflow_process

ADDRESS = "MLFLOW_TRACKING_URI"
OFF = "off"

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class TrialRun:
    """A nested run."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    failed: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def warm() -> None:
    """Start the process beside the stage, so that it has MLflow and its file open when they are needed."""
    where = address()
    if where == OFF:
        return
    process = mlflow_process.worker()
    if where.startswith("sqlite:"):
        with suppress(mlflow_process.UnreachableError):  # `record` will warn of it
            mlflow_process.probe(where)
            process.prepare(where)


def record(
    name: str,
    stage: str,
    *,
    params: Mapping[str, Any],
    metrics: Mapping[str, float | None],
    trials: Sequence[TrialRun] = (),
    files: Sequence[Path] = (),
) -> str | None:
    """Write one run of `stage` to the experiment `usecase`, its trials nested; the run's id.

    Tags: stage, use case, git commit, dirty, and the md5s of what the stage read and wrote. Metrics
    that are not finite are left out. Warns and returns None where MLflow is down.
    """
    request = _run(name, stage, params, metrics) | {
        "action": "record",
        "tags": _tags(name, stage),
        "trials": [asdict(t) | {"metrics": _finite(t.metrics)} for t in trials],
        "files": [str(f.resolve()) for f in files],
        "texts": {"run.json": dumps(run_records.manifest(name, stage))},
    }
    return _send(request, f"this run of {stage}")


def register(
    name: str,
    bundle: Path,
    run_id: str | None,
    alias: str,
    tags: Mapping[str, str] | None = None,
) -> str | None:
    """Make the bundle a version of the registered model `usecase` and point `alias` at it.

    A bundle with the same md5 gets no second version. Returns the version; warns and returns None
    where MLflow is down.
    """
    request = _run(name, "register", {}, {}) | {
        "action": "register",
        "run": run_id,
        "run_tags": _tags(name, "register"),
        "tags": {**(tags or {}), "md5": dvc_hash.md5(bundle)},
        "trials": [],
        "files": [],
        "folder": str(bundle.resolve()),
        "alias": alias,
    }
    return _send(request, f"the registration of {bundle}")


def address() -> str:
    """Where MLflow is: by default a file of the checkout, also for an experiment in DVC's temporary copy."""
    return os.environ.get(ADDRESS) or f"sqlite:///{_own('mlflow.db')}"


def _own(name: str) -> Path:
    return (checkouts.main() / name).resolve()


def _run(
    name: str, stage: str, params: Mapping[str, Any], metrics: Mapping[str, float | None]
) -> dict[str, Any]:
    import psutil

    return {
        "experiment": name,
        "name": stage,
        "params": dict(params),
        "metrics": _finite(metrics),
        "start": int(psutil.Process().create_time() * 1000),
        "end": int(time.time() * 1000),
    }


def _finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {k: float(v) for k, v in metrics.items() if v is not None and math.isfinite(v)}


def _tags(name: str, stage: str) -> dict[str, str]:
    tags = {"usecase": name, "stage": stage}
    commit = run_records.commit()
    if commit:
        tags |= {"git.commit": commit, "git.dirty": str(bool(run_records.dirty())).lower()}
    return tags | {f"md5/{path}": value for path, value in md5s(name, stage).items()}


def md5s(name: str, stage: str) -> dict[str, str]:
    """The md5 of what `stage` was made from, from dvc.lock in a run by DVC, and of what it wrote."""
    stages = dvc_yaml.of_usecase(dvc_yaml.read(), name)
    entries = dvc_lock.read() if "DVC_STAGE" in os.environ else {}
    known = dvc_lock.outs(dvc_lock.of(entries, name))
    own = stages[stage].stored if stage in stages else ()
    wanted = {p: known.get(p) for p in dvc_yaml.upstream(stages, stage)} | dict.fromkeys(own)
    there = {p: value for p, value in wanted.items() if value or Path(p).exists()}
    return {p: value or dvc_hash.md5(Path(p)) for p, value in there.items()}


def _send(request: dict[str, Any], what: str) -> str | None:
    where = address()
    if where == OFF:
        return None
    artifacts = _own("mlartifacts").as_uri() if where.startswith("sqlite:") else None
    try:
        mlflow_process.probe(where)
        value = mlflow_process.worker().ask(request | {"address": where, "artifacts": artifacts})
    except mlflow_process.UnreachableError as error:
        log.warning(
            "tracking: %s is not in MLflow: %s: %s. The stage goes on; set %s=%s to track nothing.",
            what, where, error, ADDRESS, OFF,
        )  # fmt: skip
        return None
    return value
