"""The panels of explained answers, painted on matplotlib's axes that the caller gives; no import of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from plumbline.evaluate.contributions_sample import Explained, beeswarm_offsets, partner, shares
from plumbline.evaluate.plot_panels import PALE_INK

MOST, CLOSER = 15, 4
"""Features in the summary, and those that get a panel of their own."""
COLOURS = "viridis"
MIDDLE = (0.005, 0.995)
"""Quantiles of a feature's values between which they are shown."""

Axes = Any


def summary(axes: Axes, shown: Explained) -> None:
    """A dot per row and feature: right where it raises the answer, bright where its value is high."""
    top = shown.top(MOST)
    dots = None
    axes.axvline(0, color="#888888", linewidth=1)
    for line, place in enumerate(top):
        each, colour = shown.each[:, place], shares(shown.values[:, place])
        height = line + 0.4 * beeswarm_offsets(each)
        known = np.isfinite(colour)
        axes.scatter(each[~known], height[~known], s=5, color=PALE_INK, linewidths=0)
        dots = axes.scatter(
            each[known], height[known], s=5, c=colour[known], cmap=COLOURS, vmin=0, vmax=1, linewidths=0
        )  # fmt: skip
    axes.set_yticks(range(len(top)), [shown.features[p] for p in top])
    axes.set(ylim=(len(top) - 0.4, -0.6), xlabel=f"contribution, {shown.unit}")
    axes.set(title=f"What each feature added to the answer, {len(shown.each):,} rows")
    axes.tick_params(axis="y", length=0)
    _bar(axes, dots, "rank of the feature's value")


def closer(axes: Axes, shown: Explained, place: int) -> None:
    """One feature's contribution by its value, coloured by the feature that moves it most."""
    values, each = shown.values[:, place], shown.each[:, place]
    other = partner(shown, place, shown.top(MOST))
    colour = shares(shown.values[:, other])
    name = shown.features[place]
    x = values + _scatter(len(values)) if name in shown.words else values
    axes.axhline(0, color="#888888", linewidth=1)
    known = np.isfinite(values) & np.isfinite(colour)
    dots = axes.scatter(
        x[known], each[known], s=7, c=colour[known], cmap=COLOURS, vmin=0, vmax=1, linewidths=0
    )
    _across(axes, shown, name, values)
    axes.set(title=name, ylabel=f"contribution, {shown.unit}")
    _bar(axes, dots, f"rank of {shown.features[other]}")


def _across(axes: Axes, shown: Explained, name: str, values: Any) -> None:
    if name in shown.words:
        seen = np.unique(values[np.isfinite(values)]).astype(int).tolist()
        axes.set_xticks(seen, [shown.words[name][i] for i in seen], rotation=30, ha="right")
        return
    if not np.isfinite(values).any():
        axes.set_xlabel("no row has a value")
        return
    low, high = np.nanquantile(values, MIDDLE)
    room = max(0.03 * (high - low), 1e-9 * abs(high)) or 1.0
    outside = int(np.sum((values < low - room) | (values > high + room)))
    axes.set_xlim(low - room, high + room)
    axes.set_xlabel(
        f"value ({outside} of {len(values):,} rows lie outside)" if outside else "value"
    )


def _scatter(size: int) -> Any:
    """A fixed sideways step per row, for codes that would lie upon each other."""
    return 0.5 * (np.arange(size) * 0.618034 % 1.0) - 0.25


def _bar(axes: Axes, dots: Any, text: str) -> None:
    bar = axes.figure.colorbar(dots, ax=axes, ticks=[0, 0.5, 1], aspect=30, pad=0.02)
    bar.ax.set_yticklabels(["low", "middle", "high"])
    bar.set_label(text)
    bar.outline.set_visible(False)
