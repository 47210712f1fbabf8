"""The verdicts that alerts are about: the monitor's files, or what a retrain wrote. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import one_line
from plumbline.monitor import result
from plumbline.monitor.result import MonitorResult, ReportedFinding, broken
from plumbline.ops.retrain import retrain_document
from plumbline.ops.retrain.retrain_document import RetrainRecord
from plumbline.ops.serving import live_checks
from plumbline.repo import artifacts
from plumbline.serve.live_check.check import LiveFinding

LIVE = "live_check"
NEXT = "look at the sender of the events and at the last change of routes; `plumbline red-button` goes back to the champion before"


def of_stage(usecase: str) -> MonitorResult:
    """What the stage `monitor` wrote; an alert where that is missing or damaged, or a running service found something."""
    try:
        verdict = result.read(artifacts.metrics_path(usecase, "monitor"))
    except PlumblineError as error:
        verdict = broken(one_line(error), "run `dvc repro` and check why the monitor wrote nothing")
    return with_live(verdict, live_checks.current(Path("."), usecase))


def with_live(verdict: MonitorResult, found: Sequence[LiveFinding]) -> MonitorResult:
    """The verdict, and what the check beside a running service found in its last minutes: an alert."""
    findings = [
        ReportedFinding(
            check=LIVE, column=one.check, level="alert", evidence=one.evidence, next=NEXT
        )
        for one in found
    ]
    if not findings:
        return verdict
    whole = (*findings, *verdict.findings)
    return verdict.model_copy(update={"level": "alert", "findings": whole})


def of_retrain(path: Path, names: Iterable[str]) -> dict[str, MonitorResult]:
    """By use case, what a retrain saw of the champion on newer data; an alert where a stage failed.

    An alert for each of `names` where it wrote nothing. PlumblineError where the file is something else.
    """
    if not path.exists():
        lost = broken(f"{path}: the retrain left no verdict", "read the run's log", "retrain")
        return dict.fromkeys(names, lost)
    records = retrain_document.read(path).usecases
    return {record.usecase: _of_record(record, str(path)) for record in records}


def _of_record(record: RetrainRecord, name: str) -> MonitorResult:
    failed = record.failed
    if not failed:
        return record.monitor or broken(f"{name}: no verdict", "run `plumbline retrain` again")
    evidence = f"stage {one_line(failed.stage)} failed: {one_line(failed.error)}"
    stopped = broken(evidence, "fix the error, then run it again", "stage")
    if not record.monitor:
        return stopped
    findings = (*stopped.findings, *record.monitor.findings)
    return record.monitor.model_copy(update={"level": "alert", "findings": findings})
