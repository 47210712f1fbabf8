"""Raw events in a table on their way to the model, held against the contract. Pure.

As `request_check`, for many rows at once: the first fault is raised, with how many rows have it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.core import only
from plumbline.core.declarations import Array, Column, Columns, ColumnType, Only
from plumbline.core.errors import ContractError, suggest
from plumbline.core.tables import ARROW, numpy
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.validate import contract
from plumbline.validate.check import ContractCheck

EXPECTED: dict[ColumnType, str] = {
    "int": "whole numbers",
    "float": "numbers",
    "string": "text",
    "bool": "true or false",
    "timestamp": "times without a zone",
}


def columns(
    usecase: FeatureSet, events: Any, wanted: Iterable[str], *, new_entities: bool = False
) -> Columns:
    """The known columns and histories of an Arrow table, as the model's tables hold them, (n,) each.

    Other columns are left out. `wanted`: the features that the model and its decisions read. `new_entities`:
    histories that these need may be absent, and then take their declared defaults, as of entities that were
    never seen. ContractError for the first fault.
    """
    events = _with_optional(usecase, events)
    missing = [c.name for c in usecase.known if c.name not in events.column_names]
    if missing:
        raise _refused(
            usecase, f"no column {missing[0]}; {suggest(missing[0], events.column_names)}"
        )
    absent = [n for n in histories(usecase, wanted) if n not in events.column_names]
    if absent and not new_entities:
        raise _refused(usecase, without(absent))
    typed = {c.name: _typed(usecase, c, events.column(c.name)) for c in usecase.known}
    _check(usecase, typed)
    present = [f.name for f in usecase.aggregates if f.name in events.column_names]
    past = {n: _history(usecase, n, events.column(n)) for n in present}
    known = {c.name: numpy(typed[c.name], null=c.null) for c in usecase.known}
    check_rules(usecase, usecase.only, known)
    return {**known, **past}


def _with_optional(usecase: Contract, events: Any) -> Any:
    """The events with nulls for the optional columns that they lack."""
    for column in usecase.known:
        if column.name in usecase.optional and column.name not in events.column_names:
            events = events.append_column(column.name, pa.nulls(len(events), ARROW[column.type]))
    return events


def histories(usecase: FeatureSet, wanted: Iterable[str]) -> list[str]:
    """The histories that the features `wanted`, the offset and `eligible` are computed from, as declared."""
    needed = {*wanted, *(r.column for r in usecase.eligible)}
    needed |= {usecase.offset} if usecase.offset else set()
    for row in reversed(usecase.rows):
        if row.name in needed:
            needed.update(row.inputs)
    return [f.name for f in usecase.aggregates if f.name in needed]


def _typed(usecase: Contract, column: Column, values: Any) -> Any:
    """A column as the contract's type; a whole number that came as a float, with nulls as NaN, is one again."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    fits = {
        "int": pa.types.is_integer(kind) or pa.types.is_floating(kind),
        "float": pa.types.is_integer(kind) or pa.types.is_floating(kind),
        "string": pa.types.is_string(kind) or pa.types.is_large_string(kind),
        "bool": pa.types.is_boolean(kind),
        "timestamp": (pa.types.is_timestamp(kind) and kind.tz is None) or pa.types.is_date(kind),
    }[column.type]
    if not fits and not pa.types.is_null(kind):
        raise _refused(
            usecase, f"{column.name} is of type {kind}, expected {EXPECTED[column.type]}"
        )
    try:
        if pa.types.is_floating(kind):
            values = pc.if_else(pc.is_nan(values), None, values)
        return values.cast(ARROW[column.type])
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        words = f"{column.name}: expected {EXPECTED[column.type]} ({reason})"
        raise _refused(usecase, words) from None


def _history(usecase: FeatureSet, name: str, values: Any) -> Array:
    """A history, float64 (n,), never null."""
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise _refused(usecase, f"the history {name} is of type {values.type}, expected numbers")
    plain = np.asarray(numpy(values), np.float64)
    odd = int(np.count_nonzero(~np.isfinite(plain)))
    if odd:
        raise _refused(
            usecase, f"the history {name} is no finite number in {odd:,} of {len(plain):,} rows"
        )
    return plain


def _check(usecase: FeatureSet, typed: dict[str, Any]) -> None:
    rows = [c for c in contract.checks(usecase) if c.table == "events" and c.column in typed]
    for check in rows:
        broken = _broken(check, typed[check.column])
        if broken is not None and (places := np.flatnonzero(broken)).size:
            value = typed[check.column][int(places[0])].as_py()
            shown = "a value" if check.hidden else repr(value)
            raise _refused(
                usecase,
                f"{check.column} is {shown} in row {places[0]} (from 0), expected {check.expects}; "
                f"{places.size:,} of {len(broken):,} rows are so",
            )


def _broken(check: ContractCheck, values: Any) -> Array | None:
    """Which rows break a check, bool (n,); None for one that looks at more than a row."""
    if check.kind == "null":
        return numpy(pc.is_null(values))
    if check.kind == "set":
        known = pa.array(check.allowed, values.type)
        return numpy(pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, known))))
    if check.kind != "range":
        return None
    outside = [pc.less(values, check.low)] if check.low is not None else []
    outside += [pc.greater(values, check.high)] if check.high is not None else []
    return numpy(pc.fill_null(outside[0] if len(outside) == 1 else pc.or_(*outside), False))


def check_rules(usecase: Contract, rules: Iterable[Only], whole: Columns) -> None:
    """ContractError where a row does not meet a rule: `only` of known columns, or `eligible` of all."""
    for rule in rules:
        odd = np.flatnonzero(~only.mask([rule], whole, len(whole[usecase.key])))
        if odd.size:
            more = f" and {odd.size - 1:,} more" if odd.size > 1 else ""
            words = f"with {only.words(rule)}; leave them out: row {odd[0]} (from 0){more}"
            raise _refused(usecase, f"the model scores rows {words}")


def without(absent: list[str]) -> str:
    """What to do about histories that are not there."""
    return (
        f"no history {', '.join(absent[:3])}{f' and {len(absent) - 3} more' if len(absent) > 3 else ''}; take "
        "them from the feature store, or say that all entities are new (new_entities)"
    )


def _refused(usecase: Contract, what: str) -> ContractError:
    return ContractError(f"{usecase.name}, the events are refused: {what}")
