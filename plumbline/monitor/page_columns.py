"""The page's parts about columns: a table of the worst, distributions then and now, segments. Pure."""

from __future__ import annotations

from html import escape
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.monitor.sentences import MARKS, Found
from plumbline.monitor.verdict import LEVELS
from plumbline.report import html_page, svg_charts
from plumbline.report.numbers import figure

WORST = 8
"""Columns shown; the others are folded away."""
SEGMENTS = 30
HEAD = (
    "column",
    "verdict",
    "used by the model",
    "with its features",
    "PSI",
    "shift",
    "empty then",
    "empty now",
)
KEY = (
    '<p><span class="key then"></span>upper bar: then (reference) '
    '<span class="key now"></span>lower bar: now</p>'
)


def columns(found: Found) -> str:
    """What has moved, with what noise explains."""
    told = found.get("columns") or []
    if not told:
        return "<p>This verdict holds no figures of single columns.</p>"
    rows = [_row(c) for c in sorted(told, key=_worst)]
    numbers = frozenset(range(2, len(HEAD)))
    shown = html_page.table("Drift by column", HEAD, rows[:WORST], numbers)
    if len(rows) <= WORST:
        return shown
    rest = html_page.table("The other columns", HEAD, rows[WORST:], numbers)
    more = f"<summary>{len(rows) - WORST} more columns</summary>"
    return f"{shown}\n<details>{more}\n{rest}\n</details>"


def distributions(found: Found) -> str:
    """The shares of each worst column's values, then and now."""
    told = found.get("distributions") or []
    if not told:
        return "<p>This verdict holds no distributions.</p>"
    return f'{KEY}\n<div class="cards">{"".join(map(_card, told))}</div>'


def segments(found: Found) -> str:
    """How the mix of what comes in has changed, the largest changes first."""
    told = found.get("segments") or []
    if not told:
        return "<p>This verdict holds no segments.</p>"
    ordered = sorted(
        told, key=lambda s: (-abs(_share(s, "current") - _share(s, "reference")), str(s))
    )
    most = max(_share(s, k) for s in told for k in ("reference", "current"))
    rows = [_segment(s, most) for s in ordered]
    title = "Shares of the rows" + (
        f", the {SEGMENTS} that changed most" if len(rows) > SEGMENTS else ""
    )
    head = ("column", "value", "bars", "then", "now")
    return KEY + html_page.table(title, head, rows[:SEGMENTS], frozenset((3, 4)))


def _card(told: Found) -> str:
    name = one_line(told.get("name") or "a column", 80)
    kind = one_line(told.get("kind") or "")
    bins = [one_line(b, 60) for b in told.get("bins") or []]
    then, now = (_shares(told.get(k), len(bins)) for k in ("reference", "current"))
    most = max((*then, *now), default=0.0)
    rows = [
        (b, svg_charts.pair(t, n, most), f"{t:.1%}", f"{n:.1%}")
        for b, t, n in zip(bins, then, now, strict=True)
    ]
    if not rows:
        return f"<figure><figcaption>{escape(name)}</figcaption><p>No values to show.</p></figure>"
    head = ("hour" if kind == "time" else "value", "bars", "then", "now")
    title = f"{name} ({kind})" if kind else name
    return f"<figure>{html_page.table(title, head, rows, frozenset((2, 3)))}</figure>"


def _row(told: Found) -> tuple[str, ...]:
    level = _level(told)
    start = (one_line(told.get("name") or "", 80), f"{MARKS[level]} {level}")
    used = [_percent(told.get(key)) for key in ("importance", "reach")]
    if told.get("problem"):
        return (*start, *used, one_line(told["problem"], 80), "–", "–", "–")
    moved = [figure(told.get(key)) for key in ("psi", "shift")]
    empty = [_percent(told.get(key)) for key in ("null_reference", "null_current")]
    return (*start, *used, *moved, *empty)


def _segment(told: Found, most: float) -> tuple[str, ...]:
    then, now = _share(told, "reference"), _share(told, "current")
    names = (one_line(told.get("column") or "", 80), one_line(told.get("value"), 80))
    return (*names, svg_charts.pair(then, now, most), f"{then:.1%}", f"{now:.1%}")


def _worst(told: Found) -> tuple[Any, ...]:
    """Gravest first, then what cannot be compared, then what moved most."""
    level = -LEVELS.index(_level(told))
    return (level, not told.get("problem"), -(told.get("psi") or 0.0), str(told.get("name")))


def _level(told: Found) -> str:
    return str(told["level"]) if told.get("level") in LEVELS else "ok"


def _shares(values: Any, count: int) -> list[float]:
    """As many shares as there are bins, 0 for what is not known."""
    known = [float(v) if isinstance(v, (int, float)) else 0.0 for v in values or []]
    return (known + [0.0] * count)[:count]


def _share(told: Found, key: str) -> float:
    value = told.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _percent(value: Any) -> str:
    return f"{value:.1%}" if isinstance(value, (int, float)) else "–"
