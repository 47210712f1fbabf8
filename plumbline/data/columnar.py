"""Parquet files for DuckDB: all columns under their own names, and the types that DuckDB would lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.core.sql import literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.data import headers

DURATIONS = {"s": "to_seconds", "ms": "to_milliseconds", "us": "to_microseconds"}


def relation(path: Path, name: str, usecase: Contract | None) -> str:
    """What to select from; SourceError for names that are odd. `name` is for messages.

    DuckDB would call the second of `size` and `Size` `Size_1`, take a duration for a whole number, and one
    with more than 38 digits for a float.
    """
    files = f"read_parquet([{literal_path(path.absolute())}], hive_partitioning=false)"
    schema = _schema(path)
    if schema is None:
        return files  # which says what is wrong with it
    headers.check(name, schema.names)
    usable = headers.usable(name, schema.names, usecase)
    named = f"{files} AS parquet({', '.join(quote(c) for c in usable)})"
    replaced = [
        f"{value} AS {quote(column)}"
        for column, kind in zip(usable, schema.types, strict=True)
        if (value := _kept(quote(column), kind))
    ]
    return f"(SELECT * REPLACE ({', '.join(replaced)}) FROM {named})" if replaced else named


def _schema(path: Path) -> Any:
    """The file's columns as Arrow has them; None where it is none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return None


def _kept(value: str, kind: Any) -> str | None:
    """A value of a type that DuckDB does not have as one that is no number; None for all others."""
    import pyarrow as pa

    if pa.types.is_duration(kind):
        whole = f"{value} // 1000" if kind.unit == "ns" else value
        return f"{DURATIONS.get(kind.unit, 'to_microseconds')}({whole})"
    if pa.types.is_decimal(kind) and kind.precision > 38:
        return f"struct_pack(digits := {value})"
    return None
