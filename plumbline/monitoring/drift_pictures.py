"""The monitor's pictures as SVG: drift by column, the score then and now, rows and quality by week."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.monitoring.verdict import LEVELS
from plumbline.monitoring.watch import Observation
from plumbline.usecase import Array

COLUMNS = 20
"""Columns in the picture of drift, the most drifted first."""

FLOOR = 1e-4
"""The smallest PSI in the picture."""

COLOURS = {"fine": "#7a8b99", "watch": "#d99a2b", "page": "#c23b3b"}
PAST, NOW = "#7a8b99", "#c23b3b"


def draw(folder: Path, seen: Observation) -> list[Path]:
    """Write drift.svg, score.svg and weeks.svg into an existing folder; each only if there is data."""
    made = []
    if any(i.effect for i in seen.inputs):
        made.append(_drift(folder / "drift.svg", seen))
    if seen.past.rows and seen.now.rows:
        made.append(_score(folder / "score.svg", seen))
    if seen.weeks:
        made.append(_weeks(folder / "weeks.svg", seen))
    return made


def _drift(path: Path, seen: Observation) -> Path:
    """A grey bar for what noise explains, a dot for what was found, coloured by its level."""
    sized = [(i.effect.psi, i.importance, i.name) for i in seen.inputs if i.effect]
    worst = sorted(sized, key=lambda s: (-s[0].excess, -s[1], s[2]))[:COLUMNS][::-1]
    place = np.arange(len(worst))
    with _axes(path, "Drift by column, current against reference", 1.4 + 0.26 * len(worst)) as axes:
        axes.barh(
            place, [max(size.noise, FLOOR) for size, _, _ in worst], color="#d5dbe0", label="noise"
        )
        levels = {f.column: f.level for f in seen.findings if f.check == "drift"}
        for level in LEVELS:
            dots = [
                (max(size.value, FLOOR), y)
                for y, (size, _, name) in zip(place, worst, strict=True)
                if levels.get(name, "fine") == level
            ]
            if dots:
                axes.scatter(*zip(*dots, strict=True), color=COLOURS[level], label=level, zorder=3)
        axes.set_yticks(place, [f"{name} ({share:.0%})" for _, share, name in worst])
        axes.set_xscale("log")
        biggest = max(max(size.value, size.noise) for size, _, _ in worst)
        axes.set_xlim(FLOOR, max(1.0, 1.5 * biggest))
        axes.set_xlabel("PSI; in brackets the column's share of the model's gain")
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    return path


def _score(path: Path, seen: Observation) -> Path:
    past, now = seen.past.score, seen.now.score
    edges = _score_edges(past, now)
    with _axes(path, "The model's answers, reference and current", 3.2) as axes:
        for values, colour, name in ((past, PAST, "reference"), (now, NOW, "current")):
            share = np.histogram(values, edges)[0] / len(values)
            axes.stairs(share, edges, color=colour, label=f"{name} ({len(values):,} rows)")
        axes.set_yscale("log")
        axes.set_ylabel("share of rows")
        axes.set_xlabel("score")
        axes.legend(frameon=False)
    return path


def _weeks(path: Path, seen: Observation) -> Path:
    names = [str(w.first)[5:] for w in seen.weeks]
    colours = [NOW if w.window == "current" else PAST for w in seen.weeks]
    with _axes(
        path, f"{seen.quality.metric.replace('_', ' ')} by week (grey: reference)", 4.4, panels=2
    ) as axes:
        quality, rows = axes
        place = np.arange(len(names))
        quality.plot(place, [w.quality for w in seen.weeks], color=PAST, linewidth=1)
        quality.scatter(place, [w.quality for w in seen.weeks], color=colours, zorder=3)
        quality.set_ylabel(seen.quality.metric)
        rows.bar(place, [w.rows for w in seen.weeks], color=colours, alpha=0.4)
        rows.bar(place, [w.labelled for w in seen.weeks], color=colours)
        rows.set_ylabel("rows (solid: labelled)")
        rows.set_xticks(place, names, rotation=90 if len(names) > 10 else 0)
        rows.set_xlabel("week from")
    return path


def _score_edges(past: Array, now: Array) -> Array:
    both = np.concatenate([past, now])
    low, high = float(both.min()), float(both.max())
    return np.linspace(low, high if high > low else low + 1, 41)


@contextmanager
def _axes(path: Path, title: str, height: float, panels: int = 1) -> Iterator[Any]:
    """Axes to draw on; saved as SVG without clock or random ids when the block ends."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    plain: dict[Any, Any] = {
        "svg.hashsalt": "plumbline",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
    }
    with mpl.rc_context(dict(mpl.rcParamsDefault) | plain):
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.subplots(panels, 1, sharex=panels > 1)
        for one in np.atleast_1d(axes):
            one.spines[["top", "right"]].set_visible(False)
        figure.suptitle(title, fontsize=11)
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None})
