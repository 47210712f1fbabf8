"""The year as a picture: what each policy cost, week by week, and what the loop did. SVG, no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

import numpy as np

from bench.year.calendar import Year
from plumbline.core.declarations import Array

WIDTH, HEIGHT, LEFT, TOP, FOOT = 900, 330, 70, 24, 64
COLOURS = {"frozen": "#a40e26", "weekly": "#9a6700", "loop": "#0550ae"}
LABELS = {"frozen": "first model, for good", "weekly": "retrained every week", "loop": "the loop"}
MARKS = {"fault": "#a40e26", "alert": "#9a6700", "promoted": "#0550ae", "refused": "#57606a"}
WEEK = 7


def draw(year: Year, runs: Sequence[Mapping[str, Any]]) -> str:
    """The picture of all runs: mean cost a day over the seeds, by week; marks of the loop, a row per seed."""
    lines = {name: _weekly(runs, name) for name in COLOURS}
    most = max(float(values.max()) for values in lines.values())
    loops = [r for r in runs if r["policy"] == "loop"]
    height = HEIGHT + FOOT + 14 * len(loops)
    parts = [*_planted(year), *_scale(most), *_days(year)]
    for name, values in lines.items():
        parts.append(_line(year, values, most, COLOURS[name]))
    parts += [*_legend(), *_marks(year, loops)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#1f2328">'
        "<title>Money lost a day, by week</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    )
    return head + "".join(parts) + "</svg>\n"


def _weekly(runs: Sequence[Mapping[str, Any]], name: str) -> Array:
    """Units a day, the mean of each week over all seeds."""
    costs = np.array([r["costs"] for r in runs if r["policy"] == name]) / 100
    weeks = costs.shape[1] // WEEK
    return costs[:, : weeks * WEEK].reshape(len(costs), weeks, WEEK).mean(axis=(0, 2))


def _x(year: Year, day: float) -> float:
    return LEFT + (WIDTH - LEFT - 20) * day / year.served


def _y(value: float, most: float) -> float:
    return TOP + (HEIGHT - TOP) * (1 - value / (1.05 * most))


def _line(year: Year, values: Array, most: float, colour: str) -> str:
    points = " ".join(
        f"{_x(year, (i + 0.5) * WEEK):.1f},{_y(v, most):.1f}" for i, v in enumerate(values)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _planted(year: Year) -> Iterator[str]:
    low, high = _x(year, year.fault), _x(year, year.fault + year.fault_days)
    box = f'y="{TOP}" height="{HEIGHT - TOP}"'
    yield f'<rect x="{low:.1f}" width="{high - low:.1f}" {box} fill="#ffebe9"/>'
    yield f'<text x="{low:.1f}" y="{TOP - 8}">unit error</text>'
    start = _x(year, year.pattern)
    yield f'<rect x="{start:.1f}" width="{_x(year, year.served) - start:.1f}" {box} fill="#f6f8fa"/>'
    yield f'<text x="{start:.1f}" y="{TOP - 8}">new fraud pattern</text>'


def _scale(most: float) -> Iterator[str]:
    step = 10 ** np.floor(np.log10(most))
    step = step if most / step >= 3 else step / 2
    for value in np.arange(0, most, step):
        y = _y(float(value), most)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - 20}" stroke="#d0d7de"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
    yield f'<text x="4" y="{TOP - 8}">units a day</text>'


def _days(year: Year) -> Iterator[str]:
    for number in range(0, year.served, 28):
        yield f'<text x="{_x(year, number):.1f}" y="{HEIGHT + 16}" text-anchor="middle">{year.day(number)}</text>'


def _legend() -> Iterator[str]:
    x = LEFT
    for name, label in LABELS.items():
        yield f'<rect x="{x}" y="{HEIGHT + 24}" width="18" height="3" fill="{COLOURS[name]}"/>'
        yield f'<text x="{x + 24}" y="{HEIGHT + 30}">{escape(label)}</text>'
        x += 190
    x = LEFT
    for name, colour in MARKS.items():
        yield f'<circle cx="{x + 4}" cy="{HEIGHT + 44}" r="4" fill="{colour}"/>'
        yield f'<text x="{x + 14}" y="{HEIGHT + 48}">{name}</text>'
        x += 110


def _marks(year: Year, loops: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row, run in enumerate(loops):
        y = HEIGHT + FOOT + 14 * row
        yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">seed {run["seed"]}</text>'
        for one in run["happenings"]:
            number = (date.fromisoformat(one["day"]) - year.first).days
            colour = MARKS.get(one["what"], "#57606a")
            text = escape(f"{one['day']} {one['what']}: {one['why']}")
            x = _x(year, number)
            yield f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"><title>{text}</title></circle>'
