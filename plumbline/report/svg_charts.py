"""Charts of the monitor's page: lines and bars as SVG that stretches, every word beside it as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from plumbline.report.html_page import Markup
from plumbline.report.numbers import figure

WIDTH, HEIGHT = 1000, 100
"""Of the drawing's own units; it stretches to the page."""
Point = float | None


@dataclass(frozen=True)
class Series:
    """A value per day, None where there is none; `low` and `high` its interval, `weight` 0 to 1 its maturity."""

    values: Sequence[Point]
    low: Sequence[Point] = ()
    high: Sequence[Point] = ()
    weight: Sequence[Point] = ()


def line(title: str, days: Sequence[str], series: Series) -> str:
    """One line over the days, with its band; below it, how much is known of each day."""
    there = [v for v in (*series.values, *series.low, *series.high) if v is not None]
    if not there:
        return ""
    low, high = _range(there)
    band = _band(series, len(days), low, high)
    parts = [f'<polygon class="band" points="{points}"/>' for points in band]
    for run in _runs(series.values):
        points = " ".join(_point(i, series.values[i], len(days), low, high) for i in run)
        parts.append(f'<polyline class="line" points="{points}"/>')
        parts += [_dot(p) for p in points.split()]
    label = escape(f"{title}: {_spoken(days, series.values)}")
    middle = (low + high) / 2
    scale = "".join(f"<span>{figure(_short(v))}</span>" for v in (high, middle, low))
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>\n<div class="plot">'
        f'<div class="scale">{scale}</div><svg role="img" aria-label="{label}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">{"".join(parts)}</svg></div>\n'
        f"{_strip(series.weight)}{_ends(days)}</figure>"
    )


def pair(then: float, now: float, most: float) -> Markup:
    """Two bars, then above now, as long as their share of `most`."""
    bars = "".join(
        f'<rect y="{y}" height="9" width="{100 * min(1.0, max(0.0, share) / (most or 1.0)):.1f}" class="{name}"/>'
        for y, name, share in ((0, "then", then), (11, "now", now))
    )
    return Markup(
        '<svg class="pair" aria-hidden="true" viewBox="0 0 100 20" preserveAspectRatio="none">'
        f"{bars}</svg>"
    )


def _strip(weight: Sequence[Point]) -> str:
    """A column per day, as high as the share of its labels that is known."""
    if not any(w is not None for w in weight):
        return ""
    step = WIDTH / len(weight)
    bars = "".join(
        f'<rect x="{i * step + step * 0.1:.1f}" y="{20 - 20 * w:.1f}" width="{step * 0.8:.1f}" height="{20 * w:.1f}"/>'
        for i, w in enumerate(weight)
        if w
    )
    return (
        '<div class="plot"><div class="scale"><span>labels known</span></div><svg class="strip" '
        f'aria-hidden="true" viewBox="0 0 {WIDTH} 20" preserveAspectRatio="none">{bars}</svg></div>\n'
    )


def _ends(days: Sequence[str]) -> str:
    places = sorted({0, len(days) // 2, len(days) - 1}) if len(days) > 4 else range(len(days))
    return f'<div class="ends">{"".join(f"<span>{escape(days[i])}</span>" for i in places)}</div>\n'


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _runs(values: Sequence[Point]) -> list[list[int]]:
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


def _band(series: Series, count: int, low: float, high: float) -> list[str]:
    both = [
        v if u is not None else None for u, v in zip(series.low, series.high, strict=True)
    ]  # only where both ends are known
    found = []
    for run in _runs(both):
        upper = [_point(i, series.high[i], count, low, high) for i in run]
        lower = [_point(i, series.low[i], count, low, high) for i in reversed(run)]
        found.append(" ".join(upper + lower))
    return found


def _point(place: int, value: Point, count: int, low: float, high: float) -> str:
    x = WIDTH * (place + 0.5) / count
    y = HEIGHT * (high - (value or 0.0)) / (high - low)
    return f"{x:.1f},{y:.1f}"


def _dot(point: str) -> str:
    """A line of no length with round ends: a dot, however the drawing is stretched."""
    x, y = point.split(",")
    return f'<path class="dot" d="M{x} {y}h0"/>'


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _spoken(days: Sequence[str], values: Sequence[Point]) -> str:
    """First, last, lowest and highest, for whoever does not see the drawing."""
    there = [(d, v) for d, v in zip(days, values, strict=True) if v is not None]
    told = [f"{d} {figure(_short(v))}" for d, v in (there[0], there[-1])]
    ends = " to ".join(told) if len(there) > 1 else told[0]
    lowest, highest = (figure(_short(f(v for _, v in there))) for f in (min, max))
    return f"{ends}; lowest {lowest}, highest {highest}"
