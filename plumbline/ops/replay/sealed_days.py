"""Sealed days for reading: predictions beside the events that they are of. An edge: DuckDB reads Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core import duckdb_session
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.sql import literal_path, quote
from plumbline.ops.replay.served_rows import FACTS, ServedRows, objects

FOLDER = "sources/{usecase}/sealed"
NAME = re.compile(r"predictions-(\d{4}-\d{2}-\d{2})\.parquet(\.dvc)?")
EVENT = "event"
NO_EVENT = "its event is not in the sealed day, nor in the one before"


def folder(root: Path, usecase: str) -> Path:
    """Where the sealed days of a use case lie."""
    return root / FOLDER.format(usecase=usecase)


def listed(folder: Path) -> list[date]:
    """The days that are sealed, in order; also those whose files are not pulled."""
    if not folder.is_dir():
        return []
    matches = (NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({date.fromisoformat(m[1]) for m in matches if m})


def file(folder: Path, kind: str, day: date) -> Path:
    """A file of a sealed day; PlumblineError where it is not there."""
    path = folder / f"{kind}-{day}.parquet"
    if not path.is_file():
        raise PlumblineError(f"{path}: no such file, though the day is sealed; run `dvc pull`")
    return path


def rows(folder: Path, day: date, key: str, size: int, scratch: Path) -> Iterator[ServedRows]:
    """The predictions of a day by sequence, each with its event, out of core; PlumblineError for a damaged file."""
    import duckdb

    with duckdb_session.connect(scratch) as connection:
        try:
            query = _query(folder, day, key)
            for batch in connection.sql(query).to_arrow_reader(size):
                yield _served(day, pa.Table.from_batches([batch]))
        except (duckdb.Error, pa.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise PlumblineError(
                f"{folder}, {day}: not a sealed day that can be read ({reason}); restore it with `dvc checkout`"
            ) from None


def _query(folder: Path, day: date, key: str) -> str:
    """Predictions with their events; a shadow's may have been received the day before."""
    predictions = literal_path(file(folder, "predictions", day))
    before = folder / f"events-{day - timedelta(days=1)}.parquet"
    events = [file(folder, "events", day), *([before] if before.is_file() else [])]
    listed = ", ".join(map(literal_path, events))
    return (
        f"SELECT p.*, {EVENT} FROM read_parquet({predictions}) p LEFT JOIN "
        f"(SELECT {EVENT} FROM read_parquet([{listed}], union_by_name=true) {EVENT}) e "
        f"ON CAST(p.key AS VARCHAR) = CAST({EVENT}.{quote(key)} AS VARCHAR) ORDER BY p.sequence"
    )


def _served(day: date, table: Any) -> ServedRows:
    scores, widths = _numbers(table["score"])
    return ServedRows(
        day=day,
        origin="sealed",
        facts={name: _fact(table, name) for name in FACTS},
        events=_fields(table, EVENT),
        aggregates=_floats(_fields(table, "aggregates")),
        computed=_floats(_fields(table, "computed")),
        raw=_numbers(table["raw"])[0],
        score=scores,
        width=widths,
        altered=np.where(_missing(table), NO_EVENT, "").astype(object),
        libraries={},
    )


def _fact(table: Any, name: str) -> Array:
    column = table[name]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    return objects(column.to_pylist())


def _missing(table: Any) -> Array:
    return np.asarray(table[EVENT].is_null().to_numpy(zero_copy_only=False))


def _fields(table: Any, name: str) -> dict[str, Any]:
    """A struct's fields; none where the day has no such column, as its rows have no such features."""
    if name not in table.column_names:
        return {}
    column = table[name].combine_chunks()
    return {f.name: column.field(f.name) for f in column.type}


def _floats(fields: Mapping[str, Any]) -> dict[str, Array]:
    return {
        n: np.asarray(v.cast(pa.float64()).to_numpy(zero_copy_only=False))
        for n, v in fields.items()
    }


def _numbers(column: Any) -> tuple[Array, Array]:
    """Lists of numbers as float64 (n, k) with NaN beyond each, and their lengths (n,)."""
    lists = column.combine_chunks()
    width = np.asarray(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    out = np.full((len(lists), max(1, int(width.max(initial=0)))), np.nan)
    out[np.arange(out.shape[1]) < width[:, None]] = lists.flatten().to_numpy(zero_copy_only=False)
    return out, width
