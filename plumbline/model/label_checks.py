"""Whether a label can be learned: counted in pieces, so that it never has to be in memory whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from plumbline.core.declarations import Array, Problem
from plumbline.core.errors import PlumblineError

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class LabelCounts:
    """Of `rows` labels: `unfit` ones (null, infinite, too large for float32), the sum and the maximum of their
    sizes, and how many rows have each value, of a label to be classified.
    """

    rows: int = 0
    unfit: int = 0
    total: float = 0.0
    largest: float = 0.0
    values: Counter[float] = field(default_factory=Counter)

    def plus(self, other: LabelCounts) -> LabelCounts:
        """Of both together."""
        return LabelCounts(
            self.rows + other.rows,
            self.unfit + other.unfit,
            self.total + other.total,
            max(self.largest, other.largest),
            self.values + other.values,
        )


def count(problem: Problem, pieces: Iterable[Array]) -> LabelCounts:
    """The counts of a label in pieces (m,)."""
    return reduce(LabelCounts.plus, (_piece(problem, p) for p in pieces), LabelCounts())


def check(problem: Problem, pieces: Iterable[Array], where: str) -> int:
    """How many rows there are; PlumblineError unless there are some, each with a label that float32 takes, and,
    to be classified, with both 0 and 1, or two of several classes.
    """
    counts = count(problem, pieces)
    if not counts.rows:
        raise PlumblineError(
            f"{where}: no rows; give the window more days (features.* in params.yaml) or more data"
        )
    if counts.unfit:
        raise PlumblineError(
            f"{where}: the label is null, infinite or too large for the model in {counts.unfit:,} of "
            f"{counts.rows:,} rows; expected a number of a size up to 3.4e+38. Correct it in the source."
        )
    if counts.total > LARGEST:
        raise PlumblineError(
            f"{where}: the labels are too large to be summed in the model's float32, {counts.largest:g} for "
            "instance; declare the label in a larger unit, or bound it in the contract."
        )
    if problem == "multiclass":
        _check_classes(counts, where)
    if problem == "classification":
        _check_values(counts, where)
    return counts.rows


def _piece(problem: Problem, label: Array) -> LabelCounts:
    size = np.abs(label.astype(np.float64))
    unfit = int(np.count_nonzero(~(size <= LARGEST)))
    values: Counter[float] = Counter()
    if problem != "regression" and not unfit:
        kinds, often = np.unique(label, return_counts=True)
        values = Counter(dict(zip(kinds.tolist(), often.tolist(), strict=True)))
    return LabelCounts(len(label), unfit, float(size.sum()), float(size.max(initial=0.0)), values)


def _check_classes(counts: LabelCounts, where: str) -> None:
    if len(counts.values) < 2:
        raise PlumblineError(
            f"{where}: all {counts.rows:,} rows are of one class; give the window more days (features.* in "
            "params.yaml), or correct the label."
        )


def _check_values(counts: LabelCounts, where: str) -> None:
    if set(counts.values) != {0.0, 1.0}:
        result = ", ".join(f"{v:g} ({n} rows)" for v, n in sorted(counts.values.items())[:5])
        raise PlumblineError(
            f"{where}: a label to be classified holds 0 and 1; found {result}. "
            "Give the window more days (features.* in params.yaml), or correct the label."
        )
