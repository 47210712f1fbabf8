"""The monitor's plots as SVG: verdicts, rows, score and quality day by day; the score in both windows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor.day_history import HistoryRow
from plumbline.monitor.observe import Observation

DAYS = 180
"""Days of the history that are drawn, at most."""
COLOURS = {"ok": "#7a8b99", "warning": "#d99a2b", "alert": "#c23b3b"}
PAST, NOW = "#7a8b99", "#c23b3b"


def warm() -> None:
    """Load Matplotlib beside the work that comes before the plots."""
    module = "matplotlib.backends.backend_svg"
    threading.Thread(target=import_module, args=(module,), daemon=True).start()


def draw(folder: Path, seen: Observation, history: Sequence[HistoryRow]) -> list[Path]:
    """Write score.svg and days.svg into an existing folder; each only if there is data."""
    written = []
    if seen.past.rows and seen.now.rows:
        written.append(_score(folder / "score.svg", seen))
    if history:
        written.append(_days(folder / "days.svg", history[-DAYS:]))
    return written


def _score(path: Path, seen: Observation) -> Path:
    past, now = seen.past.score, seen.now.score
    edges = _score_edges(past, now)
    with _axes(path, "The model's answers, reference and current", 3.2) as axes:
        for values, colour, name in ((past, PAST, "reference"), (now, NOW, "current")):
            share = np.histogram(values, edges)[0] / len(values)
            axes.stairs(share, edges, color=colour, label=f"{name} ({len(values):,} rows)")
        axes.set_yscale("log")
        axes.set_ylabel("share of rows")
        several = seen.past.answers is not None
        axes.set_xlabel("probability of the likeliest class" if several else "score")
        axes.legend(frameon=False)
    return path


def _days(path: Path, history: Sequence[HistoryRow]) -> Path:
    """Rows coloured by the verdict, the score's mean and shift, the known quality."""
    days = np.array([row["day"] for row in history], "datetime64[D]")
    colours = [COLOURS[row["level"]] for row in history]
    panels = (
        ("rows (grey ok, amber warning, red alert)", "rows"),
        ("score's shift, deviations", "score_shift"),
        ("quality of known labels", "quality"),
    )
    with _axes(path, "Verdicts over time", 6.0, panels=3) as axes:
        for one, (title, name) in zip(axes, panels, strict=True):
            values = np.array([float(row[name] or "nan") for row in history])
            if name == "rows":
                one.bar(days, values, color=colours)
            else:
                one.plot(days, values, color=PAST, linewidth=1)
                one.scatter(days, values, color=colours, s=12, zorder=3)
            one.set_ylabel(title, fontsize=8)
        axes[-1].set_xlabel("first day")
        axes[-1].tick_params(axis="x", rotation=30)
    return path


def _score_edges(past: Array, now: Array) -> Array:
    both = np.concatenate([past, now])
    low, high = float(both.min()), float(both.max())
    return np.linspace(low, high if high > low else low + 1, 41)


@contextmanager
def _axes(path: Path, title: str, height: float, panels: int = 1) -> Iterator[Any]:
    """Axes to draw on; saved as SVG without clock or random ids when the block ends."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    plain: dict[Any, Any] = {
        "svg.hashsalt": "plumbline",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
    }
    with mpl.rc_context(dict(mpl.rcParamsDefault) | plain):
        figure = Figure(figsize=(8, height), layout="constrained")
        page = FigureCanvasSVG(figure)
        axes = figure.subplots(panels, 1, sharex=panels > 1)
        for one in np.atleast_1d(axes):
            one.spines[["top", "right"]].set_visible(False)
        figure.suptitle(title, fontsize=11)
        yield axes
        page.print_svg(path, metadata={"Date": None})  # savefig draws all twice, for the layout
