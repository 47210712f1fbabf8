"""What of an evaluation is computed from some rows where there are very many, in sentences for the report. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Columns
from plumbline.core.stored_columns import StoredColumns
from plumbline.evaluate import leak_columns, subgroups
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import ranking

GROUPS = 64
"""Row groups of the training table that are sampled, at most: 8.4 million rows."""


def sentences(
    train_rows: int, windows: tuple[Columns, Columns], window: LabelledWindow
) -> list[str]:
    """One for each limit that was reached; `windows`: validation and test as they were read."""
    return list(_sentences(train_rows, windows, window))


def _sentences(
    train_rows: int, windows: tuple[Columns, Columns], window: LabelledWindow
) -> Iterator[str]:
    if train_rows > GROUPS * tables.CHUNK:
        yield f"baselines, leaks: rows out of {GROUPS} evenly spaced parts of the training window"
    if any(isinstance(one, StoredColumns) for one in windows):
        yield f"leaks: {leak_columns.STORED:,} evenly spaced rows of the other windows, at most"
    split = subgroups.halves(len(window.label), window.day)
    if split.search.sum() > subgroups.SEARCHED:
        most = subgroups.SEARCHED
        yield f"subgroups: sought in {most:,} evenly spaced rows, confirmed on all rows of other days"
    if _positives(window) > ranking.MOST_GROUPS:
        most = ranking.MOST_GROUPS
        yield (
            f"rankings: where over {most:,} different scores hold a positive, neighbours count as ties: an average "
            "precision moves by about 0.00001"
        )


def _positives(window: LabelledWindow) -> int:
    """Of a classification the positives; of several classes the rows of the largest; of a regression none."""
    if window.problem == "regression":
        return 0
    counts = np.bincount(window.label.astype(np.int64))
    return int(counts[0 if window.problem == "multiclass" else 1 :].max(initial=0))
