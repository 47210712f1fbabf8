"""A part of the rows of model tables, as batches for boosting: which rows those of one worker are. An edge: reads tables.

Workers have ranges of rows that follow each other, in the order of the tables: the range is fixed by the number of
workers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import tables
from plumbline.core.usecase import FeatureSet
from plumbline.model import matrices
from plumbline.model.boosting import Batch, Batches


def bounds(rows: int, place: int, of: int) -> tuple[int, int]:
    """The first row of part `place` of `of`, and that after its last.

    >>> [bounds(10, place, 3) for place in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    """
    return rows * place // of, rows * (place + 1) // of


def part(usecase: FeatureSet, paths: Sequence[Path], place: int, of: int) -> Batches:
    """Part `place` of `of` of the rows of the tables, one after another.

    Raises PlumblineError naming file and column where one is missing, or the file damaged.
    """
    for path in paths:
        tables.check(path, matrices.needed(usecase))
    start, stop = bounds(sum(map(tables.rows, paths)), place, of)
    return Batches(usecase.features, partial(_read, usecase, paths, start, stop), usecase.native)


def _read(usecase: FeatureSet, paths: Sequence[Path], start: int, stop: int) -> Iterator[Batch]:
    for first, piece in _pieces(paths, matrices.needed(usecase), start, stop):
        taken = slice(max(start - first, 0), max(stop - first, 0))
        if len(range(piece.num_rows)[taken]):
            yield matrices.batch(usecase, piece, taken)


def _pieces(
    paths: Sequence[Path], columns: list[str], start: int, stop: int
) -> Iterator[tuple[int, Any]]:
    """Record batches of the row groups that hold rows from `start` to `stop`, each with its first row's number."""
    import pyarrow.parquet as pq

    first = 0
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                after = first + file.metadata.row_group(group).num_rows
                if first < stop and after > start:
                    for piece in file.iter_batches(
                        tables.CHUNK, row_groups=[group], columns=columns
                    ):
                        yield first, piece
                        first += piece.num_rows
                first = after
