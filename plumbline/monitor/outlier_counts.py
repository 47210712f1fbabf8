"""How many rows of a period lie beyond the extremes of the reference: by prediction, and by inputs.

A bound is an order statistic of the reference, so that a few of its own rows lie beyond it: the share to be
expected of later rows is about theirs. Values equal to a bound are within.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.monitor.binning import Binning
from plumbline.monitor.window import ScoredWindow

TAIL = 0.0005
"""Share of the reference beyond each of the two bounds."""
TAIL_ROWS = 10
"""Rows beyond each, at least, so that their share is known; of a small reference a twentieth."""
RELIED = 0.02
"""Share of the model's gain from which a feature's extreme values are counted."""


@dataclass(frozen=True)
class OutlierCounts:
    """Rows of a period beyond the reference's extremes.

    `predictions`: with such a score. `rows`: with such a value in a feature that the model relies on;
    `columns`: in each of these. `disallowed`: rows beyond the contract's range of a column.
    """

    predictions: int = 0
    rows: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    disallowed: int = 0


def bounds(values: Array) -> tuple[float, float] | None:
    """The lower and the upper bound of finite values (n,); None without any.

    >>> bounds(np.arange(1000.0)), bounds(np.zeros(50)), bounds(np.zeros(0))
    ((10.0, 989.0), (0.0, 0.0), None)
    """
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return None
    beyond = max(int(TAIL * len(known)), min(TAIL_ROWS, len(known) // 20))
    return float(known[beyond]), float(known[len(known) - 1 - beyond])


def count(binning: Binning, window: ScoredWindow) -> OutlierCounts:
    """The window's rows beyond the extremes."""
    anywhere, disallowed = np.zeros(window.rows, bool), np.zeros(window.rows, bool)
    columns = {}
    for spec in binning.specs:
        there = window.columns.get(spec.name)
        values = None if there is None or spec.bounds is None else arrays.numeric(there)
        if values is None or spec.bounds is None:
            continue
        if spec.raw:
            disallowed |= _beyond(values, spec.allowed)
        if spec.importance >= RELIED:
            beyond = _beyond(values, spec.bounds)
            anywhere |= beyond
            columns[spec.name] = int(beyond.sum())
    scores = binning.score.bounds
    predictions = _beyond(window.score, scores) if scores else np.zeros(0, bool)
    return OutlierCounts(
        predictions=int(predictions.sum()),
        rows=int(anywhere.sum()),
        columns=columns,
        disallowed=int(disallowed.sum()),
    )


def _beyond(values: Array, limits: tuple[float, float]) -> Array:
    return (values < limits[0]) | (values > limits[1])
