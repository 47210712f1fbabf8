"""The picture of the sizes: seconds of each stage, and its memory at the peak, against the events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.large.records import STAGES, WHOLE, World
from plumbline.evaluate.evaluation_plots import canvas

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F7F7F", "#222222")
LIMIT = "#D55E00"


def draw(path: Path, worlds: Sequence[World], memory: float) -> None:
    """Write the picture as PNG; `memory`: MB that the stages were given."""
    with canvas(path, "All stages by the number of events", 12, 4.8, 2) as axes:
        for colour, name in zip(COLOURS, (*STAGES, WHOLE), strict=True):
            known = [(w.events, c) for w in worlds if (c := w.cost(name)) is not None]
            if known:
                events, costs = zip(*known, strict=True)
                width = 2.5 if name == WHOLE else 1.5
                shape: dict[str, Any] = {"color": colour, "linewidth": width, "label": name}
                axes[0].loglog(events, [c.wall for c in costs], "o-", **shape)
                axes[1].semilogx(events, [c.resident for c in costs], "o-", **shape)
        _linear(axes[0], [w for w in worlds if w.whole])
        axes[1].axhline(memory, color=LIMIT, linestyle="--", linewidth=1)
        axes[0].set(title="Wall seconds", xlabel="events", ylabel="seconds")
        axes[1].set(
            title="Memory at the peak; dashed: what a stage may take",
            xlabel="events",
            ylabel="MB",
            ylim=(0, None),
        )
        axes[0].legend(fontsize=8, ncols=2)
        for panel in axes:
            panel.set_xticks([w.events for w in worlds], [_millions(w) for w in worlds])
            panel.yaxis.set_major_formatter("{x:,.0f}")
            panel.minorticks_off()


def _linear(axes: Any, worlds: Sequence[World]) -> None:
    """What a growth by the first power would be, from the smallest size that is through."""
    if len(worlds) > 1 and worlds[0].whole:
        first, last = worlds[0], worlds[-1]
        start = worlds[0].whole.wall
        ends = [start, start * last.events / first.events]
        axes.loglog([first.events, last.events], ends, ":", color="#7F7F7F", label="linear")


def _millions(world: World) -> str:
    return f"{world.events / 1e6:.3g} million"
