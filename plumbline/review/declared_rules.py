"""A use case's declarations that a change is judged by, as texts: contract, label, slices, behaviours. Pure.

What a feature is made of is not among them: a new feature is a change to judge, not a way of judging it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.core.usecase import UseCase

Declared = Mapping[str, Mapping[str, str]]
"""By what is declared ("columns.amount", "label") its parts as texts; a plain value's part is ""."""
PLAIN = ("problem", "key", "label", "time", "label_delay", "label_delay_hours", "naive")
LISTS = ("columns", "slices", "groups", "behaviours")
IN_WORDS = ("name", "description", "deprecated")
"""What explains a declaration and decides nothing."""
REMOVED = "removed"


def of(usecase: UseCase) -> dict[str, dict[str, str]]:
    """What is declared, by name and part."""
    plain = {name: {"": _text(getattr(usecase, name))} for name in PLAIN}
    derived = {f"derive.{column}": {"": text} for column, text in usecase.derive.items()}
    listed = {f"{kind}.{one.name}": _parts(one) for kind in LISTS for one in getattr(usecase, kind)}
    return {**plain, **derived, **listed}


def changes(base: Declared, head: Declared) -> dict[str, tuple[str | None, str | None]]:
    """What base declares and head removes or declares otherwise, with both texts; additions are none.

    >>> changes({"label": {"": "'late'"}}, {"label": {"": "'later'"}})
    {'label': ("'late'", "'later'")}
    """
    changed: dict[str, tuple[str | None, str | None]] = {}
    for name, parts in base.items():
        if name not in head:
            changed[name] = (_line(parts), REMOVED)
            continue
        for part in sorted(parts.keys() | head[name].keys()):
            pair = parts.get(part), head[name].get(part)
            if pair[0] != pair[1]:
                changed[f"{name}.{part}" if part else name] = pair
    return changed


def code(function: Callable[..., Any]) -> str:
    """A function by its name and the md5 of its structure: a docstring or a comment changes nothing."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return function.__name__
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return f"{function.__name__} ({md5_bytes(ast.dump(tree).encode())[:8]})"


def _parts(declared: Any) -> dict[str, str]:
    values = {f.name: getattr(declared, f.name) for f in fields(declared) if f.name not in IN_WORDS}
    return {name: _text(value) for name, value in values.items() if value not in (None, (), "")}


def _line(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" if name else text for name, text in parts.items())


def _text(value: Any) -> str:
    return code(value) if callable(value) else repr(value)
