"""Readable conditions on columns: a value, or an interval between round edges. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import slices
from plumbline.model import segments

QUANTILES = (0.25, 0.5, 0.75)
MAX_VALUES = 12
"""A column of no more values than this is split by value."""
FIRST = 10_000
"""Rows that are looked at first."""


@dataclass(frozen=True)
class Condition:
    """`column` is in its group number `code`; `text` says so."""

    column: str
    code: int
    text: str


@dataclass(frozen=True)
class Coded:
    """Each row's group, uint8 (n,), and the groups in order: never as many as 256."""

    code: Array
    conditions: tuple[Condition, ...]


def readable(usecase: UseCase) -> list[str]:
    """The columns whose conditions a person can read: those that features are, or are made of.

    Codes give way to their columns; key, time and entities' ids say nothing.
    """
    codes = {c.name: c.column for c in usecase.categories}
    names = dict.fromkeys(codes.get(name, name) for name in usecase.features)
    silent = {usecase.key, usecase.time, *usecase.entity_columns}
    return [name for name in names if name not in silent]


def coded(names: Iterable[str], columns: Columns, sought: Array) -> dict[str, Coded]:
    """Each column's groups; edges are round numbers near the quartiles of the rows in `sought`.

    `sought` bool (n,). Columns of one group are left out.
    """
    result = {name: _coded(name, columns[name], sought) for name in names}
    return {name: one for name, one in result.items() if len(one.conditions) > 1}


def _coded(name: str, values: Array, sought: Array) -> Coded:
    wide = _wide(values)
    names, place = _groups(values, sought, wide)
    there = np.flatnonzero(np.bincount(place, minlength=len(names)))
    kinds, order = np.unique(names[there].astype(str), return_inverse=True)
    code = np.zeros(len(names), np.int64)
    code[there] = order
    joint = " " if wide else " = "
    conditions = (Condition(name, n, f"{name}{joint}{kind}") for n, kind in enumerate(kinds))
    return Coded(code.astype(np.uint8)[place], tuple(conditions))


def _groups(values: Array, sought: Array, wide: bool) -> tuple[Array, Array]:
    """The groups' names, and each row's place among them."""
    if not wide:
        return slices.by_value(values)
    edges = _edges(np.asarray(values, np.float64)[sought])
    if edges:
        return segments.placed(values, edges)
    return np.array(["any"], object), np.zeros(len(values), np.int64)


def _wide(values: Array) -> bool:
    """Whether a column of numbers has more values than it is split by; a part of the rows may say so."""
    if values.dtype.kind not in "fiu":
        return False
    held = np.asarray(values, np.float64)
    held = held[np.isfinite(held)]
    return any(len(np.unique(part)) > MAX_VALUES for part in (held[:FIRST], held))


def _edges(values: Array) -> tuple[float, ...]:
    """Quartiles, rounded to two significant digits."""
    held = values[np.isfinite(values)]
    if not len(held):
        return ()
    cuts = np.quantile(held, QUANTILES, method="inverted_cdf")
    rounded = sorted({float(f"{cut:.2g}") for cut in cuts})
    return tuple(edge for edge in rounded if np.min(held) < edge)
