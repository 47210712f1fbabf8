"""Leaks through `derive`: a column that is known at prediction time must not be computed from one that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import SpecError

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract

WILD = "*"
"""What stands for columns that an expression takes by a pattern or by their place."""


def check(usecase: Contract) -> None:
    """SpecError with a line for each known column that reads what is not known, straight or as the label does."""
    problems = list(_problems(usecase))
    if problems:
        raise SpecError("\n".join(problems))


def _problems(usecase: Contract) -> Iterator[str]:
    late, hidden = {c.name.casefold(): c.name for c in usecase.unknown}, _of_label(usecase)
    for column in usecase.known:
        read = _inputs(usecase, column.name, {*late, *hidden})
        names = sorted({late.get(name, name) for name in read & {*late, *hidden, WILD}})
        if column.name not in usecase.derive:
            names = [n for n in names if n not in late.values() and n != WILD]
        if names:
            yield _message(usecase, column.name, names, late.values())


def _message(usecase: Contract, column: str, names: list[str], late: Any) -> str:
    own = [name for name in names if name in late]
    reads = ", ".join(f"'{name}'" for name in names if name != WILD)
    why = "not known at prediction time"
    if WILD in names:
        reads, why = "columns by a pattern or by their place", f"{why} among them"
    elif not own:
        why = f"what the label '{usecase.label}' is derived from, and so {why}"
    return (
        f"usecases/{usecase.name}/contract.py: the column '{column}' is declared as known and reads {reads}, "
        f"{why}: it would leak the answer. Set known=False on '{column}', or derive it from columns "
        "that are known."
    )


def _of_label(usecase: Contract) -> set[str]:
    """The source's columns that make the label unknown: the one of its inputs that is not known otherwise.

    Where two or more are not, nothing says which of them is late.
    """
    if usecase.label not in usecase.derive:
        return set()
    read = _inputs(usecase, usecase.label, None)
    plain = {c.name.casefold() for c in usecase.known if c.name not in usecase.derive}
    sure = {usecase.time, usecase.key, *usecase.entity_columns}
    for name in usecase.derive.keys() & sure:
        plain |= _inputs(usecase, name, read)
    left = (read - plain) if len(read) > 1 else read
    return left if len(left) == 1 else set()


def _inputs(usecase: Contract, name: str, wanted: set[str] | None) -> set[str]:
    """The source's columns that a contract column reads, in lower case; parsed where words of them are `wanted`."""
    expression = usecase.derive.get(name)
    if expression is None:
        return {name.casefold()}
    words = {word.casefold() for word in re.findall(r"[^\W\d]\w*", expression)}
    odd = {"columns", "select", "over"} & words or "#" in expression
    named = wanted is None or any(w in words or not w.isidentifier() for w in wanted)
    if not odd and not named:
        return set()
    return set(_columns(f"usecases/{usecase.name}/contract.py: derive['{name}']", expression))


@lru_cache(maxsize=1_000)
def _columns(where: str, expression: str) -> frozenset[str]:
    """The columns that an expression names, as DuckDB reads it; SpecError where it is not one expression."""
    import duckdb

    with duckdb.connect() as connection:
        text = f"SELECT {expression}"
        answer = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    tree = json.loads(answer[0]) if answer else {}
    statements = tree.get("statements") or [{}]
    selected = statements[0].get("node", {}).get("select_list") or []
    if tree.get("error") or len(statements) != 1 or len(selected) != 1:
        reason = tree.get("error_message", "found more than one")
        raise SpecError(f"{where}: expected one expression of DuckDB's SQL: {reason}; correct it.")
    return frozenset(_named(selected[0]))


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        kind = node.get("class")
        if kind == "COLUMN_REF":
            yield from (str(name).casefold() for name in node["column_names"])
        elif kind in ("STAR", "POSITIONAL_REFERENCE"):
            yield WILD
        for value in node.values():
            yield from _named(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value)
