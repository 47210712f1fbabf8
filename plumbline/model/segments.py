"""Names of the segments that events fall into: by a column's values, or by intervals of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet

MISSING = "missing"


def names(values: Array, edges: Sequence[float], decoded: Sequence[str | int] = ()) -> Array:
    """Each value's segment, object (n,). An edge belongs to the interval that it opens.

    `decoded`: what the codes of a category stand for. The name of a value does not depend on the type that
    its column has in a batch or in a single event.

    >>> names(np.array([0, 1]), ()).tolist(), names(np.array([True, None], object), ()).tolist()
    (['0', '1'], ['1', 'missing'])
    """
    if edges:
        return between(values, edges)
    plain = np.asarray(values)
    if decoded:
        plain = np.array([*decoded, None], object)[plain.astype(np.int64)]
    kinds, place = named(plain, text)
    return kinds[place]


def named(values: Array, name: Callable[[object], str]) -> tuple[Array, Array]:
    """The names of values, object (k,), in the order of text, and each value's place among them, int (n,).

    A name is made once of each distinct value.
    """
    distinct, place = _distinct(values)
    kinds, own = np.unique(np.array([name(v) for v in distinct], str), return_inverse=True)
    return kinds.astype(object), own[place]


def _distinct(values: Array) -> tuple[list[object], Array]:
    """Values that differ, and each row's place among them; 1 and True differ."""
    if values.dtype != object:
        kinds, place = np.unique(values, return_inverse=True)
        return kinds.tolist(), place
    keys = values.tolist()
    if not set(map(type, keys)) <= {str, type(None)}:
        keys = [(type(value), value) for value in keys]
    code = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    places = np.fromiter(map(code.__getitem__, keys), np.int64, len(keys))
    return [key[1] if isinstance(key, tuple) else key for key in code], places


def decoded(usecase: FeatureSet, column: str) -> tuple[str | int, ...]:
    """What the codes of a category stand for that took its column's name; () for any other column."""
    both = (c.values for c in usecase.categories if c.name == c.column == column)
    return next(both, ())


def possible(usecase: FeatureSet, column: str, edges: Sequence[float]) -> list[str]:
    """The names that segments can have; [] where the declarations do not say."""
    if edges:
        return [*intervals(edges), MISSING]
    allowed = next((c.allowed for c in usecase.known if c.name == column), ())
    values = decoded(usecase, column) or allowed or ()
    return [*map(text, values), MISSING] if values else []


def between(values: Array, edges: Sequence[float]) -> Array:
    """Each value's interval by name, object (n,).

    >>> between(np.array([1.0, 5.0, 9.0, np.nan]), (5, 9)).tolist()
    ['under 5', '5 to 9', '9 and over', 'missing']
    """
    kinds, place = placed(values, edges)
    return kinds[place]


def placed(values: Array, edges: Sequence[float]) -> tuple[Array, Array]:
    """The intervals' names and "missing", object (k,), and each value's place among them, int (n,)."""
    numbers = np.asarray(values, np.float64)
    kinds = np.array([*intervals(edges), MISSING], object)
    place = np.searchsorted(edges, numbers, side="right")
    return kinds, np.where(np.isfinite(numbers), place, len(kinds) - 1)


def intervals(edges: Sequence[float]) -> list[str]:
    """The intervals' names, from the lowest up.

    >>> intervals((0.5, 2))
    ['under 0.5', '0.5 to 2', '2 and over']
    """
    ends = [text(float(e)) for e in edges]
    middle = [f"{a} to {b}" for a, b in pairwise(ends)]
    return [f"under {ends[0]}", *middle, f"{ends[-1]} and over"]


def text(value: object) -> str:
    """A value's name: whole numbers and truth values as integers, null as missing.

    >>> [text(v) for v in (2.0, True, 0.5, "red", None, float("nan"))]
    ['2', '1', '0.5', 'red', 'missing', 'missing']
    """
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
