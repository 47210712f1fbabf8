"""The answers that a model has to beat: a constant, the declared naive one, a linear model, a small tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.imports import without
from plumbline.core.usecase import UseCase

TREE_DEPTH = 3
TREE_LEAF = 50
"""Rows that a leaf of the small tree holds, at least."""
MOST_CODES = 50
"""A category of more values than this is left out of the linear model, instead of one column each."""

FRAMES, STATISTICS = ("pandas",), ("scipy.stats",)
"""What scikit-learn loads, and no baseline needs: most of its import's time."""


@dataclass(frozen=True)
class Linear:
    """A fitted linear model over designed columns, in `features`' order; see `design`.

    `centre`, `scale`, `weight` (m,): of each designed column; `logistic`: the sum is a log odds.
    """

    features: tuple[str, ...]
    widths: tuple[int, ...]
    centre: Array
    scale: Array
    weight: Array
    intercept: float
    logistic: bool

    def predict(self, columns: Columns) -> Array:
        """Probability, or value in the label's unit, float64 (n,).

        Summed column by column: equal rows get equal scores, and every processor the same.
        """
        designed = design(columns, self.features, self.widths)
        total = np.full(len(columns[self.features[0]]), self.intercept)
        for column, centre, scale, weight in zip(
            designed, self.centre, self.scale, self.weight, strict=True
        ):
            total += weight * standard(column, centre, scale)
        return 1 / (1 + np.exp(-total)) if self.logistic else total


@dataclass(frozen=True)
class Tree:
    """A small decision tree as tables, a row per node: the feature's place (-1 in a leaf), the value up
    to which rows go left, the nodes that follow, whether a null goes left, and the answer.
    """

    features: tuple[str, ...]
    feature: Array
    limit: Array
    left: Array
    right: Array
    null_left: Array
    answer: Array

    def leaf(self, columns: Columns) -> Array:
        """The leaf that each row ends in, int (n,). Like scikit-learn it compares in float32."""
        node = np.zeros(len(columns[self.features[0]]), np.int64)
        for _ in range(TREE_DEPTH):
            for split in np.unique(node[self.feature[node] >= 0]):
                rows = np.flatnonzero(node == split)
                value = np.asarray(columns[self.features[self.feature[split]]])[rows]
                value = value.astype(np.float32)
                goes = np.where(np.isnan(value), self.null_left[split], value <= self.limit[split])
                node[rows] = np.where(goes, self.left[split], self.right[split])
        return node

    def predict(self, columns: Columns) -> Array:
        """Probability, or value in the label's unit, float64 (n,)."""
        return self.answer[self.leaf(columns)]


def constant(label: Array, problem: str) -> float:
    """One answer for all: the share of positives, or the median (least mean absolute error)."""
    return float(np.mean(label)) if problem == "classification" else float(np.median(label))


def evenly(rows: int, most: int) -> Array:
    """At most `most` row numbers out of `rows`, evenly spaced, rising, int64."""
    if rows <= most:
        return np.arange(rows)
    return np.arange(most) * rows // most


def widths(usecase: UseCase, features: Sequence[str]) -> tuple[int, ...]:
    """Per feature: 1 for a number, the count of its codes for a category, 0 where those are too many."""
    sizes = {c.name: len(c.values) + 1 for c in usecase.categories}
    return tuple(sizes.get(f, 1) if sizes.get(f, 1) <= MOST_CODES else 0 for f in features)


def design(columns: Columns, features: Sequence[str], sizes: Sequence[int]) -> list[Array]:
    """The columns of the linear model, float64 (n,) each: numbers as they are, codes one by one."""
    out = []
    for name, size in zip(features, sizes, strict=True):
        values = np.asarray(columns[name], np.float64)
        out += (
            [values] if size == 1 else [(values == code).astype(np.float64) for code in range(size)]
        )
    return out


def load_library() -> None:
    """Import what both fits need: once, before two threads do."""
    with without(*FRAMES, deferred=STATISTICS):
        import_module("sklearn.tree")
        import_module("sklearn.linear_model")


def fit(usecase: UseCase, features: Sequence[str], columns: Columns, label: Array) -> Linear:
    """A logistic or ridge regression on standardised features; a null counts as the mean.

    Deterministic: direct solvers, one thread, no randomness.
    """
    result = designed(usecase, features, columns)
    logistic = usecase.problem == "classification"
    weight, intercept = _solve(result.matrix, label, logistic)
    return Linear(
        tuple(features), result.widths, result.centre, result.scale, weight, intercept, logistic
    )


@dataclass(frozen=True)
class Designed:
    """Standardised columns (n, m), and of each the mean and the spread (m,); see `widths`."""

    matrix: Array
    widths: tuple[int, ...]
    centre: Array
    scale: Array


def designed(usecase: UseCase, features: Sequence[str], columns: Columns) -> Designed:
    """The columns of the linear model, standardised; a null counts as the mean."""
    sizes = widths(usecase, features)
    plain = design(columns, features, sizes)
    centre = np.array([_mean(c) for c in plain])
    scale = np.array([_spread(c, m) for c, m in zip(plain, centre, strict=True)])
    matrix = np.column_stack(
        [standard(c, m, s) for c, m, s in zip(plain, centre, scale, strict=True)]
    )
    return Designed(matrix, sizes, centre, scale)


def fit_tree(usecase: UseCase, features: Sequence[str], columns: Columns, label: Array) -> Tree:
    """A tree of depth `TREE_DEPTH`: shares of positives in its leaves, or medians of the label.

    Deterministic: one thread, a fixed order of features. Codes count as numbers.
    """
    with without(*FRAMES, deferred=STATISTICS):
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if usecase.problem == "regression" else DecisionTreeClassifier
    matrix = np.column_stack([np.asarray(columns[f], np.float32) for f in features])
    model = kind(max_depth=TREE_DEPTH, min_samples_leaf=TREE_LEAF, random_state=0)
    grown = model.fit(matrix, label).tree_
    tree = Tree(
        tuple(features),
        np.where(grown.children_left < 0, -1, grown.feature),
        grown.threshold,
        grown.children_left,
        grown.children_right,
        grown.missing_go_to_left.astype(bool),
        np.zeros(grown.node_count),
    )
    leaf = tree.leaf(columns)
    answer = np.zeros(grown.node_count)
    for one in np.unique(leaf):
        answer[one] = constant(label[leaf == one], usecase.problem)
    return replace(tree, answer=answer)


def _solve(matrix: Array, label: Array, logistic: bool) -> tuple[Array, float]:
    from threadpoolctl import threadpool_limits

    with without(*FRAMES, deferred=STATISTICS):
        from sklearn.linear_model import LogisticRegression, Ridge

    with threadpool_limits(limits=1):
        if logistic:
            model = LogisticRegression(solver="newton-cholesky", C=1.0, tol=1e-6, max_iter=100)
        else:
            model = Ridge(alpha=1.0, solver="cholesky")
        model.fit(matrix, label)
    return np.ravel(model.coef_).astype(np.float64), float(np.ravel(model.intercept_)[0])


def _mean(column: Array) -> float:
    held = column[np.isfinite(column)]
    return float(np.mean(held)) if len(held) else 0.0


def _spread(column: Array, mean: float) -> float:
    held = column[np.isfinite(column)]
    spread = float(np.sqrt(np.mean((held - mean) ** 2))) if len(held) else 0.0
    return spread if spread > 0 else 1.0


def standard(column: Array, centre: float, scale: float) -> Array:
    """The column in spreads from its mean; a null is 0."""
    return np.where(np.isfinite(column), (column - centre) / scale, 0.0)
