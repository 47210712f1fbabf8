"""The features of checked events, compiled: what `row_features` computes, with its inputs resolved at load. Pure.

Arrays have the dtypes that a table's columns have, so that row functions give the bits of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core import conditions, row_features
from plumbline.core.declarations import Array, Category, Column
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.serve.single_event import RawEvent


class ScoringError(PlumblineError):
    """Checked events that the model cannot score: a feature or an answer is no finite number.

    A fault of the definitions or of the model, not of the request: it is answered with `status`.
    """

    status = 503


@dataclass(frozen=True, slots=True)
class Computed:
    """The features of n events: `columns` by name (n,), `features` and `derived` of each as the log keeps them."""

    events: Sequence[RawEvent]
    columns: Mapping[str, Array]
    features: list[tuple[float, ...]]
    derived: list[tuple[int | None, ...]]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]


class RowInputs:
    """The row features and category codes of a use case, ready for events."""

    def __init__(self, usecase: FeatureSet) -> None:
        self.usecase = usecase
        self._rows = tuple(_Row(r.name, r.function, r.inputs) for r in usecase.rows)
        self._codes = tuple((c, _places(c), float(len(c.values))) for c in usecase.categories)
        self._columns = tuple((c.name, _array(c)) for c in usecase.known)
        self._aggregates = tuple(f.name for f in usecase.aggregates)
        self._names = (*(r.name for r in self._rows), *(c.name for c in usecase.categories))
        self._derived_places = tuple(self._names.index(name) for name in usecase.derived)

    def compute(
        self, events: Sequence[RawEvent], aggregates: Sequence[Sequence[float]]
    ) -> Computed:
        """The features of checked events with their histories, in the order of `FeatureSet.aggregates`.

        Raises ScoringError where a row function fails, or a derived feature is no whole number.
        """
        reach = self._raw(events, aggregates)
        codes = self._coded(events)
        computed = self._computed(reach, len(events)) | codes
        features = np.array([computed[n] for n in self._names]).T.tolist() if self._names else []
        rows = [tuple(f) for f in features] or [()] * len(events)
        columns = reach | computed
        return Computed(events, columns, rows, self._derived(columns, rows))

    def logged(
        self, event: RawEvent, aggregates: Sequence[float], computed: Sequence[float]
    ) -> dict[str, Array]:
        """The columns (1,) of an event from what the log kept; ValueError where these are of other features."""
        features = dict(zip(self._names, np.array([computed], np.float64).T, strict=True))
        return {**self._raw([event], [aggregates]), **features}

    def _raw(
        self, events: Sequence[RawEvent], aggregates: Sequence[Sequence[float]]
    ) -> dict[str, Array]:
        """Columns and histories, (n,) each, with the dtypes of a model table."""
        reach: dict[str, Array] = {n: array([e[n] for e in events]) for n, array in self._columns}
        joined = np.array(aggregates, np.float64).reshape(len(events), -1)
        return reach | dict(zip(self._aggregates, joined.T, strict=True))

    def _coded(self, events: Sequence[RawEvent]) -> dict[str, Array]:
        return {
            c.name: np.array([places.get(e[c.column], other) for e in events])
            for c, places, other in self._codes
        }

    def _computed(self, columns: Mapping[str, Array], size: int) -> dict[str, Array]:
        """Row features as declared; each may use those before it, and none sees a category's codes."""
        reach, result = dict(columns), dict[str, Array]()
        for row in self._rows:
            result[row.name] = reach[row.name] = self._one(row, reach, size)
        return result

    def _one(self, row: _Row, reach: Mapping[str, Array], size: int) -> Array:
        try:
            value = np.asarray(row.function(**{n: reach[n] for n in row.inputs}), np.float64)
        except (
            Exception
        ) as error:  # a project's own function: whatever it raises is this request's error
            raise ScoringError(self._failed(row.name, error)) from error
        if value.shape not in ((size,), (1,), ()):
            raise ScoringError(
                f"{self._where(row.name)} returned shape {value.shape} for {size} events; a row feature is "
                "element-wise"
            )
        return value if value.shape == (size,) else np.full(size, value)

    def _derived(
        self, columns: Mapping[str, Array], rows: Sequence[tuple[float, ...]]
    ) -> list[tuple[int | None, ...]]:
        """The derived features of each event, from its features: whole numbers, or None for null."""
        try:
            return [tuple(_whole(row[place]) for place in self._derived_places) for row in rows]
        except ValueError:
            raise ScoringError(self._not_whole(columns)) from None

    def _not_whole(self, columns: Mapping[str, Array]) -> str:
        try:
            row_features.derived_features(self.usecase, columns)
        except PlumblineError as error:
            return str(error)
        return f"{self.usecase.name}: a derived feature is no whole number"

    def _failed(self, name: str, error: Exception) -> str:
        reason = str(error).split("\n")[0][:200]
        return f"{self._where(name)} failed on a request that keeps the contract: {type(error).__name__}: {reason}"

    def _where(self, name: str) -> str:
        return f"usecases/{self.usecase.name}/features.py: {name}()"


def _whole(value: float) -> int | None:
    """A whole number, None of NaN; ValueError for any other."""
    if value != value:
        return None
    if not value.is_integer():
        raise ValueError(value)
    return int(value)


def _places(category: Category) -> dict[str | int, float]:
    return {value: float(place) for place, value in enumerate(category.values)}


def _array(column: Column) -> Callable[[list[Any]], Array]:
    """What makes a column's array of plain values, with the dtype that a table's column has."""
    if column.type == "timestamp":
        return lambda values: np.array(values, "datetime64[us]")
    if column.type == "string":
        return lambda values: np.array(values, object)
    if column.type == "float" or column.null:
        return _floats
    dtype = bool if column.type == "bool" else np.int64
    return lambda values: np.array(values, dtype)


def _floats(values: list[Any]) -> Array:
    return np.array([np.nan if conditions.is_null(v) else v for v in values], np.float64)
