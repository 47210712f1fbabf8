"""An experiment's lines of the audit log: who declared it, and who ended it with which verdict. An edge."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from plumbline.ops.experiments import experiment_files
from plumbline.ops.experiments.declaration import Ended, Experiment
from plumbline.ops.rollback import journal


def write(
    root: Path,
    usecase: str,
    name: str,
    experiment: Experiment,
    ended: Ended | None = None,
) -> None:
    """Enter a declaration that was written, or its end, once its file has it."""
    file = experiment_files.path(root, usecase, name)
    entry = journal.ExperimentEntry(
        who=journal.who(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        usecase=usecase,
        name=name,
        action="stop" if ended else "new",
        arms={arm: experiment.shares.get(arm, 0) for arm in experiment.arms},
        first=str(experiment.start),
        last=str(ended.day if ended else experiment.last),
        keep=ended.keep if ended else "",
        verdict=ended.verdict if ended else "",
        file=file.relative_to(root).as_posix(),
        file_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    journal.append(root, entry.model_dump())
