"""A project with a prediction log of the small use case, and what sealing its days leaves."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.core import sealed_days
from plumbline.core.sealed_days import SealedKind
from plumbline.ops.sealing.seal import Sealing, SealReport
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from tests.conftest import ROOT
from tests.logged import DAY, NOON, outcome, row
from tests.small import SMALL

FIRST = date(2025, 3, 10)
NOW = date(2025, 4, 1)
FOLDER = "sources/small/sealed"
ROWS = [
    row(1, alarm=True, flags=("late", "unknown")),
    row(2, 1, mode="shadow", arm="challenger", bundle="c" * 32),
    outcome(3, 1),
    outcome(4, 99, matched=False),
    row(5, received=NOON + DAY),
    row(6, received=NOON + DAY, event={**row(6).event, "at": row(1).event["at"]}),
    row(7, received=NOON + 3 * DAY),
    outcome(8, 5, received=NOON + 3 * DAY),
]
"""Two days with rows, one without, and one that is not over for a log that is written."""


def project(folder: Path, rows: Iterable[LoggedEvent | LoggedOutcome] = ROWS) -> Path:
    """Its root, with a log."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    shutil.copy(ROOT / "dvc.yaml", folder)
    (folder / "params.yaml").write_text("usecases: [small]\n")
    log = PredictionLog(place(folder), SMALL)
    log.append(list(rows))
    log.close()
    return folder


def place(root: Path) -> Path:
    """Where the log lies."""
    return root / ".plumbline" / "serve" / "small" / "log"


def seal(
    root: Path, day: date | None = None, now: date = NOW, log: Path | None = None, **words: Any
) -> SealReport:
    """One call of the command's work."""
    return Sealing(root, "small", log or place(root), now=now, **words).run(day)


def digests(root: Path) -> dict[str, str]:
    """Every file of the sealed days, hidden ones too, by name."""
    files = (p for p in (root / FOLDER).rglob("*") if p.is_file())
    return {
        p.relative_to(root / FOLDER).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
    }


def table(root: Path, kind: SealedKind, day: date = FIRST) -> list[dict[str, Any]]:
    """The rows of a sealed file."""
    result: list[dict[str, Any]] = pq.read_table(
        root / FOLDER / sealed_days.file_name(kind, day)
    ).to_pylist()
    return result
