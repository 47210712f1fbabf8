"""SQL for the values that counts of labels are made of. Pure."""

from __future__ import annotations

from plumbline.core.declarations import Column
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import Contract


def event(column: Column) -> str:
    """The event's column; a float's NaN and infinity count as null."""
    name = quote(column.name)
    if column.type != "float":
        return f"e.{name}"
    return f"CASE WHEN isfinite(e.{name}) THEN e.{name} END AS {name}"


def number(case: Contract, label: str) -> str:
    """SQL for a label as a number, NULL where it is none; of several classes its place among them."""
    if case.classes:
        listed = ", ".join(literal(c) if isinstance(c, str) else str(c) for c in case.classes)
        return f"list_position([{listed}], {label}) - 1"
    return f"CASE WHEN isfinite({label}::DOUBLE) THEN {label}::DOUBLE END"
