"""What a model card is made of, before it is Markdown or HTML, and how its figures read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORDS = {
    "ece": "expected calibration error",
    "mae": "mean absolute error",
    "r2": "R²",
    "rmse": "root mean squared error",
    "roc_auc": "ROC AUC",
    "error_p50": "median absolute error",
    "false_alarm_rate": "false-alarm rate",
    "error_p90": "90 % absolute error",
    "precision_at_k": "precision at k a day",
    "recall_at_false_alarm": "recall at the false-alarm rate",
}
LEAST = 1e-6
"""A size below is told as being below."""
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Title:
    """The card's first line."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A section's."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph; `code` and **strong** words in it."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines, texts as above."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Rows:
    """A table; `title` says what it holds."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A picture beside the card, `name`.png, and what it shows in words."""

    name: str
    text: str


Part = Title | Heading | Text | Bullets | Rows | Picture


def markdown(parts: Iterable[Part]) -> str:
    """The card's text."""
    return "\n\n".join(_markdown(part) for part in parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in lines)


def words(metric: str) -> str:
    """A metric's name as one reads it.

    >>> words("cost_saved")
    'cost saved'
    """
    return WORDS.get(metric, metric.replace("_", " "))


def number(value: float | None) -> str:
    """Four significant digits, without an exponent; a dash for nothing."""
    if value is None or value != value:
        return "–"
    digits = f"{value:.4g}"
    if "e-" in digits:
        return f"{value:.6f}".rstrip("0") if abs(value) >= LEAST else f"<{LEAST:.6f}"
    return f"{value:,.0f}" if abs(value) >= 10_000 or "e+" in digits else digits


def interval(found: Figures) -> str:
    """A figure with its interval, where there is one."""
    if found["low"] is None or found["low"] != found["low"]:
        return number(found["value"])
    return f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"


def percent(share: float | None) -> str:
    """A share with its sign, in per cent; a dash for nothing."""
    return "–" if share is None or share != share else f"{share:+.1%}"


def _markdown(part: Part) -> str:
    match part:
        case Title():
            return f"# {part.text}"
        case Heading():
            return f"## {part.text}"
        case Text():
            return part.text
        case Bullets():
            return "\n".join(f"- {line}" for line in part.lines)
        case Rows():
            return f"{part.title}:\n\n{table(part.head, part.rows)}"
        case Picture():
            return f"![{part.text}]({part.name}.png)"
