"""The figures as text, as `docs/monitor/results.json`, and as plots."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.monitoring import cells, plots, requirements
from plumbline.core.files import write_json

Figures = Mapping[str, Any]
POISONED = "## Poisoned data"
"""The last part of the page."""


def write(results: Figures, folder: Path) -> None:
    """`monitor/results.json`, two plots and `monitor-benchmark.md` in `folder`."""
    (folder / "monitor").mkdir(parents=True, exist_ok=True)
    dated = {**results, "commit": commit()}
    write_json(folder / "monitor" / "results.json", dated)
    plots.detection(results, folder / "monitor" / "detection.png")
    plots.false_alerts(results, folder / "monitor" / "false_alerts.png")
    head = (Path(__file__).parent / "monitor_head.md").read_text(encoding="utf-8")
    page = head.replace("COMMIT", dated["commit"]).replace("PLAN", dated["plan"])
    target = folder / "monitor-benchmark.md"
    kept = target.read_text(encoding="utf-8") if target.is_file() else ""
    _, title, poisoned = kept.partition(POISONED)  # written by bench.poisoning
    target.write_text(
        page + "\n" + text(results) + (f"\n{title}{poisoned}" if title else ""), encoding="utf-8"
    )


def commit() -> str:
    """The commit of the figures, marked as dirty where files differ from it."""
    where = Path(__file__).parent
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def text(results: Figures) -> str:
    """All tables in Markdown."""
    parts = [
        requirements.text(results),
        _own(results),
        _peers(results),
        _scenarios(results),
        _true_loss(results),
    ]
    return "\n\n".join([*parts, _costs(results), _reports(results)]) + "\n"


def scenarios(results: Figures) -> str:
    """The tables by scenario in Markdown."""
    return f"{_scenarios(results)}\n\n{_true_loss(results)}\n"


def _own(results: Figures) -> str:
    rows = []
    for size, own in results["own"].items():
        for reading in ("alert", "warning or alert"):
            one = own[reading]
            rows.append((f"{int(size):,}", reading, *_columns(one)))
    seeds = "; ".join(f"{int(s):,}: {cells.seeds(v)}" for s, v in results["seeds"].items())
    title = f"## Plumbline, all windows\n\nSeeds by size: {seeds}.\n\n"
    return title + cells.table(("rows", "reading", *HEAD), rows)


HEAD = (
    "windows",
    "false alerts",
    "faults in 1",
    "covariate in 3",
    "label in 7",
    "concept in 7",
    "segment in 7",
    "median delay of faults",
    "named",
    "precision",
    "by window",
    "crashes",
)


def _columns(one: Figures) -> tuple[str, ...]:
    return (
        str(one["windows"]),
        cells.rate(one["false_alerts"]),
        cells.percent(one["faults"]["within_1"]),
        cells.percent(one["covariate"]["within_3"]),
        cells.percent(one["label"]["within_7"]),
        cells.percent(one["concept"]["within_7"]),
        cells.percent(one["segment"]["within_7"]),
        cells.plain(one["faults"]["median_delay"]),
        cells.percent(one["named"]),
        cells.rate(one["precision"]),
        cells.percent(one["precision_by_window"]["value"]),
        str(one["crashes"]),
    )


def _peers(results: Figures) -> str:
    parts = []
    for size, compared in results["compared"].items():
        rows = [(c["detector"], c["reading"], *_columns(c)) for c in compared]
        seeds = cells.seeds(results["peer_seeds"][size])
        sample = "; ".join(f"{g} {', '.join(map(str, p))}" for g, p in results["sample"].items())
        title = (
            f"## Beside the peers, {int(size):,} rows\n\nThe same windows for all: seeds {seeds}, of each "
            f"stream the windows {sample} (counted from 0).\n\n"
        )
        parts.append(title + cells.table(("detector", "reading", *HEAD), rows))
    return "\n\n".join(parts)


def _scenarios(results: Figures) -> str:
    size = "5000" if "5000" in results["scenarios"] else next(iter(results["scenarios"]))
    rows = []
    for name, one in results["scenarios"][size].items():
        true_loss = results["true_loss"][size].get(name, {})
        first = sorted(one["named_first"].items(), key=lambda kv: -kv[1])[:2]
        rows.append(
            (
                f"`{name}`",
                one["title"],
                str(one["windows"]),
                str(one["alerts"]),
                str(one["warnings"]),
                cells.percent(one["alert"]["within_1"]),
                cells.percent(one["alert"]["within_7"]),
                cells.plain(one["alert"]["median_delay"]),
                ", ".join(f"{n} ({c})" for n, c in first) or "-",
                f"{true_loss.get('harmed', 0)} of {true_loss.get('streams', 0)}",
            )
        )
    head = (
        "scenario",
        "what happens",
        "windows",
        "alerts",
        "warnings",
        "in 1",
        "in 7",
        "median delay",
    )
    title = f"## Scenario by scenario, {int(size):,} rows\n\n"
    return title + cells.table((*head, "first named", "harmed"), rows)


def _true_loss(results: Figures) -> str:
    size = "5000" if "5000" in results["true_loss"] else next(iter(results["true_loss"]))
    rows = [
        (
            f"`{name}`",
            f"{one['harmed']} of {one['streams']}",
            cells.number(one["average_precision_lost"]),
            cells.number(one["cost_share_gained"]),
        )
        for name, one in results["true_loss"][size].items()
    ]
    title = f"## Harm, measured on true labels, {int(size):,} rows\n\n"
    return title + cells.table(
        (
            "scenario",
            "streams harmed",
            "average precision lost",
            "cost gained, of the money in frauds",
        ),
        rows,
    )


def _costs(results: Figures) -> str:
    rows = []
    for cost in results["costs"]:
        if "failed" in cost:
            rows.append((cost["detector"], f"{cost['rows']:,}", cost["failed"], "", ""))
            continue
        rows.append(
            (
                cost["detector"],
                f"{cost['rows']:,} x {cost['columns']}",
                f"{cost['seconds']:.2f}",
                f"{cost['processor_seconds']:.2f}",
                f"{cost['mb_above_interpreter']:.0f}",
            )
        )
    return "## Seconds and memory of a window\n\n" + cells.table(
        ("detector", "window", "seconds", "of processor", "MB above the interpreter"), rows
    )


def _reports(results: Figures) -> str:
    rows = [
        (name, scenario, error.replace("|", "/"))
        for name, one in results["reports"].items()
        for scenario, error in one["crashes"].items()
    ]
    if not rows:
        return ""
    windows = max(one["windows"] for one in results["reports"].values())
    title = (
        f"## What Evidently's whole Report raised\n\nOn the first window of {windows} faults.\n\n"
    )
    return title + cells.table(("detector", "scenario", "raised"), rows)
