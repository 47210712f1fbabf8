"""Rows of a log as Parquet, sorted by sequence, with columns by name. An edge: writes a file.

`event`, `aggregates`, `computed`, `derived` and `outcome` are structs: their fields are the names that the rows were
logged under, so that no column of a contract meets one of the log. Fields that a row's definitions did not
have are null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core.files import replacing
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.reader import AnyRow, LogReader
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome

Kind = Literal["events", "outcomes"]
GROUP = 20_000
"""Rows per row group: the bytes depend on the rows alone."""
TYPES: Mapping[str, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}
TIME = pa.timestamp("us")
COMMON = {"sequence": pa.int64(), "received": TIME, "request_id": pa.string()}
EVENT = {
    "raw": pa.list_(pa.float64()),
    "score": pa.list_(pa.float64()),
    "alarm": pa.bool_(),
    "decision": pa.string(),
    "action": pa.string(),
    "propensity": pa.float64(),
    "arm": pa.string(),
    "mode": pa.string(),
    "route_version": pa.int64(),
    "bundle": pa.string(),
    "definitions": pa.string(),
    "watermark": pa.int64(),
    "flags": pa.list_(pa.string()),
    "micros": pa.int64(),
    "answer": pa.binary(),
}


def write(reader: LogReader, day: date | None, kind: Kind, path: Path) -> int:
    """Write the events or the outcomes of a day, or of all days; how many. LogError where a file cannot be read."""
    days = [one for one in reader.days() if day in (None, one)]
    wanted = LoggedEvent if kind == "events" else LoggedOutcome
    described = reader.descriptions(days)
    schema = _schema(described, kind)
    values = _event if kind == "events" else _outcome
    rows = (one for d in days for one in reader.described(d) if isinstance(one.row, wanted))
    count = 0
    with replacing(path) as beside, pq.ParquetWriter(beside, schema) as writer:
        for group in _groups(rows):
            writer.write_table(_table(group, values, schema))
            count += len(group)
    return count


def _schema(described: Sequence[LogDescription], kind: Kind) -> pa.Schema:
    columns: dict[str, pa.DataType] = {**COMMON, "key": _key_type(described), "digest": pa.binary()}
    if kind == "outcomes":
        columns |= {"known_at": TIME, "matched": pa.bool_()}
        return pa.schema(
            [*columns.items(), *_struct("outcome", _typed(d.outcome for d in described))]
        )
    names = ("aggregates", "computed", "derived")
    numbers = (pa.float64(), pa.float64(), pa.int64())
    structs = [*_struct("event", _typed(d.event for d in described))]
    for name, number in zip(names, numbers, strict=True):
        fields = {field: number for d in described for field in getattr(d, name)}
        structs += _struct(name, fields)
    return pa.schema([*columns.items(), *structs, *EVENT.items()])


def _typed(columns: Iterable[Mapping[str, str]]) -> dict[str, pa.DataType]:
    return {name: TYPES[kind] for one in columns for name, kind in one.items()}


def _struct(name: str, fields: Mapping[str, pa.DataType]) -> list[tuple[str, pa.DataType]]:
    """A column with these fields; none without fields, which Parquet does not know."""
    return [(name, pa.struct(list(fields.items())))] if fields else []


def _key_type(described: Sequence[LogDescription]) -> pa.DataType:
    whole = all(d.event.get(d.key) == "int" for d in described)
    return pa.int64() if whole else pa.string()


def _groups(rows: Iterator[AnyRow]) -> Iterator[list[AnyRow]]:
    while group := list(islice(rows, GROUP)):
        yield group


def _table(group: list[AnyRow], values: Callable[[Any], dict[str, Any]], schema: pa.Schema) -> Any:
    records = [values(one) for one in group]
    if pa.types.is_string(schema.field("key").type):
        records = [{**record, "key": str(record["key"])} for record in records]
    return pa.Table.from_pylist(records, schema)


def _event(described: Any) -> dict[str, Any]:
    row: LoggedEvent = described.row
    names: LogDescription = described.description
    own = {name: getattr(row, name) for name in (*COMMON, "key", "digest", "event", *EVENT)}
    return own | {
        "aggregates": names.named("aggregates", row.aggregates),
        "computed": names.named("computed", row.computed),
        "derived": names.named("derived", row.derived),
    }


def _outcome(described: Any) -> dict[str, Any]:
    row: LoggedOutcome = described.row
    own = (*COMMON, "key", "digest", "known_at", "matched")
    return {name: getattr(row, name) for name in own} | {"outcome": dict(row.values)}
