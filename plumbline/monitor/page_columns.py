"""The page's sections on columns: drift, distributions of reference and current window, segments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.core.safe_text import one_line
from plumbline.monitor.result import ColumnDistribution, ColumnReport, SegmentShare
from plumbline.monitor.sentences import SHAPES
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


def columns(reports: Sequence[ColumnReport]) -> Iterator[Block]:
    """The drift of each column, the most severe first."""
    if not reports:
        yield Text("This verdict holds no figures of single columns.")
        return
    rows = [_row(c) for c in sorted(reports, key=_severity)]
    numbers = frozenset(range(2, len(HEAD)))
    yield Table("Drift by column", HEAD, rows[:SHOWN], numbers)
    if len(rows) > SHOWN:
        other = Table("The other columns", HEAD, rows[SHOWN:], numbers)
        yield Fold(f"{len(rows) - SHOWN} more columns", [other])


def distributions(shown: Sequence[ColumnDistribution]) -> Iterator[Block]:
    """The shares of the values of the columns that drifted most."""
    if not shown:
        yield Text("This verdict holds no distributions.")
        return
    yield LEGEND
    yield Cards(list(map(_card, shown)))


def segments(shown: Sequence[SegmentShare]) -> Iterator[Block]:
    """How the mix of segments has changed, the largest changes first."""
    if not shown:
        yield Text("This verdict holds no segments.")
        return
    ordered = sorted(shown, key=lambda s: (-abs(s.current - s.reference), s.column, s.value))
    longest = max(max(s.current, s.reference) for s in shown)
    rows = [_segment(s, longest) for s in ordered]
    most = f", the {SEGMENTS} with the largest change" if len(rows) > SEGMENTS else ""
    yield LEGEND
    head = ("column", "value", "bars", *SIDES)
    yield Table(f"Shares of the rows{most}", head, rows[:SEGMENTS], frozenset((3, 4)))


def _card(column: ColumnDistribution) -> Table:
    longest = max((*column.reference, *column.current), default=0.0)
    rows = [
        (one_line(label, 60), _pair(before, now, longest), share(before), share(now))
        for label, before, now in zip(column.bins, column.reference, column.current, strict=True)
        if before or now
    ]
    kind = one_line(column.kind)
    head = ("hour" if kind == "time" else "value", "bars", *SIDES)
    return Table(f"{one_line(column.name, 80)} ({kind})", head, rows, frozenset((2, 3)))


def _row(column: ColumnReport) -> tuple[str, ...]:
    start = (
        one_line(column.name, 80),
        f"{SHAPES[column.level]} {column.level}",
        share(column.importance),
        share(column.reach),
    )
    if column.problem:
        return (*start, one_line(column.problem, 80), NONE, NONE, NONE)
    moved = (figure(column.psi), figure(column.shift))
    return (*start, *moved, share(column.null_reference), share(column.null_current))


def _segment(segment: SegmentShare, longest: float) -> tuple[str | Pair, ...]:
    before, now = segment.reference, segment.current
    names = (one_line(segment.column, 80), one_line(segment.value, 80))
    return (*names, _pair(before, now, longest), share(before), share(now))


def _pair(before: float, now: float, longest: float) -> Pair:
    return Pair(before / (longest or 1.0), now / (longest or 1.0))


def _severity(column: ColumnReport) -> tuple[int, bool, float, str]:
    """Most severe first, then what cannot be compared, then the largest PSI."""
    level = -LEVELS.index(column.level)
    return (level, not column.problem, -(column.psi or 0.0), column.name)
