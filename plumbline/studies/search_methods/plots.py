"""The picture of a comparison of search methods as PNG: best by trials, and the paired differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, INK, LIMIT
from plumbline.report.metric_titles import metric_title
from plumbline.studies.search_methods.search_methods_record import SearchMethodsRecord

STYLES = {
    "tpe": (COLOURS["model"], "-", "o"),
    "random": (COLOURS["linear"], "--", "s"),
    "grid": (COLOURS["naive"], "-.", "^"),
}

Axes = Any


def draw(path: Path, result: SearchMethodsRecord) -> None:
    """Write the two panels to `path`."""
    with canvas(path, f"Search methods: {result.title}", 13, 4.8, 2) as axes:
        _best(axes[0], result)
        _differences(axes[1], result)


def _best(axes: Axes, result: SearchMethodsRecord) -> None:
    for name, method in result.methods.items():
        colour, dash, _ = STYLES[name]
        rows = [[b.trials, b.value, b.low, b.high] for b in method.curve]
        if len(rows) == 1:  # a grid: the same for all its trials
            rows = [[1.0, *rows[0][1:]], rows[0]]
        trials, value, low, high = np.array(rows, float).T
        axes.fill_between(trials, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
        axes.step(trials, value, where="post", color=colour, linestyle=dash, label=name)
    if result.startup < result.trials:
        label = f"tpe is random up to {result.startup}"
        axes.axvline(result.startup, color=LIMIT, linewidth=1, linestyle=":", label=label)
    _frame(axes, result)
    axes.set(
        title=f"Mean of {result.seeds} seeds, {result.level:.0%} interval",
        xlabel="trials",
        ylabel=f"best {metric_title(result.metric_name)} so far, validation",
    )
    axes.legend(loc="best")


def _frame(axes: Axes, result: SearchMethodsRecord) -> None:
    """From what the methods reach after a few trials: the first ones would flatten the rest."""
    skipped = min(3, result.trials - 1)
    ends = [
        end
        for method in result.methods.values()
        for best in (method.curve[skipped:] or method.curve)
        for end in (best.value, best.low, best.high)
        if end is not None
    ]
    if ends:
        room = 0.1 * (max(ends) - min(ends)) or 1e-6
        axes.set_ylim(min(ends) - room, max(ends) + room)


def _differences(axes: Axes, result: SearchMethodsRecord) -> None:
    texts = []
    for place, pair in enumerate(reversed(result.differences)):
        colour, _, mark = STYLES[pair.method]
        low, value, high = (np.nan if v is None else v for v in (pair.low, pair.value, pair.high))
        axes.hlines(place, low, high, color=colour, linewidth=2)
        axes.plot([value], [place], mark, color=colour, markersize=6)
        texts.append(f"{pair.method} - {pair.other}, {pair.trials} trials: {pair.word}")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(texts)), texts)
    axes.set(
        title="Paired by seed (right of zero: the first is better)",
        xlabel=f"difference in best {metric_title(result.metric_name)}",
    )
    axes.margins(y=0.1)
