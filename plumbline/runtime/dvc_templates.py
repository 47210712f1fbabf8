"""The templates of dvc.yaml: variables filled in, and the names that a stage's matrix gives it. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

VARIABLE = re.compile(r"\$\{\s*([\w.-]+)\s*\}")
TEMPLATE = re.compile(r"\$\{[^}]*\}")

Document = Mapping[str, Any]


def value(nested: Document, dotted: str) -> Any:
    """A nested mapping's value by dotted key; KeyError where there is none.

    >>> value({"a": {"b": 1}}, "a.b")
    1
    """
    current: Any = nested
    for part in dotted.split("."):
        if not isinstance(current, Mapping):
            raise KeyError(dotted)
        current = current[part]
    return current


def expanded(name: str, stage: Any, params: Document) -> Iterator[tuple[str, Document]]:
    """The names that a stage has in dvc.lock, and what `item` is for each."""
    matrix = stage.get("matrix") if isinstance(stage, Mapping) else None
    if not isinstance(matrix, Mapping):
        yield name, {}
        return
    axes = [_axis(values, params) for values in matrix.values()]
    for values in itertools.product(*axes):
        item = dict(zip(matrix, values, strict=True))
        yield f"{name}@{'-'.join(map(str, values))}", {"item": item}


def known_names(name: str, stage: Any, params: Document) -> set[str] | None:
    """The names that a stage has in dvc.lock; None where only DVC can tell."""
    if not isinstance(stage, Mapping) or "foreach" in stage:
        return None
    matrix = stage.get("matrix")
    axes = [_resolved(v, params) for v in matrix.values()] if isinstance(matrix, Mapping) else []
    if None in axes:
        return None
    return {full for full, _ in expanded(name, stage, params)} or {""}


def _resolved(values: Any, params: Document) -> list[Any] | None:
    """An axis of a matrix; None where it, or a value, is not plain."""
    match = VARIABLE.fullmatch(values) if isinstance(values, str) else None
    try:
        listed = value(params, match[1]) if match else values
    except KeyError:
        return None
    if not isinstance(listed, list) or any(type(v) not in (str, int) for v in listed):
        return None
    return None if any(TEMPLATE.search(str(v)) for v in listed) else listed


def _axis(values: Any, params: Document) -> Sequence[Any]:
    match = VARIABLE.fullmatch(values) if isinstance(values, str) else None
    try:
        listed = value(params, match[1]) if match else values
    except KeyError:
        return []
    return listed if isinstance(listed, list) else []


def filled(node: Any, known: Document, *, strict: bool = True) -> Any:
    """The node with variables in its texts and keys replaced; `strict`: KeyError for an unknown one."""

    def replaced(match: re.Match[str]) -> str:
        try:
            return str(value(known, match[1]))
        except KeyError:
            if strict:
                raise
            return match[0]

    if isinstance(node, str):
        return VARIABLE.sub(replaced, node)
    if isinstance(node, Mapping):
        return {
            filled(k, known, strict=strict): filled(v, known, strict=strict)
            for k, v in node.items()
        }
    return [filled(n, known, strict=strict) for n in node] if isinstance(node, list) else node
