"""A day's files from a log. An edge: reads a log, writes files."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.sealed_days import SealedKind
from plumbline.serve.log.reader import LogReader
from plumbline.serve.sealed import refused_counts, sealed_files
from plumbline.serve.sealed.finished_days import DayRange


def write(reader: LogReader, log: Path, day: DayRange, folder: Path) -> dict[SealedKind, int]:
    """Write `KIND.parquet` of each kind into `folder`; how many rows each has. `log`: the folder that is read."""
    beside = folder / "beside"
    beside.mkdir()
    rows = reader.described_rows(day.first - 1, day.last)
    return sealed_files.write(rows, refused_counts.of_day(log, day.day), folder, beside)
