"""The page's sections on columns: drift, distributions of reference and current window, segments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.sentences import Document, mark
from plumbline.monitor.verdict import LEVELS
from plumbline.report.blocks import Block, Cards, Fold, Legend, Pair, Table, Text
from plumbline.report.numbers import NONE, figure, share

SHOWN = 8
"""Columns that are not folded away."""
SEGMENTS = 30
HEAD = (
    "column",
    "level",
    "importance",
    "with derived features",
    "PSI",
    "shift",
    "null, reference",
    "null, current",
)
SIDES = ("reference", "current")
LEGEND = Legend(*SIDES)


def columns(document: Document) -> Iterator[Block]:
    """The drift of each column, the most severe first."""
    drifts = document.get("columns") or []
    if not drifts:
        yield Text("This verdict holds no figures of single columns.")
        return
    rows = [_row(c) for c in sorted(drifts, key=_severity)]
    numbers = frozenset(range(2, len(HEAD)))
    yield Table("Drift by column", HEAD, rows[:SHOWN], numbers)
    if len(rows) > SHOWN:
        other = Table("The other columns", HEAD, rows[SHOWN:], numbers)
        yield Fold(f"{len(rows) - SHOWN} more columns", [other])


def distributions(document: Document) -> Iterator[Block]:
    """The shares of the values of the columns that drifted most."""
    shown = document.get("distributions") or []
    if not shown:
        yield Text("This verdict holds no distributions.")
        return
    yield LEGEND
    yield Cards(list(map(_card, shown)))


def segments(document: Document) -> Iterator[Block]:
    """How the mix of segments has changed, the largest changes first."""
    shown = document.get("segments") or []
    if not shown:
        yield Text("This verdict holds no segments.")
        return
    ordered = sorted(
        shown, key=lambda s: (-abs(_share(s, "current") - _share(s, "reference")), str(s))
    )
    longest = max(_share(s, side) for s in shown for side in SIDES)
    rows = [_segment(s, longest) for s in ordered]
    most = f", the {SEGMENTS} with the largest change" if len(rows) > SEGMENTS else ""
    yield LEGEND
    head = ("column", "value", "bars", *SIDES)
    yield Table(f"Shares of the rows{most}", head, rows[:SEGMENTS], frozenset((3, 4)))


def _card(column: Document) -> Table:
    name = one_line(column.get("name") or "a column", 80)
    kind = one_line(column.get("kind") or "")
    bins = [one_line(b, 60) for b in column.get("bins") or []]
    shares = [_shares(column.get(side), len(bins)) for side in SIDES]
    longest = max((one for side in shares for one in side), default=0.0)
    rows = [
        (label, _pair(before, now, longest), share(before), share(now))
        for label, before, now in zip(bins, *shares, strict=True)
    ]
    head = ("hour" if kind == "time" else "value", "bars", *SIDES)
    return Table(f"{name} ({kind})" if kind else name, head, rows, frozenset((2, 3)))


def _row(column: Document) -> tuple[str, ...]:
    level = sentences.level(column, "ok")
    start = (one_line(column.get("name") or "", 80), f"{mark(level)} {level}")
    used = [share(column.get(key)) for key in ("importance", "reach")]
    if column.get("problem"):
        return (*start, *used, one_line(column["problem"], 80), NONE, NONE, NONE)
    moved = [figure(column.get(key)) for key in ("psi", "shift")]
    empty = [share(column.get(key)) for key in ("null_reference", "null_current")]
    return (*start, *used, *moved, *empty)


def _segment(segment: Document, longest: float) -> tuple[str | Pair, ...]:
    before, now = (_share(segment, side) for side in SIDES)
    names = (one_line(segment.get("column") or "", 80), one_line(segment.get("value"), 80))
    return (*names, _pair(before, now, longest), share(before), share(now))


def _pair(before: float, now: float, longest: float) -> Pair:
    return Pair(before / (longest or 1.0), now / (longest or 1.0))


def _severity(column: Document) -> tuple[Any, ...]:
    """Gravest first, then what cannot be compared, then the largest PSI."""
    level = -LEVELS.index(sentences.level(column, "ok"))
    return (level, not column.get("problem"), -(column.get("psi") or 0.0), str(column.get("name")))


def _shares(values: Sequence[Any] | None, count: int) -> list[float]:
    """As many shares as there are bins, 0 for what is not known."""
    known = [float(v) if isinstance(v, (int, float)) else 0.0 for v in values or []]
    return (known + [0.0] * count)[:count]


def _share(segment: Document, key: str) -> float:
    value = segment.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0
