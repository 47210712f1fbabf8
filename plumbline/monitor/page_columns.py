"""The page's sections on columns: drift, distributions of reference and current window, segments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.core.safe_text import one_line
from plumbline.monitor.result import ColumnDistribution, ColumnReport, SegmentShare
from plumbline.monitor.sentences import SHAPES
from plumbline.monitor.verdict import LEVELS
from plumbline.report import columns as numbers
from plumbline.report.blocks import Block, Cards, Fold, Legend, Pair, Table, Text
from plumbline.report.numbers import share

SHOWN = 8
"""Columns that are not folded away."""
SEGMENTS = 30
HEAD = (
    "column",
    "level",
    "importance",
    "with its features",
    "PSI",
    "shift",
    "null, reference",
    "null, current",
)
TERMS = (
    "PSI, the population stability index, says how far the distribution has moved: 0 is not at all. "
    "The shift is that of the values' rank, in standard deviations. Importance is the share of the "
    "model's gain: the column's own, and that of it and of the features that read it."
)
SIDES = ("reference", "current")
LEGEND = Legend(*SIDES)


def columns(reports: Sequence[ColumnReport]) -> Iterator[Block]:
    """The drift of each column, the most severe first."""
    if not reports:
        yield Text("This verdict holds no figures of single columns.")
        return
    yield Text(TERMS)
    rows = _rows(sorted(reports, key=_severity))
    right = frozenset(range(2, len(HEAD)))
    yield Table("Drift by column", HEAD, rows[:SHOWN], right)
    if len(rows) > SHOWN:
        other = Table("The other columns", HEAD, rows[SHOWN:], right)
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


def _rows(reports: Sequence[ColumnReport]) -> list[tuple[str, ...]]:
    sized = [None if c.problem else c for c in reports]
    cells = [
        numbers.figures([c.importance for c in reports], percent=True),
        numbers.figures([c.reach for c in reports], percent=True),
        numbers.figures([c and c.psi for c in sized]),
        numbers.figures([c and c.shift for c in sized]),
        numbers.figures([c and c.null_reference for c in sized], percent=True),
        numbers.figures([c and c.null_current for c in sized], percent=True),
    ]
    return [_row(c, texts) for c, *texts in zip(reports, *cells, strict=True)]


def _row(column: ColumnReport, texts: list[str]) -> tuple[str, ...]:
    start = (one_line(column.name, 80), f"{SHAPES[column.level]} {column.level}")
    if column.problem:
        return (*start, *texts[:2], one_line(column.problem, 80), *texts[3:])
    return (*start, *texts)


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
