"""Cells and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(r) + " |" for r in rows)])


def rate(one: Figures) -> str:
    """A rate with its interval and its counts."""
    if not one["total"]:
        return "-"
    ends = f"{100 * one['low']:.1f} to {100 * one['high']:.1f}"
    return f"{100 * one['value']:.1f} % ({ends}), {one['count']} of {one['total']}"


def share(value: float | None, of: Figures) -> str:
    """A share, and of how many streams."""
    return f"{percent(value)} of {of['streams']} streams"


def percent(value: float | None) -> str:
    """A share in whole percent."""
    return "-" if value is None or value != value else f"{100 * value:.0f} %"


def plain(value: float | None) -> str:
    """A delay; `never` where there is none."""
    return "never" if value is None else f"{value:g}"


def number(value: float | None) -> str:
    """A signed difference."""
    return "-" if value is None else f"{value:+.3f}"


def seeds(seeds: Sequence[int]) -> str:
    """Numbers with commas between."""
    return ", ".join(map(str, seeds))
