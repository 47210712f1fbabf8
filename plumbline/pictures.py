"""Pictures of an assessment as PNG: an edge to matplotlib, with the same bytes for the same figures.

Colours are Okabe and Ito's (2008), told apart by colour-blind readers; lines differ in dash as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.curves import Table
from plumbline.metrics import HIGHER_IS_BETTER
from plumbline.modelcard import words

COLOURS = {"model": "#0072B2", "linear": "#D55E00", "naive": "#009E73", "constant": "#7F7F7F"}
DASHES = {"model": "-", "linear": "--", "naive": "-.", "constant": ":"}
MARKS = {"model": "o", "linear": "s", "naive": "^", "constant": "x"}
INK, PALE_INK = "#222222", "#B0B0B0"
TOP = 15
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
    "savefig.facecolor": "white",
    "text.color": INK,
}

Lines = Mapping[str, Mapping[str, Table]]
"""By curve, by series ("model" and the baselines')."""
Figures = Mapping[str, Any]
Axes = Any


def draw(folder: Path, title: str, figures: Figures, lines: Lines, importance: Table) -> list[str]:
    """Write quality.png, importance.png and, where there are any, slices.png and months.png.

    `figures` is what evaluate.json holds. Returns the names written.
    """
    names = ["quality", "importance"]
    with _canvas(folder / "quality.png", title, 13.5, 4.5, 3) as panels:
        for panel, (paint, curve) in zip(panels, _quality(figures), strict=True):
            paint(panel, lines[curve])
    bars = min(TOP, len(importance["y"]))
    with _canvas(folder / "importance.png", title, 8, 1.4 + 0.27 * bars) as panels:
        _importance(panels[0], importance)
    if figures["slices"]:
        rows = sum(len(groups) + 1 for groups in figures["slices"].values())
        with _canvas(folder / "slices.png", title, 8, 1.8 + 0.27 * rows) as panels:
            _slices(panels[0], figures)
        names.append("slices")
    if figures.get("months"):
        with _canvas(folder / "months.png", title, 11, 4, 2) as panels:
            _months(panels[0], figures)
            _apart(panels[1], figures)
        names.append("months")
    return [f"{name}.png" for name in names]


@contextmanager
def _canvas(
    path: Path, title: str, width: float, height: float, panels: int = 1
) -> Iterator[list[Axes]]:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # whatever matplotlibrc a user has
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold")
        yield list(np.ravel(figure.subplots(1, panels)))
        figure.savefig(path, format="png", metadata={"Software": None})


def _quality(figures: Figures) -> list[tuple[Callable[[Axes, Mapping[str, Table]], None], str]]:
    if figures["problem"] == "regression":
        return [(_mean_label, "calibration"), (_residuals, "residuals"), (_errors, "errors")]
    return [(_precision_recall, "precision_recall"), (_roc, "roc"), (_reliability, "calibration")]


def _lines(axes: Axes, series: Mapping[str, Table]) -> None:
    for name in (n for n in COLOURS if n in series):
        axes.plot(
            series[name]["x"], series[name]["y"], DASHES[name], color=COLOURS[name], label=name
        )
    axes.legend()


def _precision_recall(axes: Axes, series: Mapping[str, Table]) -> None:
    share = series["model"]["y"][-1]  # at full recall
    axes.axhline(share, color=PALE_INK, linewidth=1, label="no skill")
    _lines(axes, series)
    axes.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _roc(axes: Axes, series: Mapping[str, Table]) -> None:
    axes.plot([0, 1], [0, 1], color=PALE_INK, linewidth=1, label="no skill")
    _lines(axes, series)
    axes.set(title="ROC", xlabel="false-alarm rate", ylabel="recall", xlim=(0, 1), ylim=(0, 1.02))


def _reliability(axes: Axes, series: Mapping[str, Table]) -> None:
    _diagonal(axes, series["model"])
    axes.set(title="Calibration", xlabel="mean predicted probability", ylabel="share of positives")


def _mean_label(axes: Axes, series: Mapping[str, Table]) -> None:
    _diagonal(axes, series["model"])
    axes.set(title="Calibration", xlabel="mean prediction", ylabel="mean label")


def _diagonal(axes: Axes, table: Table) -> None:
    both = np.concatenate((table["x"], table["y"]))
    ends = [both.min(), both.max()]
    axes.plot(ends, ends, color=PALE_INK, linewidth=1, label="perfect")
    axes.plot(
        table["x"], table["y"], "o-", color=COLOURS["model"], markersize=5, label="model, per bin"
    )
    axes.legend(loc="upper left")


def _residuals(axes: Axes, series: Mapping[str, Table]) -> None:
    table = series["model"]
    axes.axhline(0, color=PALE_INK, linewidth=1)
    axes.fill_between(
        table["x"], table["low"], table["high"], color="#CFE3F0", linewidth=0, label="80 % of rows"
    )
    axes.plot(table["x"], table["y"], "o-", color=COLOURS["model"], markersize=4, label="mean")
    axes.set(title="Residuals", xlabel="prediction", ylabel="label minus prediction")
    axes.margins(y=0.2)
    axes.legend(loc="upper left", ncols=2)


def _errors(axes: Axes, series: Mapping[str, Table]) -> None:
    _lines(axes, series)
    axes.set(title="Errors", xlabel="absolute error", ylabel="share of rows within it")
    axes.set(xlim=(0, 1.3 * series["model"]["x"][-1]), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def _importance(axes: Axes, table: Table) -> None:
    names, shares = table["series"][:TOP].tolist(), table["y"][:TOP]
    place = np.arange(len(names))
    axes.barh(place, shares, color=COLOURS["model"], height=0.65)
    for y, share in zip(place, shares, strict=True):
        axes.annotate(f"{share:.1%}", (share, y), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(place, names)
    axes.set(title="Importance", xlabel="share of the total gain", ylim=(len(names) - 0.4, -0.6))
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")


def _slices(axes: Axes, figures: Figures) -> None:
    overall = figures["metrics"][figures["primary"]]
    axes.axvspan(overall["low"], overall["high"], color="#E3EEF6", linewidth=0)
    axes.axvline(overall["value"], color=COLOURS["model"], linewidth=1, label="all rows")
    ticks, place = [], 0
    for name, groups in figures["slices"].items():
        ticks += [(name, "bold"), *((f"{g}  ({f['rows']:,})", "normal") for g, f in groups.items())]
        _floor(axes, figures["floors"][name], place, place + len(groups))
        for step, found in enumerate(groups.values(), place + 1):
            _whisker(axes, found, step)
        place += len(groups) + 1
    axes.set_yticks(range(len(ticks)), [text for text, _ in ticks])
    for tick, (_, weight) in zip(axes.get_yticklabels(), ticks, strict=True):
        tick.set_fontweight(weight)
    axes.set(title="By slice (rows)", xlabel=words(figures["primary"]), ylim=(place - 0.4, -0.8))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.6 / (1 + 0.27 * place)), ncols=2)


def _floor(axes: Axes, floor: float, first: float, last: float) -> None:
    label = None if first else "limit"
    axes.plot([floor, floor], [first + 0.6, last + 0.4], "--", color="#CC3311", label=label)


def _whisker(axes: Axes, found: Figures, place: float) -> None:
    axes.plot([found["low"], found["high"]], [place, place], color=INK, linewidth=1.4)
    axes.plot([found["value"]], [place], "o", color=COLOURS["model"], markersize=5.5)


def _months(axes: Axes, figures: Figures) -> None:
    months = figures["months"]
    value, low, high = _columns(months.values())
    place = np.arange(len(months))
    for name in ("naive", "linear"):
        if name in next(iter(months.values()))["differences"]:
            other = value - _columns(m["differences"][name] for m in months.values())[0]
            axes.plot(place, other, MARKS[name] + DASHES[name], color=COLOURS[name], label=name)
    axes.vlines(place, low, high, color=COLOURS["model"], linewidth=2)
    axes.plot(place, value, "o-", color=COLOURS["model"], markersize=6, label="model")
    axes.set_xticks(place, list(months))
    axes.set(title="By month", ylabel=words(figures["primary"]), xlim=(-0.5, len(months) - 0.5))
    axes.margins(y=0.25)
    axes.legend(ncols=3, loc="upper right")


def _apart(axes: Axes, figures: Figures) -> None:
    months = figures["months"]
    against = [n for n in next(iter(months.values()))["differences"] if n in ("naive", "linear")]
    axes.axhline(0, color="#888888", linewidth=1)
    for step, name in enumerate(against):
        value, low, high = _columns(m["differences"][name] for m in months.values())
        place = np.arange(len(months)) + 0.2 * (step - (len(against) - 1) / 2)
        axes.vlines(place, low, high, color=COLOURS[name], linewidth=2)
        axes.plot(place, value, MARKS[name], color=COLOURS[name], label=f"minus {name}")
    axes.set_xticks(np.arange(len(months)), list(months))
    better = "above" if figures["primary"] in HIGHER_IS_BETTER else "below"
    axes.set(
        title=f"Difference to the baselines ({better} zero: better)", xlim=(-0.5, len(months) - 0.5)
    )
    axes.margins(y=0.25)
    axes.legend(ncols=2, loc="upper right")


def _columns(found: Iterable[Figures]) -> Any:
    return np.array([[f["value"], f["low"], f["high"]] for f in found]).T
