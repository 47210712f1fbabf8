"""The verdicts that alerts are about: the monitor's files, or what a retrain wrote. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json
from plumbline.core.safe_text import one_line
from plumbline.ops.alerts import usecase_alerts
from plumbline.ops.retrain import retrain_document
from plumbline.ops.retrain.retrain_document import RetrainRecord
from plumbline.repo import artifacts


def of_stage(usecase: str) -> dict[str, Any]:
    """What the stage `monitor` wrote; an alert where that is missing or damaged."""
    try:
        path = artifacts.metrics_path(usecase, "monitor")
        return checked(read_json(path), str(path))
    except PlumblineError as error:
        return usecase_alerts.broken(
            one_line(error), "run `dvc repro` and check why the monitor wrote nothing"
        )


def of_retrain(path: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By use case, what a retrain saw of the champion on newer data; an alert where a stage failed.

    An alert for each of `names` where it wrote nothing. PlumblineError where the file is something else.
    """
    if not path.exists():
        lost = usecase_alerts.broken(
            f"{path}: the retrain left no verdict", "read the run's log", "retrain"
        )
        return dict.fromkeys(names, lost)
    records = retrain_document.read(path).usecases
    return {record.usecase: _of_record(record, str(path)) for record in records}


def checked(verdict: Any, name: str) -> dict[str, Any]:
    """A monitor's JSON that can be reported; else an alert that says what is wrong with it."""
    wrong = usecase_alerts.problem(verdict)
    if wrong:
        return usecase_alerts.broken(
            f"{name}: damaged: {wrong}", "run the monitor again: `dvc repro -f monitor`"
        )
    valid: dict[str, Any] = verdict
    return valid


def _of_record(record: RetrainRecord, name: str) -> dict[str, Any]:
    failed = record.failed
    seen = checked(record.monitor, name) if record.monitor else {}
    if not failed:
        return seen or usecase_alerts.broken(f"{name}: no verdict", "run `plumbline retrain` again")
    evidence = f"stage {one_line(failed.stage)} failed: {one_line(failed.error)}"
    stopped = usecase_alerts.broken(evidence, "fix the error, then run it again", "stage")
    return {**seen, "level": "alert", "findings": [*stopped["findings"], *seen.get("findings", [])]}
