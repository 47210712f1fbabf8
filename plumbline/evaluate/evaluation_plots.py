"""Pictures of an assessment as PNG: an edge to matplotlib, with the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluate import beeswarm, class_panels, cost_panels, plot_panels
from plumbline.evaluate.contributions_sample import Explained
from plumbline.evaluate.curves import Lines, Table
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.plot_panels import Axes

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": 110,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "grid.color": "#E8E8E8",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": plot_panels.INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
}


def draw(
    folder: Path, title: str, figures: EvaluateDocument, lines: Lines, importance: Table
) -> list[str]:
    """Write quality.png, importance.png and, where there are any, slices.png, months.png, classes.png,
    calibration.png, policies.png, decisions.png and fairness.png.

    `figures` is what evaluate.json holds. Returns the names written.
    """
    names = ["quality", "importance"]
    with _canvas(folder / "quality.png", title, 13.5, 4.5, 3) as axes:
        for panel, (paint, curve) in zip(axes, plot_panels.quality(figures), strict=True):
            paint(panel, lines[curve])
    bars = min(plot_panels.MOST, len(importance["y"]))
    with _canvas(folder / "importance.png", title, 8, 1.4 + 0.27 * bars) as axes:
        plot_panels.importance(axes[0], importance)
    if figures.slices:
        rows = sum(len(groups) + 1 for groups in figures.slices.values())
        with _canvas(folder / "slices.png", title, 8, 1.8 + 0.27 * rows) as axes:
            plot_panels.slices(axes[0], figures)
        names.append("slices")
    if figures.months:
        with _canvas(folder / "months.png", title, 11, 4, 2) as axes:
            plot_panels.months(axes[0], figures)
            plot_panels.apart(axes[1], figures)
        names.append("months")
    if figures.classes:
        with _canvas(folder / "classes.png", title, 11, 5, 2) as axes:
            class_panels.precision_recall(axes[0], lines["precision_recall"])
            class_panels.calibration(axes[1], lines["calibration"])
        names.append("classes")
    return [f"{name}.png" for name in [*names, *_more(folder, title, figures)]]


def _more(folder: Path, title: str, figures: EvaluateDocument) -> list[str]:
    names = []
    if calibration := figures.calibration:
        with _canvas(folder / "calibration.png", title, 11, 5, 2) as axes:
            cost_panels.reliability(axes[0], calibration)
            cost_panels.counts(axes[1], calibration)
        names.append("calibration")
    if policies := figures.policies:
        height = 1.5 + 0.4 * len(policies.policies)
        with _canvas(folder / "policies.png", title, 9, height) as axes:
            cost_panels.policies(axes[0], policies)
        names.append("policies")
    if decisions := figures.decisions:
        height = 1.5 + 0.4 * len(decisions.others)
        with _canvas(folder / "decisions.png", title, 9, height) as axes:
            cost_panels.decisions(axes[0], decisions)
        names.append("decisions")
    if fairness := figures.fairness:
        rows = sum(len(piece.groups) + 1 for piece in fairness.values())
        with _canvas(folder / "fairness.png", title, 12, 1.8 + 0.27 * rows, 2) as axes:
            cost_panels.fairness(axes, fairness)
        names.append("fairness")
    return names


def explain(folder: Path, title: str, shown: Explained) -> None:
    """Write contributions.png (a dot per row and feature) and dependence.png (the strongest closer)."""
    rows = min(beeswarm.MOST, len(shown.features))
    with _canvas(folder / "contributions.png", title, 9, 1.5 + 0.36 * rows) as axes:
        beeswarm.summary(axes[0], shown)
    top = shown.top(beeswarm.CLOSER)
    with canvas(
        folder / "dependence.png", title, 12, 4 * -(-len(top) // 2), 2, -(-len(top) // 2)
    ) as axes:
        axes[0].figure.get_layout_engine().set(w_pad=0.15)  # a bar's words from the next panel's
        for panel, place in zip(axes, top, strict=False):
            beeswarm.closer(panel, shown, place)
        for panel in axes[len(top) :]:
            panel.set_axis_off()


@contextmanager
def canvas(
    path: Path, title: str, width: float, height: float, count: int = 1, down: int = 1
) -> Iterator[list[Axes]]:
    """Axes, `count` side by side and `down` lines, under one title; PNG at `path` when the block ends."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # whatever matplotlibrc a user has
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        page = FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold")
        yield list(np.ravel(figure.subplots(down, count)))
        page.print_png(path, metadata={"Software": None})  # savefig draws all twice, for the layout


_canvas = canvas
