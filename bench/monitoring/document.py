"""The figures as text, as `docs/monitor/results.json`, and as pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.monitoring import asked, cells, pictures
from plumbline.core.files import write_json

Told = Mapping[str, Any]


def write(found: Told, folder: Path) -> None:
    """`monitor/results.json`, two pictures and `monitor.md` in `folder`."""
    (folder / "monitor").mkdir(parents=True, exist_ok=True)
    whole = {**found, "commit": commit()}
    write_json(folder / "monitor" / "results.json", whole)
    pictures.detection(found, folder / "monitor" / "detection.png")
    pictures.false_alerts(found, folder / "monitor" / "false_alerts.png")
    head = (Path(__file__).parent / "monitor_head.md").read_text(encoding="utf-8")
    said = head.replace("COMMIT", whole["commit"]).replace("PLAN", whole["plan"])
    (folder / "monitor.md").write_text(said + "\n" + text(found), encoding="utf-8")


def commit() -> str:
    """The commit at which the figures were made, with a mark where files differ from it."""
    where = Path(__file__).parent
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


def text(found: Told) -> str:
    """All tables in Markdown."""
    parts = [asked.text(found), _own(found), _peers(found), _scenarios(found), _harm(found)]
    return "\n\n".join([*parts, _costs(found), _reports(found)]) + "\n"


def _own(found: Told) -> str:
    rows = []
    for size, own in found["own"].items():
        for reading in ("alert", "warning or alert"):
            one = own[reading]
            rows.append((f"{int(size):,}", reading, *_columns(one)))
    seeds = "; ".join(f"{int(s):,}: {cells.seeds(v)}" for s, v in found["seeds"].items())
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


def _columns(one: Told) -> tuple[str, ...]:
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


def _peers(found: Told) -> str:
    parts = []
    for size, told in found["compared"].items():
        rows = [(c["detector"], c["reading"], *_columns(c)) for c in told]
        seeds = cells.seeds(found["peer_seeds"][size])
        sample = "; ".join(f"{g} {', '.join(map(str, p))}" for g, p in found["sample"].items())
        title = (
            f"## Beside the peers, {int(size):,} rows\n\nThe same windows for all: seeds {seeds}, of each "
            f"stream the windows {sample} (counted from 0).\n\n"
        )
        parts.append(title + cells.table(("detector", "reading", *HEAD), rows))
    return "\n\n".join(parts)


def _scenarios(found: Told) -> str:
    size = "5000" if "5000" in found["scenarios"] else next(iter(found["scenarios"]))
    rows = []
    for name, one in found["scenarios"][size].items():
        harm = found["harm"][size].get(name, {})
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
                f"{harm.get('harmed', 0)} of {harm.get('streams', 0)}",
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


def _harm(found: Told) -> str:
    size = "5000" if "5000" in found["harm"] else next(iter(found["harm"]))
    rows = [
        (
            f"`{name}`",
            f"{one['harmed']} of {one['streams']}",
            cells.number(one["average_precision_lost"]),
            cells.number(one["cost_share_gained"]),
        )
        for name, one in found["harm"][size].items()
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


def _costs(found: Told) -> str:
    rows = []
    for cost in found["costs"]:
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


def _reports(found: Told) -> str:
    rows = [
        (name, scenario, said.replace("|", "/"))
        for name, one in found["reports"].items()
        for scenario, said in one["crashes"].items()
    ]
    if not rows:
        return ""
    windows = max(one["windows"] for one in found["reports"].values())
    title = (
        f"## What Evidently's whole Report raised\n\nOn the first window of {windows} faults.\n\n"
    )
    return title + cells.table(("detector", "scenario", "raised"), rows)
