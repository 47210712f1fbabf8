"""What near copies are: rows of one day, of the same entities and texts, whose numbers are close; as SQL. Pure."""

from __future__ import annotations

from plumbline.core.declarations import Column
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract

CLOSE = 50
"""Parts of a number by which near copies differ at most: a fiftieth."""
MOST_PAIRS = 50_000_000
"""Pairs of rows that are compared, at most; where groups are larger, copies are not looked for."""


def same(usecase: Contract) -> str:
    """A condition over rows a and b; empty where there are no entities to tell rows apart by."""
    if not usecase.entity_columns:
        return ""
    compared = [c for c in usecase.known if _compared(usecase, c)]
    return " AND ".join(["a.__day = b.__day", *(_alike(usecase, c) for c in compared)])


def groups(usecase: Contract, rows: str) -> str:
    """A query for the groups of several rows, which are compared number by number: their columns, `n` rows, and whether
    their labels are `mixed`, so that one can be a near copy with another label."""
    names = ", ".join(["__day", *(quote(n) for n in _grouped(usecase))])
    mixed = "min(__hit) IS DISTINCT FROM max(__hit) AS mixed"
    return (
        f"SELECT {names}, count(*) AS n, {mixed} FROM {rows} GROUP BY {names} HAVING count(*) > 1"
    )


def inside(usecase: Contract, groups: str) -> str:
    """A condition for a row: it is in one of the `groups`."""
    alike = (f"g.{n} IS NOT DISTINCT FROM r.{n}" for n in map(quote, _grouped(usecase)))
    return (
        f"EXISTS (SELECT 1 FROM ({groups}) g WHERE {' AND '.join(['g.__day = r.__day', *alike])})"
    )


def _grouped(usecase: Contract) -> list[str]:
    return [c.name for c in usecase.known if _compared(usecase, c) and not number(usecase, c)]


def number(usecase: Contract, column: Column) -> bool:
    """Whether the values are amounts that may be shown: no ids, no codes."""
    ids = {usecase.key, *usecase.entity_columns}
    plain = not (column.allowed or column.forbidden)
    return column.type in ("int", "float") and column.name not in ids and plain


def _compared(usecase: Contract, column: Column) -> bool:
    return column.type != "timestamp" and column.name not in (usecase.key, usecase.time)


def _alike(usecase: Contract, column: Column) -> str:
    a, b = f"a.{quote(column.name)}", f"b.{quote(column.name)}"
    if column.name in usecase.entity_columns:
        return f"{a} = {b}"
    if not number(usecase, column):
        return f"{a} IS NOT DISTINCT FROM {b}"
    size = f"greatest(abs({a}::DOUBLE), abs({b}::DOUBLE))"
    near = f"abs({a}::DOUBLE - {b}::DOUBLE) * {CLOSE} <= {size}"
    return f"({near} OR ({a} IS NULL AND {b} IS NULL))"
