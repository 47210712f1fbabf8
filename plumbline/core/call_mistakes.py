"""What Python says of a declaration that is called wrongly, in words that name the choices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields

from plumbline.core import declarations, usecase
from plumbline.core.errors import suggest

CLASSES: Mapping[str, type] = {
    name: value
    for module in (declarations, usecase)
    for name, value in vars(module).items()
    if isinstance(value, type) and hasattr(value, "__dataclass_fields__")
}
"""The classes that a use case declares with, by name."""

CALL = re.compile(r"(\w+)\.__init__\(\) (.*)")
UNKNOWN = re.compile(r"got an unexpected keyword argument '(\w+)'")
MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: (.*)")
SURPLUS = re.compile(r"takes .* positional arguments? .* (?:was|were) given")


def explain(error: BaseException) -> str | None:
    """The message for a call of a declaration, or for a name that is none; None for other mistakes.

    >>> explain(TypeError("Entity.__init__() got an unexpected keyword argument 'colum'"))
    "Entity has no 'colum'; did you mean 'column'?"
    """
    if isinstance(error, NameError) and error.name:
        hint = suggest(error.name, CLASSES)
        return f"there is no {error.name}; {hint}" if hint.startswith("did") else None
    call = CALL.match(str(error)) if isinstance(error, TypeError) else None
    if call is None or call[1] not in CLASSES:
        return None
    name, choices = call[1], [f.name for f in fields(CLASSES[call[1]])]
    for pattern, words in _WORDS.items():
        if match := pattern.match(call[2]):
            return words(name, match, choices)
    return None


def _unknown(name: str, match: re.Match[str], choices: list[str]) -> str:
    return f"{name} has no '{match[1]}'; {suggest(match[1], choices)}"


def _missing(name: str, match: re.Match[str], choices: list[str]) -> str:
    return f"{name} needs {match[1]}; it takes {', '.join(choices)}"


def _surplus(name: str, match: re.Match[str], choices: list[str]) -> str:
    return f"{name} {match[0]}; name them: it takes {', '.join(choices)}"


_WORDS: Mapping[re.Pattern[str], Callable[[str, re.Match[str], list[str]], str]] = {
    UNKNOWN: _unknown,
    MISSING: _missing,
    SURPLUS: _surplus,
}
