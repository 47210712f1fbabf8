"""A model table on disk as batches for boosting, and as binned matrices in memory or in pages on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import row_features, tables
from plumbline.core.declarations import Array
from plumbline.core.stored_columns import StoredColumns
from plumbline.core.usecase import FeatureSet
from plumbline.model import boosting, label_checks, matrix_pages, reweighing, scale
from plumbline.model.boosting import Batch, Batches
from plumbline.model.matrix_limits import ALL_ROWS, MatrixLimits, step
from plumbline.model.reweighing import Reweigh


def open_table(usecase: FeatureSet, path: Path, rows: int | None = None) -> Batches:
    """The table's model matrix, label and offset, one row group's worth in memory at a time.

    `rows`: how many at most, evenly spaced; None: all. Raises PlumblineError naming file and column where one is
    missing, or the file damaged.
    """
    tables.check(path, needed(usecase))
    every = step(tables.rows(path), rows)
    return Batches(usecase.features, partial(_read, usecase, path, every), usecase.native)


def binned(
    usecase: FeatureSet,
    settings: Mapping[str, Any],
    train: Path,
    valid: Path,
    limits: MatrixLimits = ALL_ROWS,
) -> tuple[Any, Any]:
    """Both tables as QuantileDMatrices; `valid` takes over the bins of `train`.

    Raises PlumblineError where a table has no rows, or a label that cannot be learned.
    """
    pair: list[Any] = []
    for path, rows in ((train, limits.learned), (valid, limits.watched)):
        batches = open_table(usecase, path, rows)
        count = label_checks.check(usecase.problem, _labels(usecase, path, rows), str(path))
        like = pair[0] if pair else None
        pair.append(matrix(batches, settings, count, limits, like))
    return pair[0], pair[1]


def both(
    usecase: FeatureSet,
    settings: Mapping[str, Any],
    train: Path,
    valid: Path,
    limits: MatrixLimits = ALL_ROWS,
) -> Any:
    """The rows of both tables as one QuantileDMatrix."""
    parts = [open_table(usecase, path) for path in (train, valid)]
    rows = sum(map(tables.rows, (train, valid)))
    return matrix(boosting.joined(parts), settings, rows, limits)


def matrix(
    batches: Batches,
    settings: Mapping[str, Any],
    rows: int,
    limits: MatrixLimits,
    like: Any = None,
) -> Any:
    """A matrix in memory, or where it is large of pages on disk, which go when the matrix goes."""
    how = {"max_bin": settings["max_bin"], "threads": settings["nthread"], "like": like}
    size = rows * len(batches.features)
    if size <= limits.in_memory:
        # XGBoost passes three times over the rows
        return boosting.binned(
            matrix_pages.kept(batches) if size <= matrix_pages.PAGE else batches, **how
        )
    pages, length = matrix_pages.folder(), matrix_pages.rows_of(len(batches.features))
    large = replace(batches, read=lambda: matrix_pages.grouped(batches.read(), length))
    try:
        made = boosting.binned(large, pages=pages, **how)
    except BaseException:
        shutil.rmtree(pages, ignore_errors=True)
        raise
    matrix_pages.remove_with(made, pages)
    return made


def check(usecase: FeatureSet, path: Path) -> int:
    """How many rows a table has; PlumblineError as `binned` raises it."""
    tables.check(path, needed(usecase))
    return label_checks.check(usecase.problem, _labels(usecase, path, None), str(path))


def weigh(usecase: FeatureSet, declared: Reweigh | None, matrix: Any, *paths: Path) -> None:
    """Give the rows of a matrix, those of the tables one after another, their weights; nothing where none are declared."""
    if declared is not None:
        names = reweighing.needed(usecase, declared)
        reweighing.weigh(usecase, declared, matrix, [tables.read(path, names) for path in paths])


def needed(usecase: FeatureSet) -> list[str]:
    """The columns that boosting reads: features, label, offset."""
    offset = [usecase.offset] if usecase.offset else []
    return list(dict.fromkeys([*usecase.features, usecase.label, *offset]))


def sampled(path: Path, columns: list[str], rows: int | None) -> dict[str, Array]:
    """The columns of the rows that `open_table` takes."""
    every = step(tables.rows(path), rows)
    return {name: values[::every] for name, values in tables.read(path, columns).items()}


def _labels(usecase: FeatureSet, path: Path, rows: int | None) -> Iterator[Array]:
    """The label of the rows that `open_table` takes, in pieces."""
    every, start = step(tables.rows(path), rows), 0
    for piece in StoredColumns(path, [usecase.label]).pieces([usecase.label]):
        label = piece[usecase.label]
        yield label[-start % every :: every]
        start += len(label)


def batch(usecase: FeatureSet, piece: Any, taken: slice) -> Batch:
    """The rows `taken` of a record batch with the columns `needed`."""
    columns = {n: tables.numpy(piece.column(n))[taken] for n in needed(usecase)}
    x = row_features.matrix(usecase.features, columns)
    offset = scale.start(usecase.scale, usecase.offset, columns)
    return Batch(x, scale.learned(usecase, columns), offset)


def _read(usecase: FeatureSet, path: Path, every: int) -> Iterator[Batch]:
    import pyarrow.parquet as pq

    start = 0
    # buffered ahead, the file's bytes would stay in memory until its end
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for piece in file.iter_batches(tables.CHUNK, columns=needed(usecase)):
            taken = slice(-start % every, None, every)
            start += piece.num_rows
            if len(range(piece.num_rows)[taken]):
                yield batch(usecase, piece, taken)
