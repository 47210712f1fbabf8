"""The sealed predictions that the data stage laid out, as rows. An edge: reads files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import served_sheet, tables
from plumbline.monitor.served.served_rows import (
    COLUMNS,
    STRUCTS,
    SealedRows,
    first_day,
    joined,
    none,
    of_table,
)
from plumbline.monitor.window import ScoredWindow


def read(
    folder: Path, windows: tuple[ScoredWindow, ScoredWindow], classes: int = 0
) -> SealedRows | None:
    """The predictions received from the first day of both windows on (all, without time); None without sealed days.

    `classes`: how many probabilities a score has. PlumblineError naming the file where one is damaged or lacks a
    column.
    """
    sheet = served_sheet.read(folder)
    if not sheet.served:
        return None
    days = [day for day in map(first_day, windows) if day is not None]
    since, files = min(days, default=None), sorted(folder.glob("predictions-*.parquet"))
    parts = [of_table(table, classes) for file in files if len(table := _read(file, since))]
    return SealedRows(joined(parts) if parts else none(classes), sheet)


def _read(path: Path, since: np.datetime64 | None) -> Any:
    tables.check(path, [name for name in COLUMNS if name not in STRUCTS])
    present = [name for name in COLUMNS if name in pq.read_schema(path).names]
    first = None if since is None else since.astype("datetime64[us]").item()
    rows = None if first is None else [("received", ">=", first)]
    try:
        return pq.read_table(path, columns=present, filters=rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise tables.damaged(path, error) from None
