"""Two models on the same rows: the difference of every metric, paired draw by draw. Pure.

A score is taken from each model's own features where both test tables hold the row, so that a model
is never judged on features it did not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plumbline.evaluation import bootstrap, evidence, metrics, slices
from plumbline.evaluation.bootstrap import Array, Estimate, Resample, Word
from plumbline.evaluation.evidence import Groups, Window
from plumbline.usecase import Columns, UseCase

ENOUGH = 0.5
"""Of a window's rows, the share that must be in both tables where features were redefined."""
UNSIGNED = ("bias",)
"""Metrics that are best at zero: their sizes are compared."""
DUST = 1e-12
"""Of base's figure: what sums in another order leave of no difference."""
CONSTANT = ("cost_of_nothing",)
"""Metrics that no model changes."""


@dataclass(frozen=True)
class Scored:
    """One model's answers to a window, float64 (n,), and its alarm threshold."""

    score: Array
    threshold: float | None


def compared(
    window: Window, base: Scored, head: Scored, groups: Mapping[str, Groups], margin: float
) -> dict[str, Any]:
    """Head minus base: every metric over the whole window, the primary one by slice. For JSON."""
    sample = window.sample()
    old, new = (_figures(window, side, sample) for side in (base, head))
    both = [m for m in new if m in old and m not in CONSTANT]
    return {
        "comparable": True,
        "rows": len(window.label),
        "metrics": {m: difference(window, m, old[m], new[m], sample, margin) for m in sorted(both)},
        "slices": {
            name: _slice(shared(window, groups), base.score, head.score, rows, margin)
            for name, rows in groups.items()
        },
    }


def shared(window: Window, groups: Mapping[str, Groups]) -> Window:
    """The window at a level that all groups share (Bonferroni): of all, 1 - level is wrong by chance."""
    count = max(1, sum(len(members) for members in groups.values()))
    return replace(window, level=1 - (1 - window.level) / count)


def difference(
    window: Window, metric: str, base: Array, head: Array, sample: Resample, margin: float
) -> dict[str, Any]:
    """Both figures, and their paired difference with interval and word, from replicates (R,)."""
    apart = _sized(metric, head) - _sized(metric, base)
    apart[np.abs(apart) <= DUST * np.abs(base[0])] = 0.0
    found = window.estimate(apart, sample)
    told = evidence.difference(found, float(base[0]), word(metric, found, float(base[0]), margin))
    return {
        "base": evidence.rounded(float(base[0])),
        "head": evidence.rounded(float(head[0])),
        "difference": told,
    }


def word(metric: str, found: Estimate, base: float, margin: float) -> Word:
    """better or worse where the interval leaves out zero and the size exceeds `margin` of base's figure.

    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.01)
    'better'
    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.05)
    'within noise'
    """
    if abs(found.value) <= margin * abs(base):
        return "within noise"
    return bootstrap.word(found, metric in metrics.HIGHER_IS_BETTER)


def groups(usecase: UseCase, columns: Columns) -> dict[str, Groups]:
    """The rows of each declared slice whose column the table has."""
    there = [piece for piece in usecase.slices if piece.column in columns]
    return {piece.name: slices.groups(piece, columns) for piece in there}


def common(keys: Array, others: Array) -> tuple[Array, Array]:
    """Places of the keys that both hold, in the order of `keys`: in `keys`, and in `others`.

    >>> [p.tolist() for p in common(np.array([3, 1, 2]), np.array([2, 3]))]
    [[0, 2], [1, 0]]
    """
    place = {key: i for i, key in enumerate(others.tolist())}
    pairs = [(i, place[key]) for i, key in enumerate(keys.tolist()) if key in place]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def take(columns: Columns, rows: Array) -> dict[str, Array]:
    """The columns at these places."""
    return {name: values[rows] for name, values in columns.items()}


def refused(reason: str) -> dict[str, Any]:
    """What stands in place of a comparison that cannot be made."""
    return {"comparable": False, "reason": reason}


def _figures(window: Window, side: Scored, sample: Resample) -> metrics.Replicates:
    return evidence.figures(replace(window, threshold=side.threshold), side.score, sample, "model")


def _sized(metric: str, replicates: Array) -> Array:
    return np.abs(replicates) if metric in UNSIGNED else replicates


def _slice(window: Window, base: Array, head: Array, rows: Groups, margin: float) -> dict[str, Any]:
    return {group: _group(window, base, head, mine, margin) for group, mine in rows.items()}


def _group(window: Window, base: Array, head: Array, rows: Array, margin: float) -> dict[str, Any]:
    sample = window.sample(rows)
    old, new = (
        metrics.primary(window.problem, window.label[rows], score[rows], sample)
        for score in (base, head)
    )
    found = difference(window, window.primary, old, new, sample, margin)
    return {"rows": int(rows.sum()), **found}
