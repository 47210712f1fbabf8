"""Whether an expression of a derived column gives the same value for the same row on any day and machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from plumbline.data import expressions

WORDS = frozenset(
    [
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
        "current_role",
        "current_catalog",
        "current_schema",
    ]
)
"""What stands without brackets, where no column is called so."""
FUNCTIONS = WORDS | frozenset(
    [
        "now",
        "today",
        "get_current_time",
        "get_current_timestamp",
        "transaction_timestamp",
        "txid_current",
        "current_setting",
        "current_query",
        "current_database",
        "current_schemas",
        "in_search_path",
        "getenv",
        "getvariable",
        "version",
    ]
)
"""What hangs on the clock, the session or the machine."""


def varying(connection: duckdb.DuckDBPyConnection, expression: str, relation: str) -> str:
    """What in the expression over the relation's columns may differ from run to run; empty for nothing."""
    parsed = expressions.tree(connection, expression)
    names = [] if parsed is None else list(_names(parsed["statements"][0]["node"]["select_list"]))
    if any(is_word for _, is_word in names):
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        columns = {str(column[0]).lower() for column in described}
        names = [(name, is_word) for name, is_word in names if not is_word or name not in columns]
    return names[0][0] if names else ""


def _names(node: Any) -> Iterator[tuple[str, bool]]:
    """The names in a tree that stand for something that varies, and whether each is a word, as a column's would be."""
    if isinstance(node, list):
        for part in node:
            yield from _names(part)
    if not isinstance(node, dict):
        return
    name = str(node.get("function_name", "")).lower()
    if name in FUNCTIONS or (name == "age" and len(node.get("arguments", ())) == 1):
        yield name, False
    words = node.get("column_names") or [""]
    if node.get("class") == "COLUMN_REF" and len(words) == 1 and words[0].lower() in WORDS:
        yield words[0].lower(), True
    for part in node.values():
        yield from _names(part)
