"""Tables whose columns changed over time, put together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


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
