"""The contract's columns: which are declared, what their values may be, which are left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plumbline.core.declarations import Column, ColumnType, Entity
from plumbline.ops.infer import ranges, row_key
from plumbline.ops.infer.column_types import words
from plumbline.ops.infer.label_choice import Label
from plumbline.ops.infer.roles import Roles
from plumbline.ops.infer.typed_table import TypedColumn

UNITS: Mapping[str, str] = {
    **dict.fromkeys(("cents", "euros", "usd", "eur", "dollars"), ""),
    **dict.fromkeys(("minutes", "seconds", "hours", "days", "months", "years", "ms"), ""),
    **dict.fromkeys(("km", "miles", "metres", "meters", "cm", "mm", "kg", "grams", "percent"), ""),
}
"""Words of a name that are its unit."""
MOST_ENTITIES = 4
PER_ENTITY = 3
"""Rows that an id has on average, at least, to have a history."""
FREE_TEXT = 0.5
"""Different values per row from which a text is free text."""
GROUPS = 50


def entities(columns: Sequence[TypedColumn], roles: Roles) -> list[TypedColumn]:
    """Texts and ids that come again: what histories are kept for, the most different ones first."""
    if roles.time is None:
        return []
    able = [c for c in columns if _is_entity(c, roles)]
    return sorted(able, key=lambda c: -c.facts.distinct)[:MOST_ENTITIES]


def _is_entity(column: TypedColumn, roles: Roles) -> bool:
    if column.name in (roles.label.name, roles.key.name, *roles.unknown) or column.expression:
        return False
    text = column.type == "string" and column.facts.longest <= row_key.LONGEST
    ident = column.type == "int" and row_key.hinted(column)
    often = 2 <= column.facts.distinct <= column.facts.rows / PER_ENTITY
    return (text or ident) and often and column.nulls == 0


def is_id(column: TypedColumn) -> bool:
    """Whether it is a number by its type alone: an id says nothing by its size."""
    return column.type == "int" and row_key.hinted(column) and column.facts.distinct > GROUPS


def _too_large(column: TypedColumn) -> bool:
    ends = (column.low or 0.0, column.high or 0.0)
    return column.type in ("int", "float") and max(map(abs, ends)) >= ranges.LARGEST


def left_out(columns: Sequence[TypedColumn], roles: Roles, used: Sequence[str]) -> dict[str, str]:
    """By name, why a column is not declared. `used`: names of entities, which stay."""
    kept = {roles.label.name, roles.key.name, *used, *([roles.time.name] if roles.time else [])}
    reasons: dict[str, str] = {}
    for column in columns:
        if column.name not in kept:
            reason = _left_out(column, roles)
            reasons |= {column.name: reason} if reason else {}
    return reasons


def _left_out(column: TypedColumn, roles: Roles) -> str:
    facts = column.facts
    if facts.distinct < 2:
        return "a constant: one value in all rows that have one"
    if column.name in roles.unknown:
        return roles.unknown[column.name]
    if _too_large(column):
        return "it has numbers that the model's 32 bits do not hold"
    if is_id(column):
        return f"an id by its name ({facts.distinct:,} values): its size says nothing"
    if column.type == "string" and not ranges.vocabulary(column):
        return f"free text or an id: {facts.distinct:,} different values in {facts.values:,} rows"
    if roles.time and len(roles.time.parts) > 1 and column.source in roles.time.parts:
        return f"a part of the event time '{roles.time.name}'"
    return ""


def line(column: TypedColumn, *, known: bool = True) -> tuple[Column, str]:
    """A column's declaration and its comment."""
    bounds = ranges.ends(column)
    whole = column.type == "int"
    low, high = (int(v) if v is not None and whole else v for v in (bounds.low, bounds.high))
    closed = ranges.allowed(column)
    declared = Column(
        column.name,
        column.type,
        unit(column.source),
        description(column.source),
        min=low,
        max=high,
        allowed=closed,
        null=column.nulls > 0,
        known=known,
    )
    return declared, _comment(column, bounds, closed)


def _comment(column: TypedColumn, bounds: ranges.Ends, closed: tuple[str, ...]) -> str:
    notes = [column.reason]
    if column.name != column.source and not column.expression:
        notes.append(f"renamed from {column.source!r}, which is no name in Python")
    notes += [f"{bounds.reason}, widened"] if bounds.reason else []
    if closed:
        notes.append("a closed set: each value occurs often")
    if column.nulls:
        notes.append(f"{column.nulls:,} of {column.facts.rows:,} missing")
    return f"{column.type}: {'; '.join(notes)}"


def unit(name: str) -> str:
    """The unit that a name ends with; a dash without one."""
    last = [w for w in words(name) if w in UNITS]
    return last[-1] if last else "-"


def description(name: str) -> str:
    """A few words for reports."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).replace("_", " ").split())
    return f"{plain} (column of the table)"


def label_column(column: TypedColumn, label: Label) -> tuple[Column, str]:
    """The label's declaration: never known at prediction time."""
    if label.type == "bool":
        declared = Column(
            label.name, "bool", "-", description(label.source), null=column.nulls > 0, known=False
        )
        return declared, f"the label: {label.reason}"
    if label.classes:
        kind: ColumnType = "int" if label.type == "int" else "string"
        declared = Column(
            label.name,
            kind,
            "-",
            description(label.source),
            allowed=label.classes,
            null=column.nulls > 0,
            known=False,
        )
        return declared, f"the label: {label.reason}"
    declared, note = line(column, known=False)
    return replace(declared, name=label.name), f"the label. {note}"


def entity(column: TypedColumn) -> Entity:
    """An entity's declaration, named as its column."""
    return Entity(column.name, column.name, f"rows that share one {column.name}")
