"""GitHub's expressions, `${{ ... }}`: the kinds that the workflows use; anything else is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

INNER = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\*))*)|(?P<sign>==|!=|&&|\|\||[!(),\[\]]))"
)
STATUS = re.compile(r"\b(always|cancelled|success|failure)\s*\(")
WORDS = {"true": True, "false": False, "null": None}


class Refused(AssertionError):  # noqa: N818 (what the rehearsal does with the unknown)
    """A workflow uses something that the rehearsal does not know."""


def fill(text: Any, contexts: Mapping[str, Any]) -> Any:
    """A value of a workflow with its expressions evaluated; a text that is one expression keeps its type."""
    if isinstance(text, dict):
        return {key: fill(value, contexts) for key, value in text.items()}
    if not isinstance(text, str):
        return text
    whole = INNER.fullmatch(text.strip())
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], contexts)
    return INNER.sub(lambda match: as_text(evaluate(match[1], contexts)), text)


def condition(text: Any, contexts: Mapping[str, Any]) -> bool:
    """An `if:`; without a status function in it, only where nothing has failed."""
    inner = INNER.fullmatch(str(text).strip())
    expression = inner[1] if inner else str(text)
    result = truth(evaluate(expression, contexts))
    return result and (bool(STATUS.search(expression)) or contexts["status"]["success"])


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """One expression's value."""
    parser = Parser(tokens(expression), contexts)
    value = parser.either()
    if parser.left:
        raise Refused(f"expression '{expression.strip()}': not understood at {parser.left[0]}")
    return value


def tokens(expression: str) -> list[tuple[str, str]]:
    result, at, text = [], 0, expression.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Refused(f"expression '{text}': not understood at '{text[at:]}'")
        result.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return result


class Parser:
    """Or, and, not, comparison, value: from the loosest to the tightest."""

    def __init__(self, left: list[tuple[str, str]], contexts: Mapping[str, Any]) -> None:
        self.left, self.contexts = left, contexts

    def take(self, *signs: str) -> str:
        """The next sign, if it is one of these."""
        if self.left and self.left[0][0] == "sign" and self.left[0][1] in signs:
            return self.left.pop(0)[1]
        return ""

    def either(self) -> Any:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.take("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.single()
        while sign := self.take("==", "!="):
            value = same(value, self.single()) == (sign == "==")
        return value

    def single(self) -> Any:
        if self.take("!"):
            return not truth(self.single())
        if self.take("("):
            value = self.either()
            assert self.take(")"), "a bracket is not closed"
            return value
        if not self.left:
            raise Refused("expression: ends too early")
        kind, text = self.left.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "name":
            return self.call(text) if self.take("(") else self.looked_up(text)
        raise Refused(f"expression: not understood at '{text}'")

    def call(self, name: str) -> Any:
        arguments = []
        while not self.take(")"):
            arguments.append(self.either())
            self.take(",")
        if name in ("always", "cancelled", "success", "failure"):
            return self.contexts["status"][name]
        if name not in FUNCTIONS:
            raise Refused(f"expression: function {name} is unknown")
        return FUNCTIONS[name](*arguments)

    def looked_up(self, dotted: str) -> Any:
        if dotted in WORDS:
            return WORDS[dotted]
        first, *rest = dotted.split(".")
        if first not in self.contexts or first == "status":
            raise Refused(f"expression: context '{first}' is unknown")
        value = self.contexts[first]
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def same(one: Any, other: Any) -> bool:
    """Texts whatever their case; nothing is as an empty text."""
    one, other = ("" if v is None else v for v in (one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return bool(one == other)


def as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise Refused(f"expression: an object in a text: {value}")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": lambda whole, part: (
        as_text(part).lower() in as_text(whole).lower() if isinstance(whole, str) else part in whole
    ),
    "startsWith": lambda whole, part: as_text(whole).lower().startswith(as_text(part).lower()),
    "endsWith": lambda whole, part: as_text(whole).lower().endswith(as_text(part).lower()),
    "format": lambda text, *values: re.sub(
        r"\{(\d+)\}", lambda m: as_text(values[int(m[1])]), text
    ),
    "toJSON": lambda value: json.dumps(value, indent=2),
    "fromJSON": lambda text: json.loads(text),
}
