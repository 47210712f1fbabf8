"""Whether an event meets a `Where` condition: one rule, for a table in DuckDB, arrays, or one event.

The rule is `in_range`, which compares an Ibis column, an array or a number with the same operators.
The functions below it turn a value into that number: a time into its hour of the day, anything else
into an integer or a float. A null is in no range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

import numpy as np

from plumbline.core import arrays
from plumbline.core.declarations import Array, Columns, Where


def in_range(condition: Where, number: Any) -> Any:
    """Whether `number` lies from `low` to below `high`, or outside where the range wraps around.

    `number`: an Ibis value (null gives null), a float64 array (NaN gives False) or an int.
    """
    low, high = condition.low, condition.high
    if low is None:
        return number == number if high is None else number < high
    if high is None:
        return number >= low
    return (number >= low) | (number < high) if low > high else (number >= low) & (number < high)


def expression(conditions: Sequence[Where], table: Any) -> Any | None:
    """An Ibis boolean over the rows of `table`; None where there is no condition."""
    if not conditions:
        return None
    return reduce(and_, (in_range(c, _ibis_number(table[c.column])) for c in conditions))


def mask(conditions: Sequence[Where], columns: Columns, rows: int) -> Array:
    """Whether each of the rows meets all conditions, bool (rows,); a column of text meets none."""
    met = np.ones(rows, bool)
    for condition in conditions:
        numbers = _array_numbers(columns[condition.column])
        met &= False if numbers is None else in_range(condition, numbers)
    return met


def holds(conditions: Sequence[Where], event: Mapping[str, Any]) -> bool:
    """Whether one event of plain values (None for a null) meets all conditions."""
    return all(_value_holds(c, event[c.column]) for c in conditions)


def is_null(value: Any) -> bool:
    """Whether an event's plain value is none: None, or NaN, which is the same."""
    return value is None or value != value


def _value_holds(condition: Where, value: Any) -> bool:
    if is_null(value):
        return False
    number = value.hour if isinstance(value, datetime) else int(value)
    return bool(in_range(condition, number))


def _ibis_number(value: Any) -> Any:
    return value.hour() if value.type().is_timestamp() else value.cast("int64")


def _array_numbers(values: Array) -> Array | None:
    """float64 (n,), NaN for a null; None for text."""
    if values.dtype.kind != "M":
        return arrays.numeric(values)
    midnight = values.astype("datetime64[D]")
    return np.asarray(np.floor((values - midnight) / np.timedelta64(1, "h")))
