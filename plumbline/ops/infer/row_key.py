"""Which column identifies a row, or which expression can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.sql import literal, quote
from plumbline.data import casts
from plumbline.ops.infer.column_types import words
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.table_file import TABLE
from plumbline.ops.infer.typed_table import TypedColumn

HINTS = frozenset(
    {"id", "key", "uuid", "guid", "number", "no", "nr", "num", "code", "ref", "index", "idx", "row"}
)
COPIES = 0.01
"""Share of the rows that may repeat a key which was given."""
MOST_PARTS, TRIED = 3, 6
LONGEST = 64


@dataclass(frozen=True)
class RowKey:
    """The key's column, or a name with the expression that makes it."""

    name: str
    reason: str
    column: TypedColumn | None = None
    expression: str = ""
    number: bool = False  # an integer


def guess(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: str,
    time: EventTime | None,
    rows: int,
    wanted: str | None = None,
) -> RowKey:
    """A column of unique values, else the event time with a few columns, else the row's number."""
    if wanted:
        return _wanted(columns, wanted)
    free_columns = [c for c in columns if c.name != label]
    unique = [c for c in free_columns if _identifies(c, rows, free_columns)]
    if unique:
        best = min(unique, key=lambda c: (not hinted(c), c.type != "int"))
        return RowKey(best.name, f"its {rows:,} values are all different", best)
    taken = [c.name for c in columns]
    composed = _of_time(connection, free_columns, time, rows, taken) if time else None
    return composed or RowKey(
        free("row_id", taken),
        "no column, nor a few together, identify a row; the number of the row in the source does while "
        "rows are only appended",
        expression=casts.ROW_NUMBER,
        number=True,
    )


def hinted(column: TypedColumn) -> bool:
    """Whether its name says that it identifies something."""
    return bool(HINTS.intersection(words(column.source)))


def _wanted(columns: Sequence[TypedColumn], wanted: str) -> RowKey:
    by_source = {c.source: c for c in columns}
    if wanted not in by_source:
        raise PlumblineError(f"key '{wanted}': no such column; {suggest(wanted, by_source)}")
    column = by_source[wanted]
    facts = column.facts
    if facts.nulls:
        raise PlumblineError(
            f"key '{wanted}': {facts.nulls:,} of {facts.rows:,} rows have none; fill them in the source, or "
            "leave the key out to have one derived"
        )
    copies = facts.rows - facts.distinct
    if copies > COPIES * facts.rows:
        raise PlumblineError(
            f"key '{wanted}': {copies:,} of {facts.rows:,} rows repeat a value, and a key identifies a row; "
            "leave the key out to have one derived"
        )
    repeated = f"; {copies:,} rows repeat one, of which the first is kept" if copies else ""
    if column.type not in ("int", "string"):
        text = f"CAST({column.raw} AS VARCHAR)"
        name = free(f"{column.name}_key", [c.name for c in columns])
        return RowKey(name, f"given as the key, as text: {wanted}{repeated}", expression=text)
    return RowKey(column.name, f"given as the key{repeated}", column)


def _identifies(column: TypedColumn, rows: int, columns: Sequence[TypedColumn]) -> bool:
    facts = column.facts
    if facts.distinct != rows or facts.nulls or column.type not in ("int", "string"):
        return False
    if column.type == "string":
        return facts.longest <= LONGEST
    first = column.name == columns[0].name
    dense = (column.high or 0) - (column.low or 0) < 10 * rows
    return hinted(column) or (first and dense)


def _of_time(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    time: EventTime,
    rows: int,
    taken: Sequence[str],
) -> RowKey | None:
    """The time alone in a series; else with the fewest texts and ids that make it unique."""
    form = "%Y-%m-%d" if time.whole_days else "%Y-%m-%d %H:%M:%S"
    at = f"strftime({time.expression}, {literal(form)})"
    parts = [c for c in columns if c.source not in time.parts and _part(c)]
    parts.sort(key=lambda c: (-c.facts.distinct, c.name))
    for group in _groups(parts[:TRIED]):
        each = ", ".join([at, *(f"CAST({quote(c.source)} AS VARCHAR)" for c in group)])
        expression = f"concat_ws(' ', {each})" if group else at
        query = f"SELECT count(DISTINCT {expression}) FROM {TABLE}"
        if duckdb_session.rows(connection, query)[0][0] == rows:
            names = " and ".join([time.name, *(c.source for c in group)])
            alone = "is" if not group else "together are"
            return RowKey(
                free("row_id", taken),
                f"{names} {alone} different in all {rows:,} rows",
                expression=expression,
            )
    return None


def _part(column: TypedColumn) -> bool:
    text = column.type == "string" and column.facts.longest <= LONGEST
    return (text or (column.type == "int" and hinted(column))) and not column.facts.nulls


def _groups(parts: Sequence[TypedColumn]) -> Iterator[tuple[TypedColumn, ...]]:
    for size in range(MOST_PARTS + 1):
        yield from combinations(parts, size)
