"""Weights of training rows by which every group counts alike (reweighing: Kamiran & Calders, 2012). Pure.

For a classification the weights make group and label independent in the training window; for a regression every
group has the same total weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from plumbline.core.declarations import Array, Columns
from plumbline.core.params_base import Section
from plumbline.core.usecase import FeatureSet
from plumbline.model import segments


def _rising(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(not a < b for a, b in pairwise(value)):
        text = f": got {list(value)}, expected numbers that rise"
        raise PydanticCustomError("grammar", "{text}", {"text": text})
    return value


class Reweigh(Section):
    """Groups that count alike when the trees are boosted; rounds, calibration and thresholds are chosen as ever."""

    column: Annotated[str, Field(min_length=1)]  # a known column, or a feature
    # limits of the intervals, rising; empty: one group per value
    edges: Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_rising)] = ()
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0  # 1: alike; below: in part
    most: Annotated[float, Field(ge=1)] = 20.0  # largest weight of a row, over the mean


def needed(usecase: FeatureSet, declared: Reweigh) -> list[str]:
    """The columns that weights are made from."""
    return [usecase.label, declared.column]


def weights(usecase: FeatureSet, declared: Reweigh, columns: Columns) -> Array:
    """The weight of each row, float32 (n,), with a mean of about 1."""
    decoded = segments.decoded(usecase, declared.column)
    group = _codes(segments.names(columns[declared.column], declared.edges, decoded).astype(str))
    label = _codes(columns[usecase.label]) if usecase.problem != "regression" else 0 * group
    cell = group * (int(label.max()) + 1) + label
    seen, of_group, of_label = (np.bincount(codes)[codes] for codes in (cell, group, label))
    alike = of_group * of_label / (len(group) * seen)
    if usecase.problem == "regression":
        alike = len(group) / (len(np.unique(group)) * of_group)
    bounded = np.minimum(alike**declared.strength, declared.most)
    return (bounded / bounded.mean()).astype(np.float32)


def weigh(
    usecase: FeatureSet, declared: Reweigh | None, matrix: Any, parts: Sequence[Columns]
) -> None:
    """Give the rows of a matrix, those of `parts` one after another, their weights; nothing where none are declared."""
    if declared is None or matrix is None:
        return
    names = needed(usecase, declared)
    whole = {name: np.concatenate([one[name] for one in parts]) for name in names}
    matrix.set_weight(weights(usecase, declared, whole))


def _codes(values: Array) -> Array:
    return np.unique(values, return_inverse=True)[1]
