"""Declarations as Python source, laid out as the formatter does. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

WIDTH = 100
INDENT = "    "


def literal(value: Any) -> str:
    """A value as source, texts in double quotes.

    >>> literal('a "b"'), literal((1,)), literal(6200.0), literal(0.5)
    ('\\'a "b"\\'', '(1,)', '6200.0', '0.5')
    """
    if isinstance(value, str):
        if '"' in value and "'" not in value and "\\" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def declaration(value: Any) -> str:
    """A declaration's call in one line: what is required by place, the rest by name where not the default."""
    words = []
    for one in fields(value):
        given = getattr(value, one.name)
        if one.default is MISSING and one.default_factory is MISSING:
            words.append(literal(given))
        elif given != one.default:
            words.append(f"{one.name}={literal(given)}")
    return call(type(value).__name__, words)


def call(name: str, words: Sequence[str]) -> str:
    return f"{name}({', '.join(words)})"


def laid_out(text: str, depth: int, end: str = ",") -> str:
    """A call at a depth of indentation: in one line where it fits, else an argument per line."""
    pad = INDENT * depth
    if len(pad) + len(text) + len(end) <= WIDTH:
        return f"{pad}{text}{end}"
    name, _, rest = text.partition("(")
    words = split_words(rest[:-1])
    joined = ", ".join(words)
    inner = pad + INDENT
    if len(inner) + len(joined) <= WIDTH and name:
        return f"{pad}{name}(\n{inner}{joined}\n{pad}){end}"
    lines = [_word(w, depth + 1) for w in words]
    return "\n".join([f"{pad}{name}(", *lines, f"{pad}){end}"])


def _word(word: str, depth: int) -> str:
    """An argument on its own line; a tuple that is too long is laid out, too."""
    pad = INDENT * depth
    head, sign, value = word.partition("=(")
    if len(pad) + len(word) + 1 <= WIDTH or not (sign or word.startswith("(")):
        return f"{pad}{word},"
    opening = f"{head}=" if sign else ""
    inner = split_words((value if sign else word[1:])[:-1])
    lines = [f"{pad}{INDENT}{w}," for w in inner]
    return "\n".join([f"{pad}{opening}(", *lines, f"{pad}),"])


def split_words(text: str) -> list[str]:
    """Arguments between commas outside of brackets and quotes.

    >>> split_words('"a, b", (1, 2), x=3')
    ['"a, b"', '(1, 2)', 'x=3']
    """
    words, depth, quoted, start, place = [], 0, "", 0, 0
    while place < len(text):
        character = text[place]
        if quoted:
            place += character == "\\"
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            words.append(text[start:place].strip())
            start = place + 1
        place += 1
    return [w for w in [*words, text[start:].strip()] if w]


def comment(text: str, depth: int) -> list[str]:
    """A comment's lines."""
    pad = INDENT * depth
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=f"{pad}# ",
        subsequent_indent=f"{pad}# ",
        break_on_hyphens=False,
    )


def mapping(name: str, values: Mapping[str, str]) -> list[str]:
    """A constant that maps names to texts."""
    lines = [f"{name} = {{"]
    for key, value in values.items():
        line = f"{INDENT}{literal(key)}: {literal(value)},"
        lines.append(
            line
            if len(line) <= WIDTH
            else f"{INDENT}{literal(key)}: (\n{_pieces(value)}\n{INDENT}),"
        )
    return [*lines, "}"]


def _pieces(value: str) -> str:
    pieces = textwrap.wrap(
        value, WIDTH - 16, drop_whitespace=False, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(f"{INDENT * 2}{literal(p)}" for p in pieces)


def docstring(text: str) -> str:
    """A text that cannot end a docstring or escape from it."""
    plain = " ".join(text.replace("\\", "/").replace('"', "'").split())
    return "".join(c for c in plain if c.isprintable())
