"""The table and the picture of a search, the same bytes for the same trials."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plumbline.tune.search import Trial, best, rows

COLUMNS = 3
BEST, OTHER, FAILED = "#c44e52", "#4c72b0", "#999999"


def write(folder: Path, trials: Sequence[Trial], metric: str, *, higher_is_better: bool) -> None:
    """Write trials.csv and trials.svg to `folder`."""
    table = rows(trials, metric)
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]) if table else ["trial"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    draw(folder / "trials.svg", trials, metric, higher_is_better=higher_is_better)


def draw(path: Path, trials: Sequence[Trial], metric: str, *, higher_is_better: bool) -> None:
    """The metric by trial with the best so far, then by each setting that was searched."""
    import matplotlib
    from matplotlib.figure import Figure

    good = [t for t in trials if t.metric is not None]
    names = sorted({name for t in good for name in t.params})
    lines = -(-(1 + len(names)) // COLUMNS)
    with matplotlib.rc_context({"svg.hashsalt": "plumbline", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(3.4 * COLUMNS, 2.6 * lines), layout="constrained")
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        _by_trial(axes[0], trials, metric, higher_is_better)
        winner = best(trials, higher_is_better)
        for axis, name in zip(axes[1:], names, strict=False):
            _by_setting(axis, good, winner, name)
        for axis in axes[1 + len(names) :]:
            axis.set_axis_off()
        figure.savefig(path, format="svg", metadata={"Date": None})


def _by_trial(axis: Any, trials: Sequence[Trial], metric: str, higher_is_better: bool) -> None:
    good = [t for t in trials if t.metric is not None]
    so_far = [best(trials[: t.number], higher_is_better) for t in good]
    axis.plot([t.number for t in good], [t.metric for t in good], "o", color=OTHER, label="trial")
    axis.step(
        [t.number for t in good],
        [t.metric for t in so_far if t],
        where="post",
        color=BEST,
        label="best",
    )
    failed = [t.number for t in trials if t.metric is None]
    if failed and good:
        floor = axis.get_ylim()[0]
        axis.plot(failed, [floor] * len(failed), "x", color=FAILED, label="failed")
    axis.set_xlabel("trial")
    axis.set_ylabel(metric.replace("_", " "))
    if good:
        axis.legend(fontsize="small")


def _by_setting(axis: Any, good: Sequence[Trial], winner: Trial | None, name: str) -> None:
    with_it = [t for t in good if name in t.params]
    axis.plot([t.params[name] for t in with_it], [t.metric for t in with_it], "o", color=OTHER)
    if winner is not None and name in winner.params:
        axis.plot([winner.params[name]], [winner.metric], "o", color=BEST)
    axis.set_xlabel(name)
