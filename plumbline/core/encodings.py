"""Target encoding: a category's value as the mean label of its rows in train, drawn towards the mean of all.

A row of train is encoded by the rows of the other folds, so that no label is part of its own input. Sums are
of integers and divided once. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns, Encoding
from plumbline.core.usecase import FeatureSet

Tallies = dict[Any, tuple[int, int]]
"""By value, how many rows, and the sum of their labels."""


@dataclass(frozen=True)
class LearnedEncoding:
    """What each value of train is encoded as; `other`: what a null or any other value is."""

    values: tuple[str | int, ...]
    encoded: tuple[float, ...]
    other: float

    def apply(self, values: Array) -> Array:
        """float64 (n,) for values (n,)."""
        table = dict(zip(self.values, self.encoded, strict=True))
        return np.array([table.get(v, self.other) for v in values.tolist()], np.float64)


def learn(one: Encoding, values: Array, label: Array) -> LearnedEncoding:
    """The encoding from all rows of train: values (n,), labels (n,) of whole numbers."""
    tallies = _tallies(values.tolist(), label.tolist())
    prior = _prior(tallies)
    known = sorted((v for v in tallies if v is not None), key=lambda v: (str(type(v)), v))
    encoded = tuple(_encoded(one, tallies[v], prior) for v in known)
    return LearnedEncoding(tuple(map(_plain, known)), encoded, prior)


def out_of_fold(one: Encoding, keys: Array, values: Array, label: Array) -> Array:
    """Each row of train encoded by the rows of the other folds, float64 (n,); a key's fold never changes."""
    fold = np.array([_fold(str(key), one.folds) for key in keys.tolist()])
    out = np.empty(len(fold))
    for number in range(one.folds):
        own = fold == number
        out[own] = learn(one, values[~own], label[~own]).apply(values[own])
    return out


def of_table(usecase: FeatureSet, columns: Columns, train: Array) -> dict[str, Array]:
    """Every encoding of a whole table's rows, float64 (n,); `train`: which rows are train's, bool (n,)."""
    result: dict[str, Array] = {}
    for one in usecase.encodings:
        values, label = columns[one.column], columns[usecase.label]
        result[one.name] = learn(one, values[train], label[train]).apply(values)
        result[one.name][train] = out_of_fold(
            one, columns[usecase.key][train], values[train], label[train]
        )
    return result


def learned(usecase: FeatureSet, train: Columns) -> dict[str, LearnedEncoding]:
    """Every encoding from the rows of train."""
    return {
        one.name: learn(one, train[one.column], train[usecase.label]) for one in usecase.encodings
    }


def needed(usecase: FeatureSet) -> list[str]:
    """The columns that encodings are learned from."""
    names = [n for one in usecase.encodings for n in (one.column, usecase.key, usecase.label)]
    return list(dict.fromkeys(names))


def _tallies(values: Sequence[Any], label: Sequence[float]) -> Tallies:
    tallies: Tallies = {}
    for value, one in zip(values, label, strict=True):
        key = None if value != value else value
        count, total = tallies.get(key, (0, 0))
        tallies[key] = count + 1, total + int(one)
    return tallies


def _prior(tallies: Mapping[Any, tuple[int, int]]) -> float:
    count = sum(count for count, _ in tallies.values())
    return float(sum(total for _, total in tallies.values())) / float(count) if count else 0.0


def _encoded(one: Encoding, seen: tuple[int, int], prior: float) -> float:
    count, total = seen
    return (float(total) + one.smoothing * prior) / (float(count) + one.smoothing)


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)


def _fold(key: str, folds: int) -> int:
    digest = hashlib.sha256(f"fold of {key}".encode()).digest()
    return int.from_bytes(digest[:6], "big") % folds
