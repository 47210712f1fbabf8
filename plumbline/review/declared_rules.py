"""A use case's declarations that a change is judged by, as texts: contract, label, slices, behaviours. Pure.

What a feature is made of is not among them: a new feature is a change to judge, not a way of judging it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.core.usecase import UseCase

Declared = Mapping[str, Mapping[str, str]]
"""By what is declared ("columns.amount", "label") its parts as texts; a plain value's part is ""."""
PLAIN = (
    "problem",
    "key",
    "label",
    "time",
    "label_delay",
    "label_delay_hours",
    "label_delay_minutes",
    "naive",
    "split",
    "scale",
    "only",
    "eligible",
    "top",
)
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
    """What base declares and head removes or declares otherwise, with both texts; additions are none, but of
    an expression for a column that was read as it is.

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
    return changed | _made_anew(base, head)


def _made_anew(base: Declared, head: Declared) -> dict[str, tuple[str | None, str | None]]:
    """Columns of base that head computes from others: their meaning is another."""
    added = (name for name in head.keys() - base.keys() if name.startswith("derive."))
    same = (name for name in sorted(added) if name.replace("derive", "columns", 1) in base)
    return {name: (None, _line(head[name])) for name in same}


def code(function: Callable[..., Any]) -> str:
    """A function by its name and the md5 of its structure, and of what it calls and reads in its use case.

    A docstring or a comment changes nothing.
    """
    if isinstance(function, functools.partial):
        return f"{code(function.func)} with {function.args!r} {function.keywords!r}"
    name = getattr(function, "__name__", type(function).__name__)
    return f"{name} ({md5_bytes(chr(10).join(_structures(function, set())).encode())[:8]})"


def _structures(function: Callable[..., Any], seen: set[str]) -> Iterator[str]:
    """The function's structure, then those of the module's own functions that it names, and its constants."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    yield ast.dump(tree)
    known = getattr(function, "__globals__", {})
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & known.keys()
    for name in sorted(names - seen):
        seen.add(name)
        if inspect.isfunction(known[name]):
            yield from _structures(known[name], seen)
        elif _plain(known[name]):
            yield f"{name} = {known[name]!r}"


def _plain(value: Any) -> bool:
    """Whether a value is numbers and texts only, so that it reads the same in every process."""
    if isinstance(value, Mapping):
        return all(_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, tuple | list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float | bytes)


def _parts(declared: Any) -> dict[str, str]:
    values = {f.name: getattr(declared, f.name) for f in fields(declared) if f.name not in IN_WORDS}
    return {name: _text(value) for name, value in values.items() if value not in (None, (), "")}


def _line(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" if name else text for name, text in parts.items())


def _text(value: Any) -> str:
    return code(value) if callable(value) else repr(value)
