"""SQL expressions as trees, parsed and written by DuckDB."""

from __future__ import annotations

import json
from typing import Any

import duckdb


def tree(connection: duckdb.DuckDBPyConnection, expression: str) -> dict[str, Any] | None:
    """The parsed `SELECT expression`; None where it is no expression."""
    ((answer,),) = connection.execute(
        "SELECT json_serialize_sql(CAST(? AS VARCHAR))", [f"SELECT {expression}"]
    ).fetchall()
    parsed: dict[str, Any] = json.loads(answer)
    return None if parsed["error"] or len(parsed["statements"]) != 1 else parsed


def node(connection: duckdb.DuckDBPyConnection, expression: str) -> Any:
    """The tree of an expression alone."""
    parsed = tree(connection, expression)
    assert parsed is not None
    return parsed["statements"][0]["node"]["select_list"][0]


def sql(connection: duckdb.DuckDBPyConnection, parsed: dict[str, Any]) -> str:
    """The expression of a parsed `SELECT expression`."""
    ((answer,),) = connection.execute(
        "SELECT json_deserialize_sql(CAST(? AS JSON))", [json.dumps(parsed)]
    ).fetchall()
    return str(answer).removeprefix("SELECT ")


def text(connection: duckdb.DuckDBPyConnection, one: Any) -> str:
    """A part of a tree as SQL."""
    parsed = tree(connection, "1")
    assert parsed is not None
    parsed["statements"][0]["node"]["select_list"] = [one]
    return sql(connection, parsed)
