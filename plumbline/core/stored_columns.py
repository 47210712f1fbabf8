"""A table on disk as columns that are read when they are looked up, whole, of some rows, or in pieces.

What is read has the values and types that `tables.read` gives for the whole table: where a column holds a null
anywhere, its integers and bools are float64 in every part.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.declarations import Array, Columns

IN_MEMORY = 100_000_000
"""Rows x columns up to which a table is read whole: 800 MB."""
PIECE = 8 * tables.CHUNK
"""Rows of a piece: about a million."""


def opened(path: Path, columns: Sequence[str] | None = None, most: int | None = None) -> Columns:
    """The table's columns (all, or those named): in memory where it is small, else read when looked up.

    `most`: rows x columns up to which it is small, in place of `IN_MEMORY`.

    Raises PlumblineError naming file and column where one is missing, or where the file is damaged.
    """
    tables.check(path, columns or ())
    names = pq.read_schema(path).names if columns is None else list(columns)
    if tables.rows(path) * len(names) <= (IN_MEMORY if most is None else most):
        return tables.read(path, names)
    return StoredColumns(path, names)


def select(columns: Columns, rows: Array) -> Columns:
    """The rows that `rows` (mask or positions) picks, of columns in memory or on disk."""
    if isinstance(columns, StoredColumns):
        return columns.take(rows)
    return {name: values[rows] for name, values in columns.items()}


def loaded(columns: Columns) -> Columns:
    """The columns in memory."""
    return columns.loaded() if isinstance(columns, StoredColumns) else columns


def first(columns: Columns, most: int) -> Columns:
    """At most the first `most` rows, in memory."""
    if isinstance(columns, StoredColumns):
        return columns.take(np.arange(min(most, columns.rows))).loaded()
    return {name: values[:most] for name, values in columns.items()}


def last(columns: Columns, most: int) -> Columns:
    """At most the last `most` rows, in memory."""
    if isinstance(columns, StoredColumns):
        return columns.take(np.arange(max(0, columns.rows - most), columns.rows)).loaded()
    return {name: values[-most:] for name, values in columns.items()}


def only(columns: Columns, names: Sequence[str]) -> Columns:
    """The named columns."""
    if isinstance(columns, StoredColumns):
        return columns.only(names)
    return {name: columns[name] for name in names}


def count(columns: Columns) -> int:
    """How many rows there are."""
    if isinstance(columns, StoredColumns):
        return columns.rows
    return len(next(iter(columns.values())))


def without(columns: Columns, name: str) -> Columns:
    """The columns but one."""
    if isinstance(columns, StoredColumns):
        return columns.without(name)
    return {n: values for n, values in columns.items() if n != name}


def row_by_row(columns: Columns, names: Sequence[str], answer: Callable[[Columns], Array]) -> Array:
    """`answer` of the columns, piece by piece where they are on disk: a function of each row by itself."""
    if not isinstance(columns, StoredColumns):
        return answer(columns)
    wanted = [name for name in names if name in columns] or list(columns)[:1]
    return np.concatenate([answer(piece) for piece in columns.pieces(wanted)])


class StoredColumns(Mapping[str, Array]):
    """Columns of a Parquet file, of all rows or of those at rising `positions`; nothing is kept once it is read."""

    def __init__(self, path: Path, names: Sequence[str], positions: Array | None = None) -> None:
        self._path, self._names, self._positions = path, tuple(names), positions
        footer = pq.read_metadata(path)
        groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        self._starts = np.cumsum([0, *(g.num_rows for g in groups)])
        self._null = _nullable(groups)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self._starts[-1]) if self._positions is None else len(self._positions)

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._read([name])[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def take(self, rows: Array) -> StoredColumns:
        """The rows that `rows`, mask or rising positions of these, picks; nothing is read."""
        chosen = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows)
        if (np.diff(chosen) < 0).any():
            raise ValueError("positions of rows on disk have to rise")
        positions = chosen if self._positions is None else self._positions[chosen]
        return StoredColumns(self._path, self._names, positions)

    def without(self, name: str) -> StoredColumns:
        """All columns but one."""
        return self.only([n for n in self._names if n != name])

    def only(self, names: Sequence[str]) -> StoredColumns:
        """The named columns."""
        return StoredColumns(self._path, names, self._positions)

    def loaded(self) -> dict[str, Array]:
        """All columns in memory, from one pass over the row groups that hold the rows."""
        return self._read(self._names)

    def pieces(self, names: Sequence[str]) -> Iterator[dict[str, Array]]:
        """The named columns in pieces of at most PIECE rows, in their order; of no rows one piece."""
        for start in range(0, max(1, self.rows), PIECE):
            part = np.arange(start, min(start + PIECE, self.rows))
            yield self.take(part)._read(names)

    def _read(self, names: Sequence[str]) -> dict[str, Array]:
        """The named columns; one row group is held beside what is taken of it."""
        parts: dict[str, list[Array]] = {name: [] for name in names}
        with pq.ParquetFile(self._path) as file:
            empty = file.schema_arrow.empty_table().select(list(names))
            groups = (
                (file.read_row_group(group, columns=list(names)), rows)
                for group, rows in self._places()
            )
            for table, rows in itertools.chain([(empty, slice(None))], groups):
                for name in names:
                    values = _values(table.column(name), null=name in self._null)
                    parts[name].append(values[rows])
        return {name: np.concatenate(own) for name, own in parts.items()}

    def _places(self) -> Iterator[tuple[int, Array | slice]]:
        """The row groups to be read, and which of their rows."""
        if self._positions is None:
            yield from ((group, slice(None)) for group in range(len(self._starts) - 1))
            return
        ends = np.searchsorted(self._positions, self._starts)
        for group, (start, end) in enumerate(itertools.pairwise(ends.tolist())):
            if start < end:
                yield group, self._positions[start:end] - self._starts[group]


def _values(column: Any, null: bool) -> Array:
    """As `tables.numpy`; of texts that repeat themselves each is held once."""
    if column.type != pa.string():
        return tables.numpy(column, null=null)
    coded = column.combine_chunks().dictionary_encode()
    kinds = np.append(tables.numpy(coded.dictionary), [None])  # the last for null
    return np.asarray(kinds[coded.indices.fill_null(len(kinds) - 1).to_numpy()])


def _nullable(groups: Sequence[object]) -> frozenset[str]:
    """The columns that hold a null in one of the row groups, or do not say."""
    names = set()
    for group in groups:
        for column in map(group.column, range(group.num_columns)):  # type: ignore[attr-defined]
            known = column.statistics
            if known is None or not known.has_null_count or known.null_count:
                names.add(column.path_in_schema)
    return frozenset(names)
