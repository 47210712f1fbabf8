"""The backtest's picture as PNG: quality by origin, newest against the one before, loss by age."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, INK, LIMIT, MOST_TICKS, PALE_INK
from plumbline.metrics.interval import Interval
from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.report.metric_titles import metric_title
from plumbline.review.comparison_sections import Difference
from plumbline.studies.backtest.backtest_record import BacktestRecord

WORDS = {
    "better": "#009E73",
    "within noise": "#7F7F7F",
    "within margin": "#56B4E9",
    "worse": "#D55E00",
}
MARKS = {"better": "^", "within noise": "o", "within margin": "s", "worse": "v"}

Axes = Any


def draw(path: Path, result: BacktestRecord) -> None:
    """Write the three panels to `path`."""
    with canvas(path, f"Backtest: {result.title}", 16, 4.6, 3) as axes:
        _quality(axes[0], result)
        _newest(axes[1], result)
        _ageing(axes[2], result)


def _quality(axes: Axes, result: BacktestRecord) -> None:
    metric, origins = result.primary, result.origins
    value, low, high = _columns([o.metrics[metric] for o in origins])
    place = np.arange(len(origins))
    axes.vlines(place, low, high, color=COLOURS["model"], linewidth=2)
    axes.plot(place, value, "o-", color=COLOURS["model"], markersize=5)
    _days(axes, [o.day for o in origins])
    axes.set(
        title=f"On the {result.step_days} days after each origin",
        ylabel=f"{metric_title(metric)}, {result.level:.0%} interval",
    )
    axes.margins(y=0.15)


def _newest(axes: Axes, result: BacktestRecord) -> None:
    metric, origins = result.primary, result.origins
    axes.axhline(0, color="#888888", linewidth=1)
    pairs = [(i, o.against) for i, o in enumerate(origins) if o.against is not None]
    for word, colour in WORDS.items():
        own = [(i, a.difference) for i, a in pairs if a.word == word]
        if own:
            place = [i for i, _ in own]
            value, low, high = _columns([d for _, d in own])
            axes.vlines(place, low, high, color=colour, linewidth=2)
            label = f"{word} ({len(own)})"
            axes.plot(place, value, MARKS[word], color=colour, markersize=6, label=label)
    _days(axes, [o.day for o in origins])
    better = "above" if metric in HIGHER_IS_BETTER else "below"
    axes.set(
        title=f"Newest model minus the last ({better} zero: better)",
        ylabel=f"difference in {metric_title(metric)}",
    )
    axes.margins(y=0.25)
    axes.legend(ncols=3, loc="upper left")


def _ageing(axes: Axes, result: BacktestRecord) -> None:
    ages, limit = result.staleness.ages, result.staleness.max_loss
    days = np.array([a.days for a in ages])
    for age in ages:
        label = "one period" if age is ages[0] else None
        place = [age.days] * len(age.each)
        axes.plot(place, age.each, "_", color=PALE_INK, markersize=7, label=label)
    sure = [a for a in ages if a.loss.low is not None]
    if sure:
        _, low, high = _columns([a.loss for a in sure])
        label = f"mean, {result.level:.0%} interval"
        axes.fill_between(days[: len(sure)], low, high, color="#CFE3F0", linewidth=0, label=label)
    axes.plot(days, [a.loss.value for a in ages], "o-", color=COLOURS["model"], markersize=4)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(limit, color=LIMIT, linestyle="--", label=f"limit, {limit:.0%}")
    shelf = result.staleness.shelf_life_days
    if shelf is not None:
        axes.axvline(shelf, color=LIMIT, linewidth=1, label=f"shelf life, {shelf} days")
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:+.0%}")
    change = "lost" if result.primary in HIGHER_IS_BETTER else "gained"
    axes.set(
        title="Loss by age, against a fresh model",
        xlabel="age in days when the scored period begins",
        ylabel=f"{metric_title(result.primary)} {change}, relative",
    )
    axes.margins(y=0.3)
    axes.legend(loc="upper left", ncols=2)


def _days(axes: Axes, days: list[str]) -> None:
    step = -(-len(days) // MOST_TICKS)
    axes.set_xticks(range(0, len(days), step), [d[5:] for d in days[::step]])
    axes.set(xlim=(-0.5, len(days) - 0.5), xlabel=f"origin, month and day from {days[0]} on")


def _columns(result: Sequence[Interval | Difference]) -> Any:
    rows = [[f.value, f.low, f.high] for f in result]
    return np.array(rows, np.float64).T
