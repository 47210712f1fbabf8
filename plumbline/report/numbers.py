"""A comparison's verdict in one line of plain text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAID = {
    "yes": "May be merged",
    "no": "Not to be merged",
    "overridden": "May be merged by an override",
    "failed": "FAILED",
}


def verdict(found: Mapping[str, Any]) -> str:
    """The line that a report begins with."""
    gate = found["gate"]
    said = SAID.get(gate["verdict"], str(gate["verdict"]))
    if gate["verdict"] == "failed":
        return f"{said}: {reason(gate['reasons'][0])}"
    if gate["verdict"] == "no":
        count = len(gate["reasons"])
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"{said}: {reason(gate['reasons'][0])}{more}"
    if gate["verdict"] == "overridden":
        return f"{said}: {'; '.join(f'{n}: {why}' for n, why in gate['overrides'].items())}"
    return f"{said}: {_good(found)}"


def reason(told: Mapping[str, Any]) -> str:
    """A reason, its use case first."""
    return f"{told['usecase']}: {told['text']}" if told.get("usecase") else str(told["text"])


def figure(value: Any) -> str:
    """A number in four significant digits; a dash for none; anything else as text.

    >>> figure(0.123456), figure(61270), figure(None)
    ('0.1235', '61,270', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{int(value):,}"


def signed(value: Any) -> str:
    """A difference in four significant digits, with its sign.

    >>> signed(0.5), signed(None)
    ('+0.5', '–')
    """
    return "–" if not isinstance(value, (int, float)) else f"{value:+.4g}"


def _good(found: Mapping[str, Any]) -> str:
    words = {name: _word(case) for name, case in found["usecases"].items()}
    if not words:
        return "no use case's outputs changed"
    return "; ".join(f"{name}: {word}" for name, word in words.items())


def _word(case: Mapping[str, Any]) -> str:
    result = case["base"].get("head")
    if not result:
        return "new, nothing to compare with"
    if result.get("same"):
        return "the same model"
    if not result["comparable"]:
        return "not comparable"
    found = result["metrics"][case["primary"]]
    apart = found["difference"]
    numbers = f"{figure(found['base'])} → {figure(found['head'])}"
    return f"{case['primary']} {apart['word']} ({numbers})"
