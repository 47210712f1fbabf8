"""The page's parts about columns: a table of the worst, distributions then and now, segments. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from plumbline.monitoring import charts, words
from plumbline.monitoring.words import Found
from plumbline.plain import one_line
from plumbline.review import sheet
from plumbline.review.summary import figure

WORST = 8
"""Columns shown; the others are folded away."""
SEGMENTS = 30
HEAD = (
    "column",
    "used by the model",
    "PSI",
    "noise",
    "empty then",
    "empty now",
    "unseen",
    "outside",
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
    grave = {f.get("column"): words.LEVELS.index(f["level"]) for f in _graded(found)}
    ordered = sorted(told, key=lambda c: _worst(c, grave))
    numbers = frozenset(range(1, len(HEAD)))
    rows = [_row(c) for c in ordered]
    shown = sheet.table("Drift by column", HEAD, rows[:WORST], numbers)
    if len(rows) <= WORST:
        return shown
    rest = sheet.table("The other columns", HEAD, rows[WORST:], numbers)
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
    return KEY + sheet.table(title, head, rows[:SEGMENTS], frozenset((3, 4)))


def _card(told: Found) -> str:
    name = one_line(told.get("name") or "a column", 80)
    kind = one_line(told.get("kind") or "")
    bins = [one_line(b, 60) for b in told.get("bins") or []]
    then, now = (_shares(told.get(k), len(bins)) for k in ("reference", "current"))
    most = max((*then, *now), default=0.0)
    rows = [
        (b, charts.pair(t, n, most), f"{t:.1%}", f"{n:.1%}")
        for b, t, n in zip(bins, then, now, strict=True)
    ]
    if not rows:
        return f"<figure><figcaption>{escape(name)}</figcaption><p>No values to show.</p></figure>"
    head = ("hour" if kind == "time" else "value", "bars", "then", "now")
    title = f"{name} ({kind})" if kind else name
    return f"<figure>{sheet.table(title, head, rows, frozenset((2, 3)))}</figure>"


def _row(told: Found) -> tuple[str, ...]:
    name = one_line(told.get("name") or "", 80)
    used = _percent(told.get("importance"))
    if told.get("problem"):
        return (name, used, one_line(told["problem"]), *["–"] * (len(HEAD) - 3))
    return (
        name,
        used,
        figure(told.get("psi")),
        figure(told.get("psi_noise")),
        *(_percent(told.get(k)) for k in ("null_reference", "null_current", "unseen", "outside")),
    )


def _segment(told: Found, most: float) -> tuple[str, ...]:
    then, now = _share(told, "reference"), _share(told, "current")
    names = (one_line(told.get("column") or "", 80), one_line(told.get("value"), 80))
    return (*names, charts.pair(then, now, most), f"{then:.1%}", f"{now:.1%}")


def _worst(told: Found, grave: Mapping[Any, int]) -> tuple[Any, ...]:
    excess = (told.get("psi") or 0.0) - (told.get("psi_noise") or 0.0)
    name = told.get("name")
    return (-grave.get(name, -1), -bool(told.get("problem")), -excess, str(name))


def _graded(found: Found) -> Sequence[Found]:
    """The findings, the gravest of a column last."""
    known = [f for f in found.get("findings") or [] if f.get("level") in words.LEVELS]
    return sorted(known, key=lambda f: words.LEVELS.index(f["level"]))


def _shares(values: Any, count: int) -> list[float]:
    """As many shares as there are bins, 0 for what is not known."""
    known = [float(v) if isinstance(v, (int, float)) else 0.0 for v in values or []]
    return (known + [0.0] * count)[:count]


def _share(told: Found, key: str) -> float:
    value = told.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _percent(value: Any) -> str:
    return f"{value:.1%}" if isinstance(value, (int, float)) else "–"
