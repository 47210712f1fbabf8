"""Where the expression of a derived column says itself that a value is missing: `nullif`, a branch that is NULL.

Null from anything else, a word that is no number or a branch that is left out, is a value that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from plumbline.data import expressions

UNWRITTEN = 2**64 - 1
"""The place in the text of an ELSE that is not there."""


def condition(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    """SQL that is true where the expression means a missing value."""
    parsed = expressions.tree(connection, expression)
    nodes = parsed["statements"][0]["node"]["select_list"] if parsed else []
    found = [f"coalesce(TRY({words}), false)" for words in _conditions(connection, nodes)]
    return " OR ".join(found) or "false"


def _conditions(connection: duckdb.DuckDBPyConnection, node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _conditions(connection, one)
    if not isinstance(node, dict) or node.get("class") in ("LAMBDA", "SUBQUERY"):
        return
    for value in node.values():
        yield from _conditions(connection, value)
    name = node.get("function_name")
    if name == "nullif":
        first, second = (expressions.text(connection, a["expression"]) for a in node["arguments"])
        yield f"({first}) = ({second})"
    elif name == "if":
        test, yes, no = (a["expression"] for a in node["arguments"])
        yield _case([(expressions.text(connection, test), _is_null(yes))], _is_null(no))
    elif node.get("class") == "CASE":
        checks = [
            (expressions.text(connection, c["when_expr"]), _is_null(c["then_expr"]))
            for c in node["case_checks"]
        ]
        yield _case(checks, _is_null(node["else_expr"]))


def _case(checks: list[tuple[str, bool]], otherwise: bool) -> str:
    """True where the branch that is taken is a NULL that is written."""
    branches = " ".join(f"WHEN {test} THEN {null}" for test, null in checks)
    return f"CASE {branches} ELSE {otherwise} END"


def _is_null(node: Any) -> bool:
    kind = node.get("literal", {}).get("kind")
    return kind == "NULL_LITERAL" and node.get("query_location") != UNWRITTEN
