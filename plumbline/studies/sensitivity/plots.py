"""The picture of a sensitivity study as PNG: a panel per setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, LIMIT, PALE_INK
from plumbline.model.tune_result import SettingValue
from plumbline.report.metric_titles import metric_title
from plumbline.studies.sensitivity.sensitivity_record import (
    SensitivityRecord,
    SettingRecord,
    TriedValue,
)

COLUMNS = 4

Axes = Any


def draw(path: Path, result: SensitivityRecord) -> None:
    """Write it to `path`; the vertical axis is the same in all panels."""
    settings = result.settings
    across = min(COLUMNS, len(settings))
    down = -(-len(settings) // across)
    title = f"How flat is the optimum: {result.title}"
    with canvas(path, title, 3.9 * across, 0.9 + 3.6 * down, across, down) as axes:
        for panel, (name, setting) in zip(axes, settings.items(), strict=False):
            _setting(panel, name, setting, result)
        for panel in axes[len(settings) :]:
            panel.set_axis_off()
        low, high = _limits(result)
        for panel in axes[: len(settings)]:
            panel.set_ylim(low, high)
        lines, labels = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(lines, labels, loc="outside upper right", ncols=4)
        for panel in axes[: len(settings) : across]:
            panel.set_ylabel(f"{metric_title(result.metric_name)} on validation")


def _setting(axes: Axes, name: str, setting: SettingRecord, result: SensitivityRecord) -> None:
    tried, best = setting.tried, result.best.metric
    moved = [0.0, *(seed.estimate.value for seed in result.seeds)]
    axes.axhspan(
        best + min(moved), best + max(moved), color="#E3EEF6", linewidth=0, label="other seeds"
    )
    trials = setting.trials
    label = f"{len(trials.values)} trials of the search"
    axes.plot(
        _tick_places(setting, trials.values), trials.metrics, "x", color=PALE_INK, label=label
    )
    place = _tick_places(setting, [t.setting for t in tried])
    low, high = (best + ends for ends in _ends(tried))
    axes.vlines(place, low, high, color=COLOURS["model"], linewidth=1.6)
    line = sorted(
        [
            *zip(place, (t.metric for t in tried), strict=True),
            (_tick_places(setting, [setting.best])[0], best),
        ]
    )
    axes.plot(
        *zip(*line, strict=True),
        "o-",
        color=COLOURS["model"],
        markersize=4,
        label="this one changed",
    )
    axes.plot(
        _tick_places(setting, [setting.best]), [best], "D", color=LIMIT, markersize=6, label="best"
    )
    if setting.scale == "loguniform":
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(_locator(setting))
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.3g}")
        axes.minorticks_off()
    if setting.scale == "int":
        axes.set_xticks(sorted({*place, float(setting.best)}))
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}")
    if setting.scale == "choice":
        axes.set_xticks(range(len(_words(setting))), _words(setting))
    axes.set_xlabel(name)
    axes.margins(x=0.08)


def _ends(tried: Sequence[TriedValue]) -> Array:
    """Low and high of each difference, (2, n); NaN where it has no interval."""
    estimates = [one.estimate for one in tried]
    return np.array([[e.low for e in estimates], [e.high for e in estimates]], float)


def _locator(setting: SettingRecord) -> Any:
    """Ticks at the values tried: a logarithmic axis of less than a decade has too few of its own."""
    from matplotlib.ticker import FixedLocator

    return FixedLocator([float(t.setting) for t in setting.tried])


def _tick_places(setting: SettingRecord, values: Sequence[SettingValue]) -> list[float]:
    if setting.scale == "choice":
        return [float(_words(setting).index(str(v))) for v in values]
    return [float(v) for v in values]


def _words(setting: SettingRecord) -> list[str]:
    every = [*(t.setting for t in setting.tried), setting.best]
    return sorted({str(v) for v in every})


def _limits(result: SensitivityRecord) -> tuple[float, float]:
    """What all panels show: every trial of its own, and the search's."""
    best = result.best.metric
    every = [best]
    for setting in result.settings.values():
        every += [best + end for ends in _ends(setting.tried) for end in ends]
        every += setting.trials.metrics
    kept = [v for v in every if np.isfinite(v)]
    room = 0.06 * (max(kept) - min(kept))
    return min(kept) - room, max(kept) + room
