"""An event time made of columns that hold a date's parts: year, quarter, month, day, hour, minute. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbline.core.sql import quote
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.typed_table import TypedColumn

PARTS: Mapping[str, tuple[str, ...]] = {
    "year": ("year", "yr", "yyyy"),
    "quarter": ("quarter", "qtr"),
    "month": ("month", "mon", "mnth", "mm"),
    "day": ("day", "dom", "mday", "dd"),
    "hour": ("hour", "hr", "hh"),
    "minute": ("minute", "min"),
}
"""Names of columns that hold a part of a date."""


@dataclass(frozen=True)
class TimeChoice:
    """What could be the event time. `parts`: the source's columns that it is made of."""

    name: str
    expression: str
    reason: str
    parts: tuple[str, ...]


def choice(columns: Sequence[TypedColumn]) -> TimeChoice | None:
    """A time made of as many parts as there are columns for; a year alone only in a series of years."""
    whole = [c for c in columns if _whole(c)]
    held = {
        part: next((c for c in whole if c.source.lower() in names), None)
        for part, names in PARTS.items()
    }
    year = held["year"]
    if year is None or not is_year(year):
        return None
    chosen = {"year": year, **{p: c for p in _used(held) if (c := held[p]) is not None}}
    if len(chosen) == 1 and year.facts.distinct < year.facts.rows:
        return None
    names = tuple(c.source for c in chosen.values())
    name = free("at", [c.name for c in columns])
    return TimeChoice(name, _made(chosen), f"made of {', '.join(names)}", names)


def is_year(column: TypedColumn) -> bool:
    """Whether its values are years of the calendar."""
    low, high = column.low or 0, column.high or 0
    return _whole(column) and 1000 <= low <= high < 3000


def start_of_year(column: TypedColumn) -> str:
    """The first of January, as SQL."""
    return _made({"year": column})


def _used(held: Mapping[str, TypedColumn | None]) -> list[str]:
    """The parts below the year that can be used: none without the one above it."""
    if held["month"] is None:
        return ["quarter"]
    below = ["day", "hour", "minute"]
    there = [p for i, p in enumerate(below) if all(held[q] is not None for q in below[: i + 1])]
    return ["month", *there]


def _whole(column: TypedColumn) -> bool:
    if column.type == "float":
        return column.facts.fits["int"] == column.facts.values
    return column.type == "int"


def _made(chosen: Mapping[str, TypedColumn]) -> str:
    values = {part: f"{quote(c.source)}::BIGINT" for part, c in chosen.items()}
    month = values.get("month", "1")
    if "quarter" in values:
        month = f"3 * {values['quarter']} - 2"
    expression = f"make_date({values['year']}, {month}, {values.get('day', '1')})"
    for unit in ("hour", "minute"):
        expression += f" + to_{unit}s({values[unit]})" if unit in values else ""
    return expression
