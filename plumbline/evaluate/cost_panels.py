"""Panels of calibration, policies and fairness, painted on matplotlib's axes; no import of it here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plumbline.evaluate.decision_costs import NOTHING, TITLES
from plumbline.evaluate.decision_costs import ordered as ordered_ways
from plumbline.evaluate.decision_document import DecisionEvidence
from plumbline.evaluate.evaluate_document import CalibrationEvidence, PolicyEvidence, ProbabilityBin
from plumbline.evaluate.fairness_document import GroupFairness, GroupRates
from plumbline.evaluate.plot_panels import COLOURS, INK, PALE_INK, Axes
from plumbline.evaluate.policies import MODEL, VARIANTS, ordered, title
from plumbline.metrics.interval import Interval
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure

RAW = "#D55E00"


def reliability(axes: Axes, section: CalibrationEvidence) -> None:
    """Share of positives against predicted probability, both axes in powers of ten."""
    shown = [b for b in (*section.bins, *section.bins_uncalibrated) if b.predicted > 0]
    ends = [min(_positive(shown)), 1.0]
    axes.plot(ends, ends, color=PALE_INK, linewidth=1, label="perfect")
    if section.kind != "none":
        _bins(axes, section.bins_uncalibrated, ends[0], RAW, "s", "uncalibrated")
    _bins(axes, section.bins, ends[0], COLOURS["model"], "o", "model")
    axes.set(xscale="log", yscale="log", title="Calibration (both axes in powers of ten)")
    axes.set(xlabel="mean predicted probability", ylabel="share of positives")
    axes.set(xlim=(ends[0] / 1.5, 1.5), ylim=(ends[0] / 1.5, 1.5))
    for axis in (axes.xaxis, axes.yaxis):
        _decades(axis, ends[0] / 1.5, 1.5)
    axes.legend(loc="upper left")


def counts(axes: Axes, section: CalibrationEvidence) -> None:
    """Rows in each bin of the calibrated probability."""
    bins = section.bins
    place = np.arange(len(bins))
    axes.barh(place, [b.rows for b in bins], color=COLOURS["model"], height=0.65)
    for y, one in zip(place, bins, strict=True):
        text = f"{one.rows:,}"
        axes.annotate(text, (one.rows, y), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(place, [figure(b.predicted) for b in bins])
    most = max(b.rows for b in bins)
    axes.set(xscale="log", title="Rows in each bin", xlabel="rows", xlim=(0.8, most * 8))
    axes.set(ylabel="mean predicted probability")
    _decades(axes.xaxis, 0.8, most * 8)
    axes.grid(visible=False, axis="y")


def _decades(axis: Any, low: float, high: float) -> None:
    """Ticks at whole powers of ten, as plain numbers."""
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    axis.set_ticks([10.0**p for p in powers], [figure(10.0**p) for p in powers])
    axis.set_minor_formatter("")


def _positive(bins: Sequence[ProbabilityBin]) -> list[float]:
    shares = [e.value if math.isnan(e.low) else e.low for e in (b.estimate for b in bins)]
    return [*(s for s in shares if s > 0), *(b.predicted for b in bins)]


def _bins(
    axes: Axes, bins: Sequence[ProbabilityBin], least: float, colour: str, mark: str, label: str
) -> None:
    """Points with intervals; a share of zero stands at the lower edge."""
    x = np.maximum([b.predicted for b in bins], least)
    ends = [b.estimate for b in bins]
    y = np.array([max(e.value, least) for e in ends])
    held = [i for i, e in enumerate(ends) if not math.isnan(e.low)]
    low = np.array([max(ends[i].low, least / 1.4) for i in held])
    axes.vlines(x[held], low, [max(ends[i].high, least) for i in held], color=colour, alpha=0.7)
    axes.plot(x, y, mark, color=colour, markersize=5.5, label=label)


def policies(axes: Axes, section: PolicyEvidence) -> None:
    """Each policy's cost a day, with its interval; the model's in colour."""
    names = ordered(section.policies)
    costs = {title(name): section.policies[name].cost_a_day for name in names}
    colours = [COLOURS["model"] if name == MODEL else _shade(name) for name in names]
    _costs(axes, costs, colours)
    axes.set(title="Cost of each policy", xlabel=f"{section.unit} a day, with intervals")


def decisions(axes: Axes, section: DecisionEvidence) -> None:
    """What the decisions cost a day, in colour, above simpler ways to decide."""
    shown = [name for name in ordered_ways(section.others) if name != NOTHING]
    others = {TITLES[name]: section.others[name] for name in shown}
    colours = [COLOURS["model"], *["#BDBDBD"] * len(others)]
    _costs(axes, {"the decisions": section.cost_a_day, **others}, colours)
    per = " a day" if section.days > 1 else ""
    nothing = f"{TITLES[NOTHING]}: {figure(section.others[NOTHING].value)}"
    axes.set(
        title=f"Cost of the decisions ({nothing})", xlabel=f"{section.unit}{per}, with intervals"
    )


def _costs(axes: Axes, costs: Mapping[str, Interval], colours: Sequence[str]) -> None:
    """A bar for each cost, with its interval and its figure."""
    for place, (one, colour) in enumerate(zip(costs.values(), colours, strict=True)):
        cost = one.estimate
        axes.barh(place, cost.value, color=colour, height=0.6)
        end = cost.value
        if not math.isnan(cost.low):
            axes.plot([cost.low, cost.high], [place, place], color=INK, linewidth=1.6)
            end = max(end, cost.high)
        text = figure(cost.value)
        axes.annotate(text, (end, place), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(costs)), list(costs))
    axes.set(ylim=(len(costs) - 0.4, -0.6))
    axes.margins(x=0.15)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(visible=False, axis="y")


def _shade(name: str) -> str:
    return "#8FBBD9" if name in VARIANTS else "#BDBDBD"


def fairness(axes: Sequence[Axes], pieces: Mapping[str, GroupFairness]) -> None:
    """A panel per rate: each group's with its interval, the groups of one kind together."""
    rates = list(next(iter(pieces.values())).gaps)
    ticks, places = _rows(pieces)
    for panel, rate in zip(axes, rates, strict=True):
        for place, one in places:
            section = one.rate(rate).estimate
            if math.isnan(section.value):
                continue
            if not math.isnan(section.low):
                panel.plot([section.low, section.high], [place] * 2, color=INK, linewidth=1.4)
            panel.plot([section.value], [place], "o", color=COLOURS["model"], markersize=5.5)
        panel.set_yticks(range(len(ticks)), [text for text, _ in ticks])
        for tick, (_, weight) in zip(panel.get_yticklabels(), ticks, strict=True):
            tick.set_fontweight(weight)
        panel.set(
            title=metric_title(rate)[0].upper() + metric_title(rate)[1:],
            xlabel=metric_title(rate),
            ylim=(len(ticks) - 0.4, -0.8),
        )
        panel.tick_params(axis="y", length=0)
        panel.grid(visible=False, axis="y")


def _rows(
    pieces: Mapping[str, GroupFairness],
) -> tuple[list[tuple[str, str]], list[tuple[int, GroupRates]]]:
    ticks: list[tuple[str, str]] = []
    places: list[tuple[int, GroupRates]] = []
    for name, piece in pieces.items():
        ticks.append((name, "bold"))
        for group, one in piece.groups.items():
            places.append((len(ticks), one))
            ticks.append((f"{group}  ({one.rows:,})", "normal"))
    return ticks, places
