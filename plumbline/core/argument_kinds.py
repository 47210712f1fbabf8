"""What a declaration is given, held against the types that its class declares; a list becomes a tuple."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from plumbline.core.errors import SpecError

WORDS: Mapping[type, str] = {
    str: "a text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    type(None): "None",
}
MANY: Mapping[type, str] = {str: "texts", int: "whole numbers"}
OWN = ("allowed", "values", "type", "problem", "aggregate", "expect", "of")
"""Fields whose values are checked with the column or the choices that they belong to."""
NAMES = ("name", "key", "label", "column", "entity", "time")
SHOWN = 60


class Declaration:
    """A part of a use case: its arguments are checked when it is built."""

    def __post_init__(self) -> None:
        check(self)


def check(declaration: Any) -> None:
    """SpecError for the first argument of another kind than declared, with what was expected."""
    own: Any = type(declaration)
    for name, kind in _hints(own).items():
        value = getattr(declaration, name)
        if isinstance(value, list) and get_origin(kind) is tuple:
            value = tuple(value)
            object.__setattr__(declaration, name, value)
        if not (name in OWN and value is not None) and not _fits(value, kind):
            raise SpecError(_message(declaration, name, value, kind))
        if name in NAMES and value is not None and not str(value).strip():
            raise SpecError(_message(declaration, name, value, kind))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _fits(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, get_args(kind)[0]) for v in value)
    if origin is Literal:
        return value in get_args(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        each = get_args(kind)
        return isinstance(value, Mapping) and all(
            _fits(k, each[0]) and _fits(v, each[1]) for k, v in value.items()
        )
    if origin is Callable or origin is not None:
        return callable(value)
    if kind is float:
        return _number(value) and value == value
    return _number(value) and isinstance(value, int) if kind is int else isinstance(value, kind)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _message(declaration: Any, name: str, value: Any, kind: Any) -> str:
    shown = repr(value) if len(repr(value)) <= SHOWN else f"{repr(value)[:SHOWN]}…"
    own = getattr(declaration, "name", None) if name != "name" else None
    which = type(declaration).__name__ + (f" '{own}'" if isinstance(own, str) else "")
    return f"{which}: {name} is {shown}; expected {_words(kind)}{_comma(value, kind)}."


def _words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(one) for one in get_args(kind)))
    if origin is tuple:
        return f"a tuple, each element {_words(get_args(kind)[0])}"
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if origin is not None:
        return (
            f"a mapping of texts to {MANY[get_args(kind)[1]]}" if _mapping(origin) else "a function"
        )
    return WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")


def _mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _comma(value: Any, kind: Any) -> str:
    """The remedy for ("a") in place of ("a",)."""
    one = get_origin(kind) is tuple and _fits(value, get_args(kind)[0])
    return (
        f": ({value!r},), with the comma"
        if one and isinstance(value, str)
        else (". A tuple of one element needs a comma: (one,)" if one else "")
    )
