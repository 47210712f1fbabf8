"""Read the tables of an evaluation and write its report: card, plots, curves as CSV, predictions."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import documents, files, stored_columns, tables
from plumbline.core.declarations import Array
from plumbline.core.further_columns import FurtherColumns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines, leak_columns, leak_search, model_card, row_limits
from plumbline.evaluate.curves import Table
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.evaluation import Evaluation, EvaluationRows
from plumbline.evaluate.evaluation_plots import Drawn
from plumbline.evaluate.picture_process import PictureProcess

DIGITS = 6
IN_MEMORY = 20_000_000
"""Rows x columns of a window up to which it is read whole: 160 MB, and its texts."""


def sample(path: Path, columns: Sequence[str], most: int) -> dict[str, Array]:
    """At most `most` evenly spaced rows of a table, as `tables.read` gives them.

    Memory holds one row group beside what is kept. Of more than
    `row_limits.GROUPS` row groups so many are read, evenly spaced.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables.read(path, columns[:0])  # no such file: say so
    with pq.ParquetFile(path) as file:
        groups = baselines.evenly(file.num_row_groups, row_limits.GROUPS).tolist()
        wanted = baselines.evenly(sum(file.metadata.row_group(n).num_rows for n in groups), most)
        kept, first = [file.schema_arrow.empty_table().select(list(columns))], 0
        for number in groups:
            group = file.read_row_group(number, columns=list(columns))
            low, high = np.searchsorted(wanted, (first, first + group.num_rows))
            kept.append(group.take(pa.array(wanted[low:high] - first)))
            first += group.num_rows
    rows = pa.concat_tables(kept)
    return {name: tables.numpy(rows.column(name)) for name in columns}


def read_rows(usecase: UseCase, most: int, train: Path, valid: Path, test: Path) -> EvaluationRows:
    """The tables of an evaluation, of `train` the label and at most `most` rows of what is searched for leaks.

    Raises PlumblineError naming the file where one is missing or damaged.
    """
    names = leak_search.columns(usecase)
    enough = max(most, leak_columns.ROWS)
    searched = sample(train, names, enough)
    top = usecase.top
    shown = [] if top is None else list(dict.fromkeys([top.entity, top.item, usecase.label]))
    return EvaluationRows(
        train_label=tables.read(train, [usecase.label])[usecase.label].astype(float),
        train_sample=searched if most == enough else sample(train, names, most),
        train_searched=searched,
        valid=stored_columns.opened(valid, most=IN_MEMORY),
        test=stored_columns.opened(test, most=IN_MEMORY),
        train_shown=tables.read(train, shown) if shown else {},
    )


def write(
    usecase: UseCase,
    evaluation: Evaluation,
    report: Path,
    plots: Path,
    process: PictureProcess | None = None,
) -> None:
    """Write the report (card, plots, predictions) and the curves as tables to the two folders."""
    with files.replacing_folder(plots) as tables_folder, files.replacing_folder(report) as folder:
        write_curves(tables_folder, evaluation.tables)
        write_predictions(folder / "predictions.parquet", evaluation.predictions)
        document, importance = evaluation.document, evaluation.importance
        drawn = Drawn(usecase.title, document, evaluation.lines, importance, evaluation.explained)
        (process or PictureProcess()).draw(folder, drawn)
        write_card(folder, usecase, document)


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


def write_card(folder: Path, usecase: UseCase, document: EvaluateDocument) -> None:
    """The model card as Markdown and as a page, from the figures as JSON keeps them and the folder's PNGs."""
    written = json.loads(files.dumps(document.plain()))
    kept = documents.parse(EvaluateDocument, written, "evaluate.json")
    images = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
    text, page = model_card.render(usecase, kept), model_card.page(usecase, kept, images)
    (folder / model_card.MARKDOWN).write_text(text, encoding="utf-8")
    (folder / model_card.PAGE).write_text(page, encoding="utf-8")


def write_predictions(path: Path, columns: Mapping[str, Array]) -> None:
    """Key, time, label and score as Parquet, in the given order of columns and rows; large ones piece by piece."""
    import pyarrow.parquet as pq

    if not isinstance(columns, FurtherColumns):
        table = _table(columns)
        pq.write_table(table, path, compression="zstd", row_group_size=tables.CHUNK)
        return
    pieces = map(_table, columns.pieces())
    head = next(pieces)
    with pq.ParquetWriter(path, head.schema, compression="zstd") as writer:
        every = (piece.cast(head.schema) for piece in itertools.chain([head], pieces))
        batches = (batch for piece in every for batch in piece.to_batches())
        for table in tables.chunks(batches, tables.CHUNK):
            writer.write_table(table, row_group_size=tables.CHUNK)


def _table(columns: Mapping[str, Array]) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(_plain(values)) for name, values in columns.items()})


def _plain(values: Array) -> Any:
    return values.astype("datetime64[us]") if values.dtype.kind == "M" else values


def _cell(value: object) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
