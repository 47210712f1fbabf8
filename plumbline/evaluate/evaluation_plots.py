"""Pictures of an assessment as PNG: an edge to matplotlib, with the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluate import beeswarm, class_panels, cost_panels, plot_panels
from plumbline.evaluate.contributions_sample import Explained
from plumbline.evaluate.curves import Lines, Table
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.fairness_document import GroupFairness
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


@dataclass(frozen=True)
class Picture:
    """One picture: inches, panels side by side and lines of them, and what paints on their axes."""

    width: float
    height: float
    paint: Callable[[list[Axes]], None]
    count: int = 1
    down: int = 1


@dataclass(frozen=True)
class Drawn:
    """What the pictures show. `figures` is what evaluate.json holds."""

    title: str
    figures: EvaluateDocument
    lines: Lines
    importance: Table
    explained: Explained | None = None


def draw(folder: Path, drawn: Drawn, names: Collection[str] | None = None) -> list[str]:
    """Write the pictures as NAME.png, or those of `names`; the files' names."""
    chosen = {n: one for n, one in pictures(drawn).items() if names is None or n in names}
    for name, one in chosen.items():
        path = folder / f"{name}.png"
        with canvas(path, drawn.title, one.width, one.height, one.count, one.down) as axes:
            one.paint(axes)
    return [f"{name}.png" for name in chosen]


def pictures(drawn: Drawn) -> dict[str, Picture]:
    """Quality, importance and, where there are any, slices, months, classes, calibration, policies, decisions,
    fairness, contributions and dependence.
    """
    bars = min(plot_panels.MOST, len(drawn.importance["y"]))
    importance = partial(_first, plot_panels.importance, drawn.importance)
    return {
        "quality": Picture(13.5, 4.5, partial(_quality, drawn), 3),
        "importance": Picture(8, 1.4 + 0.27 * bars, importance),
        **_by_group(drawn.figures),
        **_of_classes(drawn),
        **_costs(drawn.figures),
        **(_explained(drawn.explained) if drawn.explained else {}),
    }


def _first(paint: Callable[..., None], of: object, axes: list[Axes]) -> None:
    paint(axes[0], of)


def _each(paints: Sequence[tuple[Callable[..., None], object]], axes: list[Axes]) -> None:
    for panel, (paint, of) in zip(axes, paints, strict=True):
        paint(panel, of)


def _quality(drawn: Drawn, axes: list[Axes]) -> None:
    for panel, (paint, curve) in zip(axes, plot_panels.quality(drawn.figures), strict=True):
        paint(panel, drawn.lines[curve])


def _by_group(figures: EvaluateDocument) -> dict[str, Picture]:
    out = {}
    if figures.slices:
        rows = sum(len(groups) + 1 for groups in figures.slices.values())
        out["slices"] = Picture(8, 1.8 + 0.27 * rows, partial(_first, plot_panels.slices, figures))
    if figures.months:
        panels = [(plot_panels.months, figures), (plot_panels.apart, figures)]
        out["months"] = Picture(11, 4, partial(_each, panels), 2)
    return out


def _of_classes(drawn: Drawn) -> dict[str, Picture]:
    if not drawn.figures.classes:
        return {}
    panels = [
        (class_panels.precision_recall, drawn.lines["precision_recall"]),
        (class_panels.calibration, drawn.lines["calibration"]),
    ]
    return {"classes": Picture(11, 5, partial(_each, panels), 2)}


def _costs(figures: EvaluateDocument) -> dict[str, Picture]:
    out = {}
    if calibration := figures.calibration:
        panels = [(cost_panels.reliability, calibration), (cost_panels.counts, calibration)]
        out["calibration"] = Picture(11, 5, partial(_each, panels), 2)
    if policies := figures.policies:
        paint = partial(_first, cost_panels.policies, policies)
        out["policies"] = Picture(9, 1.5 + 0.4 * len(policies.policies), paint)
    if decisions := figures.decisions:
        paint = partial(_first, cost_panels.decisions, decisions)
        out["decisions"] = Picture(9, 1.5 + 0.4 * len(decisions.others), paint)
    if fairness := figures.fairness:
        rows = sum(len(piece.groups) + 1 for piece in fairness.values())
        out["fairness"] = Picture(12, 1.8 + 0.27 * rows, partial(_fairness, fairness), 2)
    return out


def _fairness(of: Mapping[str, GroupFairness], axes: list[Axes]) -> None:
    cost_panels.fairness(axes, of)


def _explained(shown: Explained) -> dict[str, Picture]:
    """A dot per row and feature, and the strongest closer."""
    rows = min(beeswarm.MOST, len(shown.features))
    lines = -(-len(shown.top(beeswarm.CLOSER)) // 2)
    return {
        "contributions": Picture(9, 1.5 + 0.36 * rows, partial(_first, beeswarm.summary, shown)),
        "dependence": Picture(12, 4 * lines, partial(_closer, shown), 2, lines),
    }


def _closer(shown: Explained, axes: list[Axes]) -> None:
    axes[0].figure.get_layout_engine().set(w_pad=0.15)  # a bar's words from the next panel's
    top = shown.top(beeswarm.CLOSER)
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
