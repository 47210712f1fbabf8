"""Expressions of derived columns, made to give null where DuckDB would guess.

In DuckDB, `AT TIME ZONE` moves an hour that the clock skips and picks one of two where it is repeated; a cast
of a text to TIMESTAMP drops an offset, reads 24-01-05 as the year 24, and knows zone words; one to BIGINT
rounds a fraction. The expression's tree is rewritten so that such a value is null, and is refused as bad.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb

from plumbline.data import expressions
from plumbline.data.conversions import COMPUTED, NAIVE, NUMBER, ZONED

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "HUGEINT")
TEXTS = {
    **dict.fromkeys(INTEGERS, COMPUTED),
    **dict.fromkeys(("DOUBLE", "FLOAT", "REAL", "DECIMAL", "NUMERIC"), NUMBER),
    **dict.fromkeys(("DATE", "TIMESTAMP", "DATETIME", "TIMESTAMP_NS"), NAIVE),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), f"{NAIVE}|{ZONED}"),
}
"""What a text must look like that an expression casts to a type."""
SHIFTS = (-120, -60, -30, 30, 60, 120)
"""Minutes by which clocks are turned."""
CLOCKS = "('DATE', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS')"


def guarded(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    """The expression with its casts and zones guarded; itself where there are none."""
    parsed = expressions.tree(connection, expression)
    if parsed is None:
        return expression
    select = parsed["statements"][0]["node"]["select_list"]
    before = json.dumps(select)
    select[0] = _guard(connection, select[0])
    return expression if json.dumps(select) == before else expressions.sql(connection, parsed)


def _guard(connection: duckdb.DuckDBPyConnection, node: Any) -> Any:
    """The node with all below it guarded."""
    if isinstance(node, list):
        return [_guard(connection, n) for n in node]
    if not isinstance(node, dict) or node.get("class") in ("LAMBDA", "SUBQUERY"):
        return node
    node = {key: _guard(connection, value) for key, value in node.items()}
    condition = None
    name, arguments = node.get("function_name"), node.get("arguments", ())
    if name == "timezone" and len(arguments) == 2:
        zone, time = _texts(connection, arguments, 1)
        condition = _one_instant(zone, time)
    elif name == "make_timestamptz" and len(arguments) == 7:
        *parts, zone = _texts(connection, arguments, *range(6))
        condition = _one_instant(zone, f"TRY(make_timestamp({', '.join(parts)}))")
    elif name in ("strptime", "try_strptime") and len(arguments) == 2:
        value, form = _texts(connection, arguments, 0)
        condition = _known_zone(value) if "%Z" in form else None
    elif node.get("class") == "CAST" and node["child"].get("class") != "CONSTANT":
        pattern = TEXTS.get(node.get("type_expr", {}).get("type_name", "").upper())
        if pattern:
            node["child"] = _try(connection, node["child"])
            condition = _fits(expressions.text(connection, node["child"]), pattern)
    if not condition:
        return node
    return expressions.node(
        connection, f"CASE WHEN {condition} THEN {expressions.text(connection, node)} END"
    )


def _try(connection: duckdb.DuckDBPyConnection, node: Any) -> Any:
    """The node within TRY: DuckDB computes what occurs twice once, outside of a TRY around it all."""
    return expressions.node(connection, f"TRY({expressions.text(connection, node)})")


def _texts(connection: duckdb.DuckDBPyConnection, arguments: Any, *tried: int) -> list[str]:
    """The arguments as SQL; those of these positions are put within TRY, in the tree too."""
    for position in tried:
        argument = arguments[position]
        argument["expression"] = _try(connection, argument["expression"])
    return [expressions.text(connection, a["expression"]) for a in arguments]


def _known_zone(value: str) -> str:
    """That a text ends with no word for a zone but UTC."""
    text = f"upper(trim({value}))"
    return f"regexp_matches({text}, '(UTC|GMT|Z)$') OR NOT regexp_matches({text}, '[A-Z]$')"


def _one_instant(zone: str, time: str) -> str:
    """That a time without a zone is one instant there: neither skipped nor repeated."""
    local = f"CAST({time} AS TIMESTAMP)"
    there = f"timezone({zone}, {local})"
    moved = [f"timezone({zone}, {there} + INTERVAL '{m} minutes') <> {local}" for m in SHIFTS]
    same = f"timezone({zone}, {there}) = {local}"
    return f"typeof({time}) NOT IN {CLOCKS} OR ({' AND '.join([same, *moved])})"


def _fits(value: str, pattern: str) -> str:
    text = f"upper(trim(CAST({value} AS VARCHAR)))"
    return f"typeof({value}) <> 'VARCHAR' OR regexp_full_match({text}, '{pattern}')"
