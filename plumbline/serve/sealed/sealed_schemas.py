"""The columns of sealed files: from what the log says of its own rows, so that they do not depend on today's code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from plumbline.serve.log import export
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.reader import AnyRow
from plumbline.serve.protocols import LoggedOutcome

OUTCOME = {"sequence": pa.int64(), "received": export.TIME, "known_at": export.TIME}
SERVED = {name: kind for name, kind in export.EVENT.items() if name != "answer"}
REFUSED = {"hour": export.TIME, "column": pa.string(), "problem": pa.string(), "count": pa.int64()}
STRUCTS = ("aggregates", "computed", "derived")


def schemas(one: LogDescription) -> dict[str, pa.Schema]:
    """By kind, the columns of rows with this description."""
    kinds = {name: export.TYPES[kind] for name, kind in one.event.items()}
    late = {name: export.TYPES[kind] for name, kind in one.outcome.items()}
    key = kinds.get(one.key, pa.string())
    time = {"time": export.TIME} if one.time else {}
    number = {"aggregates": pa.float64(), "computed": pa.float64(), "derived": pa.int64()}
    structs = {
        name: pa.struct([(field, number[name]) for field in getattr(one, name)])
        for name in STRUCTS
        if getattr(one, name)
    }
    return {
        "events": pa.schema([*kinds.items(), ("__sequence", pa.int64())]),
        "outcomes": pa.schema([(one.key, key), *late.items(), *OUTCOME.items()]),
        "predictions": pa.schema(
            [*export.COMMON.items(), ("key", key), *time.items(), *SERVED.items(), *structs.items()]
        ),
    }


def values(one: AnyRow) -> Iterable[tuple[str, dict[str, Any]]]:
    """What a row of the log becomes: kind and values."""
    row: Any = one.row
    names: LogDescription = one.description
    if isinstance(row, LoggedOutcome):
        own = {name: getattr(row, name) for name in OUTCOME}
        return [("outcomes", {names.key: row.key, **row.values, **own})]
    served = {name: getattr(row, name) for name in (*export.COMMON, "key", *SERVED)}
    served |= {name: names.named(name, getattr(row, name)) for name in STRUCTS}  # type: ignore[arg-type]
    served["time"] = row.event.get(names.time) if names.time else None
    result = [("predictions", served)]
    if row.mode == "live":
        result.append(("events", {**row.event, "__sequence": row.sequence}))
    return result


def united(schemas_used: Iterable[pa.Schema]) -> pa.Schema:
    """All columns in the order in which they came; where types differ, one that holds the values of both."""
    fields: dict[str, pa.DataType] = {}
    for schema in schemas_used:
        for column in schema:
            known = fields.get(column.name)
            fields[column.name] = column.type if known is None else _common(known, column.type)
    return pa.schema(list(fields.items()))


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with these columns: nulls for those that it lacks."""
    if table.schema.equals(schema):
        return table
    arrays = [_conformed(table, field) for field in schema]
    return pa.table(arrays, schema=schema)


def _conformed(table: pa.Table, field: pa.Field) -> Any:
    if field.name not in table.schema.names:
        return pa.nulls(table.num_rows, field.type)
    column = table[field.name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.nulls(0, column.type)
    if not pa.types.is_struct(field.type):
        return pc.cast(column, field.type)
    parts = [
        pc.cast(column.field(one.name), one.type)
        if column.type.get_field_index(one.name) >= 0
        else pa.nulls(len(column), one.type)
        for one in field.type
    ]
    return pa.StructArray.from_arrays(parts, fields=list(field.type), mask=column.is_null())


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one.equals(other):
        return one
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        both = united([pa.schema(list(one)), pa.schema(list(other))])
        return pa.struct(list(both))
    numbers: Mapping[bool, pa.DataType] = {True: pa.float64(), False: pa.string()}
    kinds = (pa.int64(), pa.float64())
    return numbers[one in kinds and other in kinds]
