"""Where the lines and bars of a page's SVG drawings lie; every word beside them stays text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.report import columns
from plumbline.report.blocks import Badge, Bars, LineChart, Number, Pair
from plumbline.report.numbers import figure

WIDTH, HEIGHT = 1000, 100
"""Of a line chart's own units; it stretches to the page."""
BARS, BAR, GAP, LABEL, VALUE = 640, 11, 8, 220, 60
COLOURS = {"good": "#116329", "plain": "#9a6700", "bad": "#a40e26"}


@dataclass(frozen=True)
class LineGeometry:
    """A line chart: runs of points, polygons of the interval, a strip of (x, width, height).

    `scale` and `ends`: a tick's text, and its place from the top and from the left, in per cent.
    """

    scale: Sequence[tuple[str, str]]
    summary: str
    bands: Sequence[str]
    lines: Sequence[Sequence[str]]
    strip: Sequence[tuple[str, str, float]]
    ends: Sequence[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class BarGeometry:
    """A bar of one side: its box, and its figure behind it."""

    side: str
    x: int
    y: int
    width: str
    height: int
    text: str
    text_x: str
    text_y: int


@dataclass(frozen=True)
class BarRow:
    """A label, and the two bars beside it."""

    label: str
    text_y: int
    bars: Sequence[BarGeometry]


@dataclass(frozen=True)
class BarsGeometry:
    """A bar chart: its size and its rows."""

    width: int
    height: int
    rows: Sequence[BarRow]


def line(chart: LineChart) -> LineGeometry | None:
    """One line over the days, with its interval; below it, how much is known of each day.

    None where no value is known.
    """
    known = [v for v in (*chart.values, *chart.low, *chart.high) if v is not None]
    if not known:
        return None
    low, high = _range(known)
    return LineGeometry(
        scale=_scale(known, low, high),
        summary=_summary(chart.days, chart.values),
        bands=_bands(chart, low, high),
        lines=[
            [_point(i, chart.values[i], len(chart.days), low, high) for i in run]
            for run in _runs(chart.values)
        ],
        strip=_strip(chart.weight),
        ends=_ends(chart.days),
    )


def pair(cell: Pair) -> list[tuple[str, str]]:
    """The two bars' classes and widths in per cent."""
    sizes = (("reference", cell.reference), ("current", cell.current))
    return [(name, f"{100 * min(1.0, max(0.0, size)):.1f}") for name, size in sizes]


def bars(chart: Bars) -> BarsGeometry:
    """Two bars per label, each with its figure."""
    longest = max((abs(v) for v in (*chart.base, *chart.head)), default=0.0) or 1.0
    step, texts = 2 * BAR + GAP, columns.figures([*chart.base, *chart.head])
    rows = [
        BarRow(
            label=label[:36],
            text_y=i * step + BAR + 4,
            bars=[
                _bar(
                    side, i * step + place * BAR, size / longest, texts[i + place * len(chart.base)]
                )
                for place, (side, size) in enumerate((("base", abs(base)), ("head", abs(head))))
            ],
        )
        for i, (label, base, head) in enumerate(
            zip(chart.labels, chart.base, chart.head, strict=True)
        )
    ]
    return BarsGeometry(BARS, len(rows) * step, rows)


def badge(block: Badge) -> dict[str, str | int]:
    """The badge's texts, widths and colour."""
    return {
        "label": block.label,
        "value": block.value,
        "left": 7 * len(block.label) + 9,
        "right": 7 * len(block.value) + 16,
        "colour": COLOURS[block.tone],
    }


def _bar(side: str, top: int, share: float, text: str) -> BarGeometry:
    width = share * (BARS - LABEL - VALUE)
    return BarGeometry(
        side=side,
        x=LABEL,
        y=top,
        width=f"{width:.1f}",
        height=BAR - 1,
        text=text,
        text_x=f"{LABEL + width + 4:.1f}",
        text_y=top + BAR - 2,
    )


def _strip(weight: Sequence[Number]) -> list[tuple[str, str, float]]:
    """A column per day, as high as the share that is known."""
    step = WIDTH / max(len(weight), 1)
    return [
        (f"{i * step + step * 0.1:.1f}", f"{step * 0.8:.1f}", 20 * share)
        for i, share in enumerate(weight)
        if share
    ]


def _ends(days: Sequence[str]) -> list[tuple[str, str]]:
    """The first, middle and last day, each below its point."""
    places = sorted({0, len(days) // 2, len(days) - 1})
    return [(days[i], f"{100 * (i + 0.5) / len(days):.2f}") for i in places]


def _scale(known: Sequence[float], low: float, high: float) -> list[tuple[str, str]]:
    """Ticks at the greatest and the least value that is drawn, and halfway."""
    least, most = min(known), max(known)
    ticks = dict.fromkeys((most, (least + most) / 2, least))
    texts = columns.figures(list(ticks))
    return [
        (t, f"{100 * (high - v) / (high - low):.2f}") for t, v in zip(texts, ticks, strict=True)
    ]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _runs(values: Sequence[Number]) -> list[list[int]]:
    """Places of values in a row, without a gap."""
    runs: list[list[int]] = []
    for i, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _bands(chart: LineChart, low: float, high: float) -> list[str]:
    """A polygon for each run of days of which both ends of the interval are known."""
    both = [v if u is not None else None for u, v in zip(chart.low, chart.high, strict=True)]
    bands, count = [], len(chart.days)
    for run in _runs(both):
        upper = [_point(i, chart.high[i], count, low, high) for i in run]
        lower = [_point(i, chart.low[i], count, low, high) for i in reversed(run)]
        bands.append(" ".join(upper + lower))
    return bands


def _point(place: int, value: Number, count: int, low: float, high: float) -> str:
    x = WIDTH * (place + 0.5) / count
    y = HEIGHT * (high - (value or 0.0)) / (high - low)
    return f"{x:.1f},{y:.1f}"


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _summary(days: Sequence[str], values: Sequence[Number]) -> str:
    """First, last, lowest and highest, for whoever does not see the drawing."""
    known = [(d, v) for d, v in zip(days, values, strict=True) if v is not None]
    if not known:
        return "no value"
    ends = [f"{d} {figure(_short(v))}" for d, v in (known[0], known[-1])]
    lowest, highest = (figure(_short(f(v for _, v in known))) for f in (min, max))
    return f"{' to '.join(dict.fromkeys(ends))}; lowest {lowest}, highest {highest}"
