"""Sealed days for reading: predictions beside the events that they are of. An edge: DuckDB reads Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core import duckdb_session, sealed_days
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import SealedDay, SealedKind
from plumbline.core.sql import literal_path, quote
from plumbline.ops.replay.served_rows import FACTS, ServedRows, objects

READ: tuple[SealedKind, ...] = ("events", "outcomes", "predictions")
EVENT = "event"
NO_EVENT = "its event is not in the sealed day, nor in the one before"


def changed(one: SealedDay) -> str:
    """Why a sealed day is not as it was sealed; "" where it is. SourceError where its bytes are not here."""
    for kind in READ:
        if not one.file(kind).is_file():
            sealed_days.intact([one])
        actual = sealed_days.sha256(one.file(kind))
        if actual != one.statement.sha256[kind]:
            return str(sealed_days.changed(one, kind, actual))
    return ""


def rows(
    one: SealedDay, before: SealedDay | None, key: str, size: int, scratch: Path
) -> Iterator[ServedRows]:
    """The predictions of a day by sequence, each with its event, out of core; PlumblineError for a damaged file."""
    import duckdb

    with duckdb_session.connect(scratch) as connection:
        try:
            for batch in connection.sql(_query(one, before, key)).to_arrow_reader(size):
                yield _served(one.day, pa.Table.from_batches([batch]))
        except (duckdb.Error, pa.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise PlumblineError(
                f"{one.file('predictions')}: not a sealed day that can be read ({reason}); restore it with `dvc checkout`"
            ) from None


def _query(one: SealedDay, before: SealedDay | None, key: str) -> str:
    """Predictions with their events; a shadow's may have been received the day before."""
    predictions = literal_path(one.file("predictions"))
    days = [day for day in (one, before) if day and day.statement.rows["events"]]
    listed = ", ".join(
        literal_path(day.file("events")) for day in days if day.file("events").is_file()
    )
    if not listed:
        return f"SELECT *, NULL AS {EVENT} FROM read_parquet({predictions}) ORDER BY sequence"
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
