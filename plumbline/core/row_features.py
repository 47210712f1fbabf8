"""Row features, category codes and the model's matrix: one definition for a batch and a single event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plumbline.core.declarations import Array, Category, Columns
from plumbline.core.errors import PlumblineError, SpecError, suggest
from plumbline.core.usecase import FeatureSet


def row_features(usecase: FeatureSet, columns: Columns) -> dict[str, Array]:
    """Every row feature of n events, float64 (n,), in the declared order.

    `columns` holds the known columns, the snapshots and the fresh features, each of length n.
    Raises SpecError where a row feature's result has another length.
    """
    reach = dict(columns)
    computed: dict[str, Array] = {}
    size = len(reach[usecase.key])
    for row in usecase.rows:
        value = np.asarray(row.function(**{name: reach[name] for name in row.inputs}), np.float64)
        if value.shape not in ((size,), (1,), ()):
            raise SpecError(
                f"usecases/{usecase.name}/features.py: {row.name}() returned shape {value.shape} for {size} "
                "events; a row feature is element-wise."
            )
        computed[row.name] = reach[row.name] = np.broadcast_to(value, (size,))
    return computed


def derived_features(usecase: FeatureSet, columns: Columns) -> dict[str, Array]:
    """The derived event features of n events, float64 (n,): whole numbers, or NaN for none."""
    for name in usecase.derived:
        values = columns[name]
        integral = np.isfinite(values) & (values == np.rint(values))
        broken = np.flatnonzero(~(integral | np.isnan(values)))
        if len(broken):
            key = columns[usecase.key][broken[0]]
            raise SpecError(
                f"usecases/{usecase.name}/features.py: the derived feature '{name}' is {values[broken[0]]:g} for "
                f"{usecase.key} {key}; histories sum whole numbers alone: round it, or count in a "
                "smaller unit."
            )
    return {name: columns[name] for name in usecase.derived}


def codes(category: Category, values: Array) -> Array:
    """Each value's place in the vocabulary, float64 (n,); its length for anything else."""
    place = {v: float(i) for i, v in enumerate(category.values)}
    other = float(len(category.values))
    return np.array([place.get(v, other) for v in values.tolist()], np.float64)


def category_codes(usecase: FeatureSet, columns: Columns) -> dict[str, Array]:
    """Every category's codes, float64 (n,)."""
    return {c.name: codes(c, columns[c.column]) for c in usecase.categories}


def matrix(features: Sequence[str], columns: Columns) -> Array:
    """The named columns side by side, float32 (n, k), in the given order; null becomes NaN.

    Raises SpecError naming the nearest columns where one is missing, PlumblineError where a value is
    infinite, or too large for float32.
    """
    for name in features:
        if name not in columns:
            raise SpecError(
                f"the model needs feature '{name}', not in the table; {suggest(name, columns)}"
            )
    out = np.empty((len(columns[features[0]]), len(features)), np.float32)
    for i, name in enumerate(features):
        with np.errstate(over="ignore"):
            out[:, i] = columns[name]
        if np.isinf(out[:, i]).any():
            raise PlumblineError(_beyond(name, columns[name]))
    return out


def check_size(name: str, values: Array) -> None:
    """PlumblineError where a feature's value is infinite, or too large for float32; float64 (n,)."""
    if (np.abs(values) > np.finfo(np.float32).max).any():
        raise PlumblineError(_beyond(name, values))


def rounded_away(values: Array) -> int:
    """How many of the distinct whole numbers (n,) float32 no longer tells apart: some beyond 2**24.

    >>> rounded_away(np.array([2**24, 2**24 + 1, 5]))
    1
    """
    if not (np.abs(values) > 2**24).any():
        return 0
    return len(np.unique(values)) - len(np.unique(values.astype(np.float32)))


def _beyond(name: str, column: Array) -> str:
    values = np.asarray(column, np.float64)
    infinite = int(np.count_nonzero(np.isinf(values)))
    if infinite:
        return (
            f"feature '{name}' is infinite in {infinite:,} of {len(values):,} rows; find out where it is "
            "divided by nothing, or let the contract bound the column"
        )
    large = values[np.abs(values) > np.finfo(np.float32).max]
    return (
        f"feature '{name}' is too large for the model in {len(large):,} of {len(values):,} rows, "
        f"{large[0]:g} for instance; expected a size up to 3.4e+38 (float32). Bound the column with min and "
        "max in the contract, or use a Row of it, a ratio or a logarithm"
    )
