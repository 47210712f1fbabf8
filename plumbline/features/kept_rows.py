"""Rows of model tables, kept by month, so that a later run need not join them again. An edge: files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.partition_cache import VALUE, PartitionCache

Part = tuple[int, Iterable[Any]]
"""How many events some rows come from, and the rows as Arrow batches in (time, key) order."""
ROWS = "rows.parquet"
TIME = 1
"""The place of the time among the columns of a model table."""


@contextmanager
def kept(
    cache: PartitionCache,
    keys: Mapping[date, str],
    scratch: Path,
    compute: Callable[[], tuple[Mapping[date, int], Iterable[Any]]],
) -> Iterator[Iterator[Part]]:
    """The part of each month, oldest first: as it was kept, or else all of them computed, and kept.

    `compute`: the events by month, and the rows of all months in the order of their times. The files are in `scratch`
    until the end.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folders = {month: Path(name) / f"{month}" for month in keys}
        for folder in folders.values():
            folder.mkdir()
        restored = [cache.restore(key, folders[month]) for month, key in keys.items()]
        if all(restored):
            cache.hits += len(keys)
        else:
            cache.misses += len(keys)
            _write(folders, *compute())
            for month, key in keys.items():
                cache.keep(key, sorted(folders[month].iterdir()))
        yield (_read(folder) for folder in folders.values())


def _write(
    folders: Mapping[date, Path], events: Mapping[date, int], batches: Iterable[Any]
) -> None:
    """Write each month's count, and its rows unless there are none."""
    for month, folder in folders.items():
        (folder / VALUE).write_text(json.dumps(events.get(month, 0)), encoding="utf-8")
        (folder / ROWS).unlink(missing_ok=True)
    with ExitStack() as stack:
        writers: dict[date, Any] = {}
        for month, rows in (part for batch in batches for part in _months(batch)):
            if month not in writers:
                path = folders[month] / ROWS
                writer = pq.ParquetWriter(path, rows.schema, compression="zstd")
                writers[month] = stack.enter_context(writer)
            writers[month].write_batch(rows, row_group_size=tables.CHUNK)


def _months(batch: Any) -> Iterator[tuple[date, Any]]:
    """The rows of a batch by month; they are in the order of their times."""
    months = tables.numpy(batch.column(TIME)).astype("datetime64[M]")
    starts = np.flatnonzero(np.r_[True, months[1:] != months[:-1]][: len(months)])
    for start, end in zip(starts, [*starts[1:], len(months)], strict=True):
        first = months[start].astype("datetime64[D]").astype(date)
        yield first, batch.slice(start, end - start)


def _read(folder: Path) -> Part:
    events = json.loads((folder / VALUE).read_text(encoding="utf-8"))
    return events, _batches(folder / ROWS)


def _batches(path: Path) -> Iterator[Any]:
    if path.exists():
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(tables.CHUNK)
