"""The months of the stored histories, read back as they were written, each beside those before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet
from plumbline.features import grain as grains
from plumbline.features import partition_drift
from plumbline.features.partition_drift import HistoryDrift, Partition

MOST = 14
"""Months that are read, the newest; and the first one, which says since when there is a history."""

ROWS = 1_000_000
"""Values of a month that are compared, at most: of more, so many spread evenly over the file, which is in the order of days and ids."""


def drift(usecase: FeatureSet, folder: Path) -> Iterator[HistoryDrift]:
    """Each stored history's newest month beside the months before it; one column is in memory at a time."""
    for name, entity, grain in grains.stored(usecase):
        paths = {p.stem[-7:]: p for p in sorted(folder.glob(f"{name}-????-??.parquet"))}
        kept = dict([*list(paths.items())[:1], *list(paths.items())[-MOST:]])
        days = {m: _days(path, grain.column) for m, path in kept.items()}
        days = {m: d for m, d in days.items() if len(d)}
        if not days:
            continue
        shifts, newest = [], max(days)
        for spec in grain.specs(usecase, entity):
            months = _months(spec.name, {m: kept[m] for m in days}, days)
            usable = partition_drift.filled(spec, usecase.delay_days, months)
            newest = f"{usable[-1].first:%Y-%m}" if usable else newest
            shifts.append(partition_drift.shift(spec.name, usable))
        yield HistoryDrift(history=name, partition=newest, features=shifts)


def _days(path: Path, column: str) -> Array:
    """The days that have a row, ascending."""
    return np.unique(tables.read(path, [column])[column].astype("datetime64[D]"))


def _months(name: str, paths: dict[str, Path], days: dict[str, Array]) -> list[Partition]:
    values = {m: _some(tables.read(path, [name])[name]) for m, path in paths.items()}
    return partition_drift.months_of(days, values)


def _some(values: Array) -> Array:
    """The values that are compared, float64."""
    if len(values) > ROWS:
        values = values[np.linspace(0, len(values) - 1, ROWS).astype(np.int64)]
    return values.astype(np.float64)
