"""Golden events: the restored bundle's scores compared with those that the commit recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plumbline.core import class_codes, tables
from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.evaluate.baselines import evenly
from plumbline.model import bundle
from plumbline.model.bundle import Bundle

MOST = 200
SCORE, DECISION = "score", "decision"
FILE = "predictions.parquet"


def check(usecase_name: str, model: Path, test: Path, report: Path) -> int:
    """Score events evenly spread over the test table, and decide, to the bit as recorded; how many.

    Raises RefusedError where an event or an answer differs, naming the first; PlumblineError where
    the recorded answers are not of the test table.
    """
    recorded, columns = tables.read(report / FILE), tables.read(test)
    scorer = bundle.load(model, usecase_name)
    names = [f"probability_{c}" for c in scorer.classes] or [SCORE]
    sizes = {len(values) for values in (*recorded.values(), *columns.values())}
    if len(sizes) != 1 or not recorded.keys() >= set(names):
        raise PlumblineError(
            f"{report / FILE}: not of {test}; `dvc repro evaluate@{usecase_name}` and commit"
        )
    rows = evenly(sizes.pop(), MOST)
    for name in recorded.keys() - {*names, DECISION}:
        if name in columns:
            _refuse(
                usecase_name, name, rows, recorded[name][rows], _shown(scorer, name, columns)[rows]
            )
    chosen = {n: v[rows] for n, v in columns.items()}
    answers = scorer.predict(chosen)
    for name, own in zip(names, answers.reshape(len(rows), -1).T, strict=True):
        _refuse(usecase_name, name, rows, recorded[name][rows], own)
    decided = scorer.decide(answers) if scorer.classes else scorer.decisions_of(chosen, answers)
    if decided is not None and DECISION in recorded:
        _refuse(usecase_name, DECISION, rows, recorded[DECISION][rows], decided)
    return len(rows)


def _shown(scorer: Bundle, name: str, columns: Columns) -> Array:
    """The column as it is recorded: the label of several classes by name."""
    if not scorer.classes or name != scorer.manifest.label:
        return columns[name]
    return class_codes.names(scorer.classes, columns[name])


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
