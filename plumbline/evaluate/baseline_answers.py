"""What the baselines answer on a table: one column of scores or values, or a probability per class. Pure."""

from __future__ import annotations

import numpy as np

from plumbline.core import stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines, class_baselines


def answers(
    usecase: UseCase,
    columns: Columns,
    train_label: Array,
    linear: baselines.Linear | class_baselines.ClassLinear,
    tree: baselines.Tree,
) -> dict[str, Array]:
    """Each baseline's scores or values, float64 (n,) or (n, k). A null naive answer counts as the constant."""
    if usecase.classes:
        prior = class_baselines.shares(train_label, len(usecase.classes))
        return {
            "constant": np.tile(prior, (stored_columns.count(columns), 1)),
            **_fitted(columns, linear, tree),
        }
    constant = baselines.constant(train_label, usecase.problem)
    out = {"constant": np.full(stored_columns.count(columns), constant)}
    if usecase.naive is not None:
        naive = np.asarray(columns[usecase.naive], np.float64)
        out["naive"] = np.where(np.isfinite(naive), naive, constant)
    return {**out, **_fitted(columns, linear, tree)}


def _fitted(
    columns: Columns,
    linear: baselines.Linear | class_baselines.ClassLinear,
    tree: baselines.Tree,
) -> dict[str, Array]:
    models = {"linear": linear, "tree": tree}
    return {
        name: stored_columns.row_by_row(columns, model.features, model.predict)
        for name, model in models.items()
    }
