"""The model tables on disk: written in chunks of a fixed size, read as numpy columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import class_codes, only, row_features
from plumbline.core.declarations import KNOWN_AT, Array
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase import FeatureSet

CHUNK = 131_072
"""Rows in a row group, and in memory at once."""

ARROW = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}


def read(path: Path, columns: Sequence[str] | None = None) -> dict[str, Array]:
    """A table's columns (all, or those named) as numpy arrays (n,).

    Integers are int64, bools bool (both float64 with NaN where a value is null), floats float64,
    times datetime64[us], text object. Raises PlumblineError naming file and column where one is missing,
    or where the file is damaged.
    """
    check(path, columns or ())
    try:
        table = pq.read_table(path, columns=None if columns is None else list(columns))
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from None
    return {name: numpy(table.column(name)) for name in table.column_names}


def check(path: Path, columns: Iterable[str]) -> None:
    """PlumblineError where there is no table, it is damaged, or one of the columns is not there."""
    if not path.exists():
        raise PlumblineError(f"{path}: no such file; run `dvc checkout`, or `dvc repro`")
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from None
    for name in columns:
        if name not in names:
            raise PlumblineError(f"{path}: no column '{name}'; {suggest(name, names)}")


def rows(path: Path) -> int:
    """How many rows a table has, from its file's end."""
    return int(pq.read_metadata(path).num_rows)


def damaged(path: Path, error: Exception) -> PlumblineError:
    """What to raise where a Parquet file cannot be read."""
    reason = str(error).splitlines()[0]
    return PlumblineError(
        f"{path}: not Parquet that can be read ({reason}); `plumbline verify --repair`"
    )


def numpy(column: Any, *, null: bool = False) -> Array:
    """One Arrow column as `read` gives it. `null`: float64 even where no integer or bool is null."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    elif pa.types.is_boolean(column.type) and (null or column.null_count):
        column = column.cast(pa.float64())
    elif null and pa.types.is_integer(column.type):
        column = column.cast(pa.float64(), safe=False)  # ids beyond 2**53 are not computed with
    return np.asarray(column.to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class Counts:
    """What was written: rows, of these with a label, the label's sum, and per feature the NaNs and how
    many distinct whole numbers the model's float32 does not tell apart, in a chunk."""

    rows: int = 0
    labelled: int = 0
    label_sum: float = 0.0
    missing: Mapping[str, int] = field(default_factory=dict)
    rounded: Mapping[str, int] = field(default_factory=dict)
    label_ends: tuple[float, float] = (np.inf, -np.inf)  # the smallest and the largest
    ineligible: int = 0  # rows that were not written, by the use case's `eligible`
    classes: Mapping[str, int] = field(default_factory=dict)  # rows of each class, of several

    def plus(self, other: Counts) -> Counts:
        return Counts(
            self.rows + other.rows,
            self.labelled + other.labelled,
            self.label_sum + other.label_sum,
            _summed(self.missing, other.missing),
            _summed(self.rounded, other.rounded),
            (
                min(self.label_ends[0], other.label_ends[0]),
                max(self.label_ends[1], other.label_ends[1]),
            ),
            self.ineligible + other.ineligible,
            _summed(self.classes, other.classes),
        )


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {n: one.get(n, 0) + other.get(n, 0) for n in {**one, **other}}


def write(
    usecase: FeatureSet,
    batches: Iterable[Any],
    path: Path,
    further: Sequence[str] = (),
    *,
    whole: bool = False,
) -> Counts:
    """Write a model table from Arrow batches of the joined columns, in their order.

    `further`: columns of the batches, float64, that stand behind those of every model table. `whole`: the batches
    have all columns already, as `completed` gives them.

    Adds the row features and category codes. Memory holds one chunk. No batch, no rows: the table
    is written all the same, empty.
    """
    total = Counts()
    own = schema(usecase, further)
    with pq.ParquetWriter(path, own, compression="zstd", use_dictionary=_texts(usecase)) as writer:
        for chunk in chunks(batches, CHUNK):
            rows = (chunk if whole else completed(usecase, chunk, further)).cast(own)
            table = _eligible(usecase, rows)
            total = total.plus(Counts(ineligible=rows.num_rows - table.num_rows))
            writer.write_table(table, row_group_size=CHUNK)
            total = total.plus(_counted(usecase, table))
    return total


def _eligible(usecase: FeatureSet, table: Any) -> Any:
    """The rows that are scored."""
    if not usecase.eligible:
        return table
    columns = {r.column: numpy(table.column(r.column)) for r in usecase.eligible}
    return table.filter(pa.array(only.mask(usecase.eligible, columns, table.num_rows)))


def completed(usecase: FeatureSet, joined: Any, further: Sequence[str] = ()) -> Any:
    """The Arrow table with its row features and codes of categories and classes, in the declared order, and
    `further` ones.
    """
    nullable = {c.name for c in usecase.columns if c.null}
    columns = {n: numpy(joined.column(n), null=n in nullable) for n in joined.column_names}
    computed = row_features.row_features(usecase, columns) | row_features.category_codes(
        usecase, columns
    )
    coded = class_codes.coded_table(usecase, joined)
    arrays = {n: coded.column(n) for n in joined.column_names} | {
        name: pa.array(value, pa.float64()) for name, value in computed.items()
    }
    return pa.table({name: arrays[name] for name in schema(usecase, further).names})


def order(usecase: FeatureSet) -> list[str]:
    """A model table's columns up to the fresh features: key, time, known columns, label, features."""
    first = [usecase.key] if usecase.time is None else [usecase.key, usecase.time]
    names = [*first, *(c.name for c in usecase.known), usecase.label]
    names += [f.name for f in usecase.aggregates]
    return list(dict.fromkeys(names))


def schema(usecase: FeatureSet, further: Sequence[str] = ()) -> Any:
    """The model table's Arrow schema; a category that bears its column's name takes its place."""
    types = {c.name: ARROW[c.type] for c in usecase.columns}
    types |= {usecase.label: ARROW["int"]} if usecase.classes else {}
    kinds = {name: types.get(name, pa.float64()) for name in order(usecase)}
    computed = [*(r.name for r in usecase.rows), *(c.name for c in usecase.categories)]
    computed += [*(e.name for e in usecase.encodings), *further]
    kinds |= dict.fromkeys(computed, pa.float64())
    if KNOWN_AT in further:
        kinds[KNOWN_AT] = ARROW["timestamp"]
    return pa.schema(list(kinds.items()))


def _texts(usecase: FeatureSet) -> list[str]:
    return [c.name for c in usecase.known if c.type == "string" and c.name != usecase.key]


def _counted(usecase: FeatureSet, table: Any) -> Counts:
    label = numpy(table.column(usecase.label)).astype(np.float64)
    known = label[~np.isnan(label)]
    names = [n for n in usecase.features if table.schema.field(n).type != pa.string()]
    missing, rounded = {}, {}
    for name in names:
        column = numpy(table.column(name))
        values = column.astype(np.float64)
        row_features.check_size(name, values)
        missing[name] = int(np.isnan(values).sum())
        rounded[name] = row_features.rounded_away(column) if column.dtype.kind == "i" else 0
    ends = (float(known.min(initial=np.inf)), float(known.max(initial=-np.inf)))
    classes = class_codes.counts(usecase.classes, known)
    return Counts(
        table.num_rows,
        len(known),
        float(known.sum()),
        missing,
        rounded,
        ends,
        classes=classes,
    )


def chunks(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """The same rows as Arrow tables of exactly `size` rows; the last may have fewer."""
    waiting: list[Any] = []
    held = 0
    for batch in batches:
        while held + batch.num_rows >= size:
            waiting.append(batch.slice(0, size - held))
            yield pa.Table.from_batches(waiting)
            batch = batch.slice(size - held)
            waiting, held = [], 0
        if batch.num_rows:
            waiting.append(batch)
            held += batch.num_rows
    if held:
        yield pa.Table.from_batches(waiting)
