"""What a field of a class takes and means: its type in words, its default, the comment at it."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

TYPE_NAMES = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    date: 'day, quoted: "2025-07-01"',
    Any: "cost, see above",
}
LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def kind(field: FieldInfo) -> str:
    """What a key of params.yaml takes, in words.

    >>> kind(FieldInfo(annotation=float, metadata=[]))
    'number'
    """
    return _kind(field.annotation, field.metadata)


def _kind(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0], arguments[1:])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in arguments if part is not type(None))
    if origin is tuple:
        return f"list of {_plural(arguments[0])}"
    if origin in (dict, list) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return TYPE_NAMES.get(annotation, "value") + _limits(metadata)


def _plural(annotation: Any) -> str:
    return "sections" if inner(annotation) else f"{_kind(annotation)}s"


def _limits(metadata: Iterable[Any]) -> str:
    flat = [part for m in metadata for part in (m.metadata if isinstance(m, FieldInfo) else [m])]
    limits = {
        word: getattr(part, key)
        for part in flat
        for key, word in LIMITS.items()
        if getattr(part, key, None) is not None
    }
    if limits.keys() == {"at least", "at most"}:
        return f" from {limits['at least']:g} to {limits['at most']:g}"
    return "".join(f", {word} {limit:g}" for word, limit in limits.items())


def inner(annotation: Any) -> Any:
    """The section in a field's type: Email of `Email | None`, Silence of `tuple[Silence, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((section for part in get_args(annotation) if (section := inner(part))), None)


def written(field: FieldInfo) -> str:
    """A default as it would stand in params.yaml."""
    if field.is_required():
        return "required"
    value = field.default_factory() if field.default_factory else field.default
    if value is None or value is PydanticUndefined or value in ({}, ()):
        return "–"
    if isinstance(value, BaseModel):
        changed = value.model_dump(exclude_unset=True)
        return f"`{{{', '.join(f'{k}: {v}' for k, v in changed.items())}}}`" if changed else "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def comments(cls: type) -> dict[str, str]:
    """By field, the comment above it and beside it; of inherited fields too."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("plumbline."):
            meanings |= _comments(base)
    return meanings


@functools.cache
def _comments(cls: type) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        node.target.id: _comment(lines, node)
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _comment(lines: list[str], node: ast.AnnAssign) -> str:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    above: list[str] = []
    while (line := lines[first - 1 - len(above)].strip()).startswith("#"):
        above.insert(0, line.removeprefix("#").strip())
    end = len(lines[last].encode()[: node.end_col_offset].decode())
    beside = lines[last][end:].strip()
    return " ".join([*above, beside.removeprefix("#").strip()]).strip().replace("|", r"\|")
