"""A sealed day held against the log that it was sealed from. An edge: files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.core import sealed_days
from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import KINDS, SealedDay, SealedKind
from plumbline.serve.log import files_read
from plumbline.serve.log.reader import LogReader
from plumbline.serve.sealed import day_writing
from plumbline.serve.sealed.finished_days import DayRange


def check(one: SealedDay, log: Path) -> str:
    """Seal the day again, elsewhere, and compare; why that could not be done, or "" where it is the same.

    PlumblineError where it is not. Files of another version of a library that hold the same rows are the same. What was
    refused is no row of the log: it is counted seconds later, so that a count may have grown since.
    """
    sealed_days.intact([one])
    statement = one.statement
    if statement.last_sequence < statement.first_sequence:
        return ""
    extents = files_read.extents(log)
    if not any(
        e.first <= statement.last_sequence and e.last >= statement.first_sequence for e in extents
    ):
        return f"{one.day}: its files are as they were sealed; {log} no longer has its rows, so they were not compared"
    day = DayRange(one.day, statement.first_sequence, statement.last_sequence)
    with tempfile.TemporaryDirectory() as scratch:
        day_writing.write(LogReader(log), log, day, Path(scratch))
        for kind in KINDS:
            again = Path(scratch) / f"{kind}.parquet"
            if sealed_days.sha256(again) != statement.sha256[kind]:
                _compare(one, kind, again, log)
    return ""


def _compare(one: SealedDay, kind: SealedKind, again: Path, log: Path) -> None:
    sealed, now = pq.read_table(one.file(kind)), pq.read_table(again)
    if kind == "refusals" and _grown(sealed.to_pylist(), now.to_pylist()):
        return
    if sealed.schema.equals(now.schema) and sealed.num_rows == now.num_rows:
        rows = zip(sealed.to_pylist(), now.to_pylist(), strict=True)
        number = next((n for n, (a, b) in enumerate(rows, 1) if repr(a) != repr(b)), 0)
        if not number:
            return
        where = f"row {number:,} differs"
    else:
        where = f"{sealed.num_rows:,} rows sealed, {now.num_rows:,} in the log"
    raise PlumblineError(
        f"{one.file(kind)}: not what {log} has of {one.day} ({where}). A sealed day is never rewritten: the log was changed "
        "after it was sealed, or is another one; restore the log's file from a copy"
    )


def _grown(sealed: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> bool:
    """Whether each sealed count is there, and at least as high."""
    counts = {(row["hour"], row["column"], row["problem"]): row["count"] for row in now}
    return all(
        counts.get((row["hour"], row["column"], row["problem"]), 0) >= row["count"]
        for row in sealed
    )
