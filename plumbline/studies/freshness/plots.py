"""The picture of a freshness study as PNG: quality by age of features, and by age of the newest history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import history_ages
from plumbline.evaluate import slices
from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, INK
from plumbline.report.metric_titles import metric_title
from plumbline.studies.freshness.freshness_record import AgedGroup, FreshnessRecord
from plumbline.studies.freshness.text_report import age

SHADES = (COLOURS["model"], COLOURS["linear"], COLOURS["tree"], COLOURS["naive"])
MARKS = ("o", "s", "D", "^")

LEAST = 200
"""Events in a group that is drawn; the record has all."""

Axes = Any


def draw(path: Path, result: FreshnessRecord) -> None:
    """Write a panel of the ages, and one per entity, to `path`."""
    drawn = {entity: _drawn(groups) for entity, groups in result.groups.items()}
    shown = {entity: groups for entity, groups in drawn.items() if groups}
    count = 2 + len(shown)
    across = count if count < 5 else 3
    down = -(-count // across)
    title = f"Freshness: {result.title}"
    with canvas(path, title, 4.9 * across, 0.4 + 4.2 * down, across, down) as axes:
        _quality(axes[0], result)
        _loss(axes[1], result)
        for panel, (entity, groups) in zip(axes[2:], shown.items(), strict=False):
            _by_history(panel, entity, groups, result)
        for panel in axes[count:]:
            panel.set_axis_off()
        lines, labels = axes[count - 1].get_legend_handles_labels()
        if lines:
            axes[0].figure.legend(
                lines, labels, title="age of the features", loc="outside upper right", ncols=3
            )


def _drawn(groups: Mapping[str, AgedGroup]) -> dict[str, AgedGroup]:
    """The groups with events enough, by age."""
    ordered = slices.ordered(groups, history_ages.EDGES)
    return {name: groups[name] for name in ordered if groups[name].rows >= LEAST}


def _quality(axes: Axes, result: FreshnessRecord) -> None:
    rows = [[one.metric.value, one.metric.low, one.metric.high] for one in result.ages]
    _bars(axes, rows, result)
    axes.set(
        title=f"By age of the features, {result.level:.0%} interval",
        ylabel=f"{metric_title(result.metric_name)} on test",
    )


def _loss(axes: Axes, result: FreshnessRecord) -> None:
    rows = [[one.difference.value, one.difference.low, one.difference.high] for one in result.ages]
    _bars(axes, rows, result)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(title="Paired, old minus on time", ylabel="difference")


def _bars(axes: Axes, rows: list[list[Any]], result: FreshnessRecord) -> None:
    value, low, high = np.array(rows, float).T
    place = np.arange(len(value))
    axes.vlines(place, low, high, color=COLOURS["model"], linewidth=2)
    axes.plot(place, value, "o-", color=COLOURS["model"], markersize=6)
    axes.set_xticks(place, [age(one.hours) for one in result.ages])
    axes.margins(x=0.1, y=0.15)


def _by_history(
    axes: Axes, entity: str, groups: dict[str, AgedGroup], result: FreshnessRecord
) -> None:
    """Per group of ages of the newest history, the difference by age of the features."""
    hours = [one.hours for one in result.ages if one.hours]
    for number, one in enumerate(hours):
        cells = [group.differences[f"{one:g}"] for group in groups.values()]
        value, low, high = np.array([[c.value, c.low, c.high] for c in cells], float).T
        place = np.arange(len(groups)) + 0.16 * (number - (len(hours) - 1) / 2)
        colour, mark = SHADES[number % len(SHADES)], MARKS[number % len(MARKS)]
        axes.vlines(place, low, high, color=colour, linewidth=1.6)
        axes.plot(place, value, mark, color=colour, markersize=5, label=age(one))
    axes.axhline(0, color=INK, linewidth=0.8)
    names = ["none" if name == "missing" else name for name in groups]
    ticks = [f"{n}\n{group.rows:,}" for n, group in zip(names, groups.values(), strict=True)]
    axes.set_xticks(range(len(groups)), ticks, fontsize=8)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set(
        title=f"By age of the {entity}'s newest history",
        xlabel="hours before the event; rows",
        ylabel="old minus on time",
    )
