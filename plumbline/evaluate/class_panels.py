"""The panels of several classes, painted on matplotlib's axes that the caller gives; no import of it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plumbline.evaluate.class_document import ClassEvidence
from plumbline.evaluate.curves import Table

Axes = Any
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#7F7F7F")
DASHES = ("-", "--", "-.", ":")
PALE_INK = "#B0B0B0"
NAMED = 10
"""Classes that a legend lists."""
NUMBERED = 10
"""Classes up to which the rows of each decision are written."""


def confidence(axes: Axes, series: Mapping[str, Table]) -> None:
    """How often the likeliest class was right, by its probability."""
    axes.plot([0, 1], [0, 1], color=PALE_INK, linewidth=1, label="perfect")
    for n, (name, table) in enumerate(series.items()):
        axes.plot(table["x"], table["y"], marker="o", markersize=4, label=name, **_style(n))
    axes.set(title="How sure, how right", xlabel="probability of the likeliest class")
    axes.set(ylabel="share of rows where it is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="upper left")


def precision_recall(axes: Axes, series: Mapping[str, Table]) -> None:
    """The model's curve of each class against all others."""
    _by_class(axes, series["model"], marker="")
    axes.set(title="Precision and recall by class", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def calibration(axes: Axes, series: Mapping[str, Table]) -> None:
    """The share of each class by its probability."""
    axes.plot([0, 1], [0, 1], color=PALE_INK, linewidth=1)
    _by_class(axes, series["model"], marker="o")
    axes.set(title="Calibration by class", xlabel="mean predicted probability")
    axes.set(ylabel="share of the class", xlim=(0, 1.02), ylim=(0, 1.02))


def confusion(axes: Axes, several: ClassEvidence) -> None:
    """Shares of each class's rows by the class decided on, with the rows."""
    rows = np.array(several.confusion)
    share = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), n in np.ndenumerate(rows) if len(rows) <= NUMBERED else ():
        colour = "white" if share[i, j] > 0.5 else "#222222"
        axes.annotate(f"{n:,}", (j, i), ha="center", va="center", color=colour, fontsize=8)
    place = range(len(several.names))
    axes.set_xticks(place, several.names, rotation=30, ha="right")
    axes.set_yticks(place, several.names)
    axes.set(title="Decisions", xlabel="class decided on", ylabel="class")
    axes.grid(visible=False)


def _by_class(axes: Axes, table: Table, marker: str) -> None:
    names = list(dict.fromkeys(table["series"].tolist()))
    for n, name in enumerate(names):
        own = table["series"] == name
        label = name if n < NAMED else None
        axes.plot(
            table["x"][own],
            table["y"][own],
            marker=marker,
            markersize=3.5,
            label=label,
            **_style(n),
        )
    if names:
        axes.legend(fontsize=8)


def _style(n: int) -> dict[str, Any]:
    dash = DASHES[n // len(PALETTE) % len(DASHES)]
    return {"color": PALETTE[n % len(PALETTE)], "linestyle": dash}
