"""Two plots: detection by scenario, and false alerts by detector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.monitoring.scenarios import SCENARIOS

Figures = Mapping[str, Any]
OWN, OTHER, PALE = "#1f5fa8", "#c0562a", "#9db8d6"


def detection(results: Figures, path: Path) -> None:
    """Per scenario the share of windows with an alert, and with a warning."""
    from matplotlib.figure import Figure

    size = "5000" if "5000" in results["scenarios"] else next(iter(results["scenarios"]))
    scenarios = results["scenarios"][size]
    names = [s.name for s in SCENARIOS if s.name in scenarios][::-1]
    alerts = [100 * scenarios[n]["alerts"] / scenarios[n]["windows"] for n in names]
    warnings = [100 * scenarios[n]["warnings"] / scenarios[n]["windows"] for n in names]
    figure = Figure(figsize=(8, 9), layout="constrained")
    axes = figure.subplots()
    labels = [f"{n}  ({scenarios[n]['group']})" for n in names]
    axes.barh(labels, alerts, color=OWN, label="alert")
    axes.barh(labels, warnings, left=alerts, color=PALE, label="warning")
    axes.set_xlabel(f"share of windows of {int(size):,} rows, %")
    axes.set_title("Plumbline's verdicts by scenario")
    axes.set_xlim(0, 100)
    axes.margins(y=0.01)
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def false_alerts(results: Figures, path: Path) -> None:
    """False alerts against faults found in the first window, a dot for each reading of a detector."""
    from matplotlib.figure import Figure

    size = "5000" if "5000" in results["compared"] else next(iter(results["compared"]))
    compared = results["compared"][size]
    names = [f"{c['detector']}, {c['reading']}" for c in compared][::-1]
    rates = [100 * c["false_alerts"]["value"] for c in compared][::-1]
    lows = [100 * (c["false_alerts"]["value"] - c["false_alerts"]["low"]) for c in compared][::-1]
    highs = [100 * (c["false_alerts"]["high"] - c["false_alerts"]["value"]) for c in compared][::-1]
    detected_first = [100 * (c["faults"]["within_1"] or 0) for c in compared][::-1]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    colours = [OWN if n.startswith("plumbline") else OTHER for n in names]
    axes.barh(names, rates, xerr=[lows, highs], color=colours, ecolor="#444444", capsize=2)
    axes.plot(
        detected_first,
        names,
        "D",
        color="black",
        markersize=5,
        label="faults found in the first window, %",
    )
    axes.set_xlabel(f"harmless windows flagged, % (95 % interval), {int(size):,} rows")
    axes.set_title("False alerts, and faults found, on the same windows")
    axes.set_xlim(0, 105)
    figure.legend(loc="outside lower center")
    figure.savefig(path, dpi=110, metadata={"Software": None})
