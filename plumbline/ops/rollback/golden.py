"""Golden events: the restored bundle's scores compared with those that the commit recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.evaluate.baselines import evenly
from plumbline.model import bundle

MOST = 200
SCORE = "score"
FILE = "predictions.parquet"


def check(usecase_name: str, model: Path, test: Path, report: Path) -> int:
    """Score events evenly spread over the test table, to the bit as recorded; how many.

    Raises RefusedError where an event or an answer differs, naming the first; PlumblineError where
    the recorded answers are not of the test table.
    """
    recorded, columns = tables.read(report / FILE), tables.read(test)
    sizes = {len(values) for values in (*recorded.values(), *columns.values())}
    if len(sizes) != 1 or SCORE not in recorded:
        raise PlumblineError(
            f"{report / FILE}: not of {test}; `dvc repro evaluate@{usecase_name}` and commit"
        )
    rows = evenly(sizes.pop(), MOST)
    for name in recorded.keys() - {SCORE}:
        if name in columns:
            _refuse(usecase_name, name, rows, recorded[name][rows], columns[name][rows])
    answers = bundle.load(model, usecase_name).predict({n: v[rows] for n, v in columns.items()})
    _refuse(usecase_name, SCORE, rows, recorded[SCORE][rows], answers)
    return len(rows)


def _refuse(usecase_name: str, name: str, rows: Array, recorded: Array, current: Array) -> None:
    wrong = np.flatnonzero(~same(recorded, current))
    if len(wrong):
        at = wrong[0]
        raise RefusedError(
            f"{usecase_name}: {len(wrong)} of {len(rows)} golden events differ: row {rows[at]}, {name}: "
            f"recorded {recorded[at]!r}, now {current[at]!r}"
        )


def same(one: Array, other: Array) -> Array:
    """Where two columns are equal, nothing beside nothing included, bool (n,)."""
    return np.asarray((one == other) | ((one != one) & (other != other)), bool)
