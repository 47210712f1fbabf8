"""Which of several rows with one key stays: an event and its outcome, of one source row; how copies differ.

The data stage sorts both tables alike: the n-th row of a key is the same row of the source in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from plumbline.core.declarations import Column
from plumbline.core.safe_text import HIDDEN
from plumbline.core.sql import quote

SHOWN = 3
"""Keys whose copies differ that a message shows."""
PLACE = "__file, __row"


def numbered(key: str, rows: str, bad: str, keys: str) -> str:
    """key, place, n (which row of its key) and whether `bad` has the place, for each row with one of the `keys`."""
    return (
        f"SELECT {key} AS key, {PLACE}, row_number() OVER (PARTITION BY {key} ORDER BY {PLACE}) AS n, "
        f"({PLACE}) IN ({bad}) AS bad FROM ({rows}) WHERE {key} IN ({keys})"
    )


def repeated_keys(table: str) -> str:
    """The name of the table with the repeated keys of a table's files, and how often each stands there."""
    return f"repeated_keys_{table}"


def repeats(key: str, rows: str) -> str:
    """SQL for the keys that stand more than once, and how often."""
    return f"SELECT {key} AS key, count(*) AS n FROM ({rows}) WHERE {key} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"


def kept(events: str, outcomes: str | None) -> str:
    """key, n of the row that stays, of each key in these rows: the first valid one; else the first whose event is
    valid; else the first."""
    sides = [f"SELECT key, n, bad AS event, false AS outcome FROM ({events})"]
    sides += [f"SELECT key, n, false, bad FROM ({outcomes})"] if outcomes else []
    return (
        f"SELECT key, n FROM ({' UNION ALL '.join(sides)}) GROUP BY key, n "
        "QUALIFY row_number() OVER "
        "(PARTITION BY key ORDER BY bool_or(event), bool_or(outcome), n) = 1"
    )


def describe(
    connection: duckdb.DuckDBPyConnection,
    key: Column,
    columns: Sequence[Column],
    rows: str,
    kept: bool,
) -> str:
    """How the copies of repeated keys differ; `rows`: SQL of a table's rows, `columns` of them compared.

    `kept`: one row of each key stays, as the table `kept_copies` has it, and is named. No value of a
    forbidden column is shown.
    """
    key_column, compared = quote(key.name), ", ".join(quote(c.name) for c in columns)
    grouped = (
        f"SELECT {key_column} AS key, count(DISTINCT ROW({compared})) > 1 AS differ FROM ({rows}) "
        f"WHERE {key_column} IN (SELECT key FROM kept_copies) GROUP BY 1 HAVING count(*) > 1"
    )
    equal, unequal = connection.sql(
        f"SELECT count(*) FILTER (NOT differ), count(*) FILTER (differ) FROM ({grouped})"
    ).fetchall()[0]
    same = [f"equal copies of {equal} key{'s' if equal > 1 else ''}"] if equal else []
    if not unequal:
        return same[0] if same else ""
    shown = (
        f"SELECT {key_column}, coalesce(n = (SELECT k.n FROM kept_copies k WHERE k.key = {key_column}), false), {compared} "
        f"FROM (SELECT *, row_number() OVER (PARTITION BY {key_column} ORDER BY {PLACE}) AS n FROM ({rows})) "
        f"WHERE {key_column} IN (SELECT key FROM ({grouped}) WHERE differ ORDER BY 1 LIMIT {SHOWN}) ORDER BY 1, n"
    )
    found = connection.sql(shown).fetchall()
    texts = [
        _shown(key, one) + _conflict(columns, [r[1:] for r in found if r[0] == one], kept)
        for one in dict.fromkeys(r[0] for r in found)
    ]
    more = f" and {unequal - len(texts)} more" if unequal > len(texts) else ""
    return "; ".join([*same, f"different copies of key {', key '.join(texts)}{more}"])


def _conflict(columns: Sequence[Column], rows: Sequence[Sequence[Any]], kept: bool) -> str:
    """The first column in which the copies differ, with its values."""
    place = next(i for i in range(1, len(columns) + 1) if len({row[i] for row in rows}) > 1)
    stays = next((row[place] for row in rows if row[0]), rows[0][place])
    others = dict.fromkeys(row[place] for row in rows if row[place] != stays)
    column, note = columns[place - 1], " (kept)" if kept else ""
    shown = ", ".join(_shown(column, v) for v in others)
    return f": {column.name} {_shown(column, stays)}{note} and {shown}"


def _shown(column: Column, value: Any) -> str:
    return HIDDEN if column.forbidden else "null" if value is None else str(value)
