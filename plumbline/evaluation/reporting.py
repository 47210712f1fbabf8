"""What the evaluation reads by halves and writes: samples of a table, curves as CSV, predictions."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluation import baselines
from plumbline.evaluation.curves import Table
from plumbline.features import tables
from plumbline.usecase import Array

DIGITS = 6


def sample(path: Path, columns: Sequence[str], most: int) -> dict[str, Array]:
    """At most `most` evenly spaced rows of a table, as `tables.read` gives them.

    Memory holds one row group beside what is kept.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables.read(path, columns[:0])  # no such file: say so
    with pq.ParquetFile(path) as file:
        wanted = baselines.evenly(file.metadata.num_rows, most)
        kept, first = [file.schema_arrow.empty_table().select(list(columns))], 0
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, columns=list(columns))
            low, high = np.searchsorted(wanted, (first, first + group.num_rows))
            kept.append(group.take(pa.array(wanted[low:high] - first)))
            first += group.num_rows
    whole = pa.concat_tables(kept)
    return {name: tables.numpy(whole.column(name)) for name in columns}


def write_curves(folder: Path, curves: Mapping[str, Table]) -> None:
    """Each table as `<name>.csv` in an existing folder, numbers to six significant digits."""
    for name, table in curves.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(table)
            writer.writerows(
                [_cell(v) for v in row]
                for row in zip(*(c.tolist() for c in table.values()), strict=True)
            )


def write_predictions(path: Path, columns: Mapping[str, Array]) -> None:
    """Key, time, label and score as Parquet, in the given order of columns and rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {name: pa.array(_plain(values)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path, compression="zstd", row_group_size=tables.CHUNK)


def _plain(values: Array) -> Any:
    return values.astype("datetime64[us]") if values.dtype.kind == "M" else values


def _cell(value: object) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
