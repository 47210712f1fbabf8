"""The panels of the pictures, painted on matplotlib's axes that the caller gives; no import of it here.

Colours are Okabe and Ito's (2008), which colour-blind readers can distinguish; lines differ in dash as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from plumbline.evaluate import class_panels
from plumbline.evaluate.curves import Table
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.interval import Interval
from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.report.metric_titles import metric_title

COLOURS = {
    "model": "#0072B2",
    "linear": "#D55E00",
    "tree": "#AA4499",
    "naive": "#009E73",
    "constant": "#7F7F7F",
}
DASHES = {"model": "-", "linear": "--", "tree": (0, (5, 1, 1, 1)), "naive": "-.", "constant": ":"}
MARKS = {"model": "o", "linear": "s", "tree": "D", "naive": "^", "constant": "x"}
INK, PALE_INK, LIMIT = "#222222", "#B0B0B0", "#CC3311"
MOST = 15
"""Features in the picture of their importance."""
MOST_TICKS = 7

Axes = Any
Series = Mapping[str, Table]
Paint = Callable[[Axes, Series], None]


def quality(figures: EvaluateDocument) -> list[tuple[Paint, str]]:
    """The three panels of a model's quality, and the curve that each shows."""
    several = figures.classes
    if several:
        return [
            (lambda axes, _: class_panels.confusion(axes, several), "confidence"),
            (class_panels.confidence, "confidence"),
            (class_panels.precision_recall, "precision_recall"),
        ]
    if figures.problem == "regression":
        return [(_mean_label, "calibration"), (_residuals, "residuals"), (_errors, "errors")]
    return [(_precision_recall, "precision_recall"), (_roc, "roc"), (_reliability, "calibration")]


def _lines(axes: Axes, series: Series) -> None:
    for name in (n for n in COLOURS if n in series):
        axes.plot(
            series[name]["x"],
            series[name]["y"],
            linestyle=DASHES[name],
            color=COLOURS[name],
            label=name,
        )
    axes.legend()


def _precision_recall(axes: Axes, series: Series) -> None:
    share = series["model"]["y"][-1]  # at full recall
    axes.axhline(share, color=PALE_INK, linewidth=1, label="no skill")
    _lines(axes, series)
    axes.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _roc(axes: Axes, series: Series) -> None:
    axes.plot([0, 1], [0, 1], color=PALE_INK, linewidth=1, label="no skill")
    _lines(axes, series)
    axes.set(title="ROC", xlabel="false-alarm rate", ylabel="recall", xlim=(0, 1), ylim=(0, 1.02))


def _reliability(axes: Axes, series: Series) -> None:
    _diagonal(axes, series["model"])
    axes.set(title="Calibration", xlabel="mean predicted probability", ylabel="share of positives")


def _mean_label(axes: Axes, series: Series) -> None:
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


def _residuals(axes: Axes, series: Series) -> None:
    table = series["model"]
    axes.axhline(0, color=PALE_INK, linewidth=1)
    axes.fill_between(
        table["x"], table["low"], table["high"], color="#CFE3F0", linewidth=0, label="80 % of rows"
    )
    axes.plot(table["x"], table["y"], "o-", color=COLOURS["model"], markersize=4, label="mean")
    axes.set(title="Residuals", xlabel="prediction", ylabel="label minus prediction")
    axes.margins(y=0.2)
    axes.legend(loc="upper left", ncols=2)


def _errors(axes: Axes, series: Series) -> None:
    _lines(axes, series)
    axes.set(title="Errors", xlabel="absolute error", ylabel="share of rows within it")
    axes.set(xlim=(0, 1.3 * series["model"]["x"][-1] or 1.0), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def importance(axes: Axes, table: Table) -> None:
    """Bars of the features' share of the gain, the `MOST` important ones."""
    names, shares = table["series"][:MOST].tolist(), table["y"][:MOST]
    place = np.arange(len(names))
    axes.barh(place, shares, color=COLOURS["model"], height=0.65)
    for y, share in zip(place, shares, strict=True):
        axes.annotate(f"{share:.1%}", (share, y), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(place, names)
    axes.set(title="Importance", xlabel="share of the total gain", ylim=(len(names) - 0.4, -0.6))
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")


def slices(axes: Axes, figures: EvaluateDocument) -> None:
    """Each group's figure with its interval, beside all rows' and the slice's limit."""
    overall = figures.metrics[figures.primary].estimate
    axes.axvspan(overall.low, overall.high, color="#E3EEF6", linewidth=0)
    axes.axvline(overall.value, color=COLOURS["model"], linewidth=1, label="all rows")
    ticks, place = [], 0
    for name, groups in figures.slices.items():
        ticks += [(name, "bold"), *((f"{g}  ({f.rows:,})", "normal") for g, f in groups.items())]
        _floor(axes, _limit(figures.floors[name]), place, place + len(groups))
        for step, section in enumerate(groups.values(), place + 1):
            _whisker(axes, section.estimate, step)
        place += len(groups) + 1
    axes.set_yticks(range(len(ticks)), [text for text, _ in ticks])
    for tick, (_, weight) in zip(axes.get_yticklabels(), ticks, strict=True):
        tick.set_fontweight(weight)
    axes.set(
        title="By slice (rows)", xlabel=metric_title(figures.primary), ylim=(place - 0.4, -0.8)
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.6 / (1 + 0.27 * place)), ncols=2)


def _limit(floor: float | None) -> float:
    return float("nan") if floor is None else floor


def _floor(axes: Axes, floor: float, first: float, last: float) -> None:
    label = None if first else "limit"
    axes.plot([floor, floor], [first + 0.6, last + 0.4], "--", color=LIMIT, label=label)


def _whisker(axes: Axes, section: Estimate, place: float) -> None:
    axes.plot([section.low, section.high], [place, place], color=INK, linewidth=1.4)
    axes.plot([section.value], [place], "o", color=COLOURS["model"], markersize=5.5)


def months(axes: Axes, figures: EvaluateDocument) -> None:
    """The primary metric by month, of the model with its interval and of the baselines."""
    section = figures.months or {}
    value, low, high = _columns(section.values())
    place = np.arange(len(section))
    for name in ("naive", "linear", "tree"):
        if name in next(iter(section.values())).differences:
            other = value - _columns(m.differences[name] for m in section.values())[0]
            style = {"marker": MARKS[name], "linestyle": DASHES[name], "color": COLOURS[name]}
            axes.plot(place, other, label=name, **style)
    axes.vlines(place, low, high, color=COLOURS["model"], linewidth=2)
    axes.plot(place, value, "o-", color=COLOURS["model"], markersize=6, label="model")
    _ticks(axes, list(section))
    axes.set(
        title="By month", ylabel=metric_title(figures.primary), xlim=(-0.5, len(section) - 0.5)
    )
    axes.margins(y=0.25)
    axes.legend(ncols=4, loc="upper right")


def apart(axes: Axes, figures: EvaluateDocument) -> None:
    """The paired differences to the baselines by month, with their intervals."""
    section = figures.months or {}
    against = [
        n for n in next(iter(section.values())).differences if n in ("naive", "linear", "tree")
    ]
    axes.axhline(0, color="#888888", linewidth=1)
    for step, name in enumerate(against):
        value, low, high = _columns(m.differences[name] for m in section.values())
        place = np.arange(len(section)) + 0.2 * (step - (len(against) - 1) / 2)
        axes.vlines(place, low, high, color=COLOURS[name], linewidth=2)
        axes.plot(place, value, MARKS[name], color=COLOURS[name], label=f"minus {name}")
    _ticks(axes, list(section))
    better = "above" if figures.primary in HIGHER_IS_BETTER else "below"
    axes.set(
        title=f"Difference to the baselines ({better} zero: better)",
        xlim=(-0.5, len(section) - 0.5),
    )
    axes.margins(y=0.25)
    axes.legend(ncols=3, loc="upper right")


def _ticks(axes: Axes, names: Sequence[str]) -> None:
    step = -(-len(names) // MOST_TICKS)
    axes.set_xticks(range(0, len(names), step), names[::step])


def _columns(section: Iterable[Interval]) -> Any:
    return np.array([astuple(f.estimate) for f in section]).T
