"""Which clock a column of times is on, as its unit says. Pure."""

from __future__ import annotations

from plumbline.core.declarations import Column

UTC_UNITS = ("UTC", "-")


def is_local(column: Column) -> bool:
    """Whether the column's clock is a place's own."""
    return column.unit.upper() not in UTC_UNITS
