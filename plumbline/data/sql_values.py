"""The values that a database's driver gives, as an Arrow column: typed where all are of one kind, else as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from plumbline.core.errors import SourceError

TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    str: pa.string(),
}
TEXTS = (bool, int, float, str, Decimal, datetime, date, time, UUID)
"""Kinds of values that have a text form."""
BOUND = 2**63


def array(values: Sequence[Any], name: str, column: str, before: int) -> pa.Array:
    """A batch of a column, `before` rows into the result. SourceError, naming `name` and the column, for
    bytes, lists and other values that are neither text, number nor time."""
    kinds = {type(v) for v in values if v is not None}
    for kind in kinds:
        if not issubclass(kind, TEXTS):
            raise SourceError(_refused(values, kind, name, column, before))
    (only,) = kinds if len(kinds) == 1 else (None,)
    if only is datetime and len({v.tzinfo is None for v in values if v is not None}) == 1:
        first = next(v for v in values if v is not None)
        return pa.array(values, pa.timestamp("us", "UTC" if first.tzinfo else None))
    if only in TYPES and (
        only is not int or all(-BOUND <= v < BOUND for v in values if v is not None)
    ):
        return pa.array(values, TYPES[only])
    return pa.array([_text(v) for v in values], pa.string())


def _text(value: Any) -> str | None:
    """The value as it would stand in a CSV file."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _decimal(value: Decimal) -> str | None:
    if not value.is_finite():
        return None if value.is_nan() else str(value)
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _refused(values: Sequence[Any], kind: type, name: str, column: str, before: int) -> str:
    row, value = next((i, v) for i, v in enumerate(values, before + 1) if type(v) is kind)
    shown = repr(bytes(value) if isinstance(value, memoryview) else value)
    remedy = "for instance with CAST(... AS TEXT), or convert_from(..., 'UTF8') for bytes"
    return (
        f"{name}: column '{column}': expected a text, a number or a time, found {shown[:60]} ({kind.__name__}) in row "
        f"{row:,} of the result; convert it in data.query, {remedy}, or leave the column out"
    )
