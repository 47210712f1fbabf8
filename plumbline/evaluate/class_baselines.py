"""The answers that a model of several classes has to beat: their shares, a linear model, a small tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.imports import without
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines
from plumbline.evaluate.baselines import Tree
from plumbline.model import softmax

PRIOR = 1.0
"""Rows that each class is taken to have beside those of a leaf: no probability is nought."""


@dataclass(frozen=True)
class ClassLinear:
    """A fitted multinomial logistic regression over designed columns, in `features`' order.

    `centre`, `scale` (m,), `weight` (m, k): of each designed column; `intercept` (k,).
    """

    features: tuple[str, ...]
    widths: tuple[int, ...]
    centre: Array
    scale: Array
    weight: Array
    intercept: Array

    def predict(self, columns: Columns) -> Array:
        """Probabilities float64 (n, k), summed column by column."""
        designed = baselines.design(columns, self.features, self.widths)
        total = np.tile(self.intercept, (len(columns[self.features[0]]), 1))
        for column, centre, scale, weight in zip(
            designed, self.centre, self.scale, self.weight, strict=True
        ):
            total += baselines.standard(column, centre, scale)[:, None] * weight
        return softmax.of(total)


def shares(label: Array, size: int) -> Array:
    """The share of each class among codes (n,), float64 (k,)."""
    rows = np.bincount(label.astype(np.int64), minlength=size)
    return np.asarray(rows / max(len(label), 1))


def fit(usecase: UseCase, features: Sequence[str], columns: Columns, label: Array) -> ClassLinear:
    """A multinomial logistic regression on standardised features; a null counts as the mean.

    A class without rows has the probability nought. Deterministic: a direct solver, one thread.
    """
    designed = baselines.designed(usecase, features, columns)
    model = _solved(designed.matrix, label)
    own, size = model.classes_.astype(np.int64), len(usecase.classes)
    weight, intercept = np.zeros((designed.matrix.shape[1], size)), np.full(size, -np.inf)
    weight[:, own], intercept[own] = _columns(model.coef_).T, _columns(model.intercept_)
    return ClassLinear(
        tuple(features), designed.widths, designed.centre, designed.scale, weight, intercept
    )


def fit_tree(usecase: UseCase, features: Sequence[str], columns: Columns, label: Array) -> Tree:
    """A tree of depth `TREE_DEPTH` with the shares of the classes in its leaves, each class seen once more."""
    tree = baselines.fit_tree(usecase, features, columns, label)
    leaf, size = tree.leaf(columns), len(usecase.classes)
    answer = np.zeros((len(tree.answer), size))
    for one in np.unique(leaf):
        rows = np.bincount(label[leaf == one].astype(np.int64), minlength=size) + PRIOR
        answer[one] = rows / rows.sum()
    return replace(tree, answer=answer)


def _solved(matrix: Array, label: Array) -> Any:
    from threadpoolctl import threadpool_limits

    with without(*baselines.FRAMES, deferred=baselines.STATISTICS):
        from sklearn.linear_model import LogisticRegression

    with threadpool_limits(limits=1):
        model = LogisticRegression(solver="newton-cholesky", C=1.0, tol=1e-6, max_iter=100)
        return model.fit(matrix, label)


def _columns(fitted: Array) -> Array:
    """One row per class, of two classes too, where the fit has one row for both."""
    fitted = np.asarray(fitted, np.float64)
    return np.concatenate([np.zeros_like(fitted), fitted]) if len(fitted) == 1 else fitted
