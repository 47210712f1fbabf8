"""Columns on disk together with others that are computed from them when they are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from plumbline.core.declarations import Array, Columns
from plumbline.core.stored_columns import StoredColumns

Computed = Mapping[str, Callable[[], Array]]


class FurtherColumns(Mapping[str, Array]):
    """`computed` stand beside the columns on disk, or in place of those with the same name; nothing is kept."""

    def __init__(self, columns: Columns, computed: Computed) -> None:
        self._columns, self._computed = columns, computed

    def __getitem__(self, name: str) -> Array:
        return self._computed[name]() if name in self._computed else self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._computed or name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._columns, *self._computed]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def pieces(self) -> Iterator[dict[str, Array]]:
        """All columns, some rows at a time."""
        computed = {name: compute() for name, compute in self._computed.items()}
        start = 0
        for piece in self._pieces([name for name in self._columns if name not in computed]):
            end = start + len(next(iter(piece.values())))
            whole = {**piece, **{name: values[start:end] for name, values in computed.items()}}
            yield {name: whole[name] for name in self}
            start = end

    def _pieces(self, names: list[str]) -> Iterator[dict[str, Array]]:
        columns: Any = self._columns
        yield from columns.pieces(names)


def added(columns: Columns, computed: Computed) -> Columns:
    """The columns and the computed ones: in memory where the columns are."""
    if isinstance(columns, StoredColumns | FurtherColumns):
        return FurtherColumns(columns, computed)
    return {**columns, **{name: compute() for name, compute in computed.items()}}
