"""The picture of a learning curve as PNG: by rows, by rounds, by trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, LIMIT
from plumbline.metrics.interval import Interval
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import interval, signed
from plumbline.studies.gains import Gain
from plumbline.studies.learning_curve.learning_curve_record import (
    LearningCurveRecord,
    RoundsCurve,
    TrialsCurve,
)

WAYS = (COLOURS["model"], COLOURS["linear"])
MARKS = ("o-", "s--")
APART = 1.03
"""Factor between the places of two ways, so that their intervals do not cover each other."""
SAYS = {"pays": "would pay", "too little": "would not pay", "cannot tell": "cannot tell"}

Axes = Any


def draw(path: Path, result: LearningCurveRecord) -> None:
    """Write the three panels to `path`."""
    with canvas(path, f"Learning curve: {result.title}", 16, 5.8, 3) as axes:
        _rows(axes[0], result)
        _rounds(axes[1], result.rounds)
        if result.trials is None:
            axes[2].set_axis_off()
        else:
            _trials(axes[2], result.trials)
        level = f", {result.level:.0%} interval"
        axes[0].set_ylabel(f"{metric_title(result.metric_name)} on validation{level}")


def _rows(axes: Axes, result: LearningCurveRecord) -> None:
    for number, (curve, colour, mark) in enumerate(zip(result.rows, WAYS, MARKS, strict=False)):
        way = {"days": "latest days", "rows": "share of the rows"}.get(
            curve.by, f"share of the {curve.by} ids"
        )
        places = [p.rows * APART**number for p in curve.points]
        _bars(
            axes,
            places,
            curve.points,
            colour,
            mark,
            f"{way}: {SAYS[curve.gain.word]}\n{_gain(curve.gain)}",
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(axis="x", labelrotation=20)
    axes.set(title="More rows", xlabel="rows of train")
    _legend(axes)


def _rounds(axes: Axes, curve: RoundsCurve) -> None:
    places = [float(p.rounds) for p in curve.points]
    label = f"{SAYS[curve.gain.word]}\n{_gain(curve.gain)}"
    _bars(axes, places, curve.points, COLOURS["model"], "o-", label)
    axes.axvline(curve.chosen, color=LIMIT, linestyle="--", label=f"chosen, {curve.chosen}")
    axes.set(title="More rounds", xlabel="boosting rounds")
    _legend(axes)


def _trials(axes: Axes, curve: TrialsCurve) -> None:
    places = [p.trials for p in curve.points]
    label = f"{SAYS[curve.gain.word]}\n{_gain(curve.gain)}"
    best = [p.best for p in curve.points]
    axes.plot(places, best, "o-", color=COLOURS["model"], markersize=4, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(
        title="More trials",
        xlabel="trials of the search, drawn at random",
        ylabel="expected best",
    )
    _legend(axes)


def _bars(
    axes: Axes,
    places: Sequence[float],
    points: Sequence[Interval],
    colour: str,
    mark: str,
    label: str,
) -> None:
    values = np.array([[p.value, p.low, p.high] for p in points], float).T
    axes.vlines(places, values[1], values[2], color=colour, linewidth=1.6)
    axes.plot(places, values[0], mark, color=colour, markersize=5, label=label)


def _legend(axes: Axes) -> None:
    """Below the panel: it would cover what it is about."""
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.22), fontsize="small")


def _gain(gain: Gain) -> str:
    return f"last doubling {interval(gain, signed)}"
