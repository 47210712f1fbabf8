"""Rows per bin of columns: as the binning has it, and on a fine grid of logarithms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.monitor.binning import GRID_BINS, HOURS, STEPS, Binning, ColumnSpec
from plumbline.monitor.window import ScoredWindow


def counts(binning: Binning, window: ScoredWindow) -> Array:
    """Rows per bin of every column and of the score, int64 (bins,); nulls are in none."""
    out = np.zeros(binning.bins, np.int64)
    for spec in binning.specs:
        values = window.columns.get(spec.name)
        if values is not None and spec.size:
            out[spec.bin_range] = column_counts(spec, values)
    out[binning.score.bin_range] = column_counts(binning.score, window.score)
    for code, spec in enumerate(binning.class_scores):
        if window.answers is not None:
            out[spec.bin_range] = column_counts(spec, window.answers[:, code])
    return out


def column_counts(spec: ColumnSpec, values: Array) -> Array:
    """Rows per bin of one column, int64 (size,)."""
    if spec.kind == "time":
        known = values[~np.isnat(values)]
        hours = (known.astype("datetime64[h]") - known.astype("datetime64[D]")).astype(np.int64)
        return np.bincount(hours, minlength=HOURS)
    if spec.kind == "category":
        inverse, kinds = pd.factorize(values)  # -1 for a null
        codes = np.array([spec.codes.get(k, spec.size - 1) for k in kinds], np.int64)
        return np.bincount(codes[inverse[inverse >= 0]], minlength=spec.size)
    numbers = arrays.numeric(values)
    if numbers is None:
        return np.zeros(spec.size, np.int64)
    known = numbers[~np.isnan(numbers)]
    return np.bincount(np.searchsorted(spec.edges, known), minlength=spec.size)


def grid_positions(values: Array) -> Array:
    """The bin of each number on the fine grid, int64 (n,): signed logarithm, STEPS per doubling."""
    size = np.rint(STEPS * np.log2(1 + np.abs(values)))
    middle = GRID_BINS // 2
    return (middle + np.sign(values) * np.minimum(size, middle)).astype(np.int64)


def grid_counts(values: Array) -> Array:
    """Rows per bin of the fine grid, int64 (GRID_BINS,)."""
    numbers = arrays.numeric(values)
    if numbers is None:
        return np.zeros(GRID_BINS, np.int64)
    return np.bincount(grid_positions(numbers[np.isfinite(numbers)]), minlength=GRID_BINS)


def hashed(ids: Array) -> Array:
    """A number in [0, 1) for each id, the same in every run, float64 (n,)."""
    return pd.util.hash_array(ids) / 2.0**64
