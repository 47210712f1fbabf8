"""A model table on disk as batches for boosting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import row_features, tables
from plumbline.core.usecase import FeatureSet
from plumbline.model import boosting, reweighing, scale
from plumbline.model.boosting import Batch, Batches
from plumbline.model.reweighing import Reweigh


def open_table(usecase: FeatureSet, path: Path) -> Batches:
    """The table's model matrix, label and offset, one row group's worth in memory at a time.

    Raises PlumblineError naming file and column where one is missing, or the file damaged.
    """
    tables.check(path, needed(usecase))
    return Batches(usecase.features, partial(_read, usecase, path), usecase.native)


def binned(
    usecase: FeatureSet, settings: Mapping[str, Any], train: Path, valid: Path
) -> tuple[Any, Any]:
    """Both tables as QuantileDMatrices; `valid` takes over the bins of `train`.

    Raises PlumblineError where a table has no rows, or a label that cannot be learned.
    """
    pair: list[Any] = []
    for path in (train, valid):
        table = open_table(usecase, path)
        label = tables.read(path, [usecase.label])[usecase.label]
        boosting.check_label(usecase.problem, label, str(path))
        like = pair[0] if pair else None
        pair.append(
            boosting.binned(
                table, max_bin=settings["max_bin"], threads=settings["nthread"], like=like
            )
        )
    return pair[0], pair[1]


def both(usecase: FeatureSet, settings: Mapping[str, Any], train: Path, valid: Path) -> Any:
    """The rows of both tables as one QuantileDMatrix."""
    parts = [open_table(usecase, path) for path in (train, valid)]
    return boosting.binned(
        boosting.joined(parts), max_bin=settings["max_bin"], threads=settings["nthread"]
    )


def weigh(usecase: FeatureSet, declared: Reweigh | None, matrix: Any, *paths: Path) -> None:
    """Give the rows of a matrix, those of the tables one after another, their weights; nothing where none are declared."""
    if declared is not None:
        names = reweighing.needed(usecase, declared)
        reweighing.weigh(usecase, declared, matrix, [tables.read(path, names) for path in paths])


def needed(usecase: FeatureSet) -> list[str]:
    """The columns that boosting reads: features, label, offset."""
    offset = [usecase.offset] if usecase.offset else []
    return list(dict.fromkeys([*usecase.features, usecase.label, *offset]))


def _read(usecase: FeatureSet, path: Path) -> Iterator[Batch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for piece in file.iter_batches(tables.CHUNK, columns=needed(usecase)):
            columns = {n: tables.numpy(piece.column(n)) for n in needed(usecase)}
            x = row_features.matrix(usecase.features, columns)
            offset = scale.start(usecase.scale, usecase.offset, columns)
            yield Batch(x, scale.learned(usecase, columns), offset)
