"""docs/simulated-year.md and its picture, from what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.year import compare, picture
from bench.year.calendar import Year

HEAD = Path(__file__).with_name("page_head.md")
TITLES = {
    "nothing": "no model: every payment passes",
    "frozen": "the first model, for good",
    "weekly": "retrained every week, no monitor, no gate",
    "loop": "this loop",
}


def write(results: Path, docs: Path) -> None:
    """The page and the picture in `docs`, from the results' JSON."""
    whole = json.loads(results.read_text(encoding="utf-8"))
    year, runs = Year(**whole["year"]), whole["runs"]
    loop = results.with_name("loop.json")
    steps = json.loads(loop.read_text(encoding="utf-8")) if loop.exists() else []
    text = HEAD.read_text(encoding="utf-8").replace("{money}", "\n".join(money(runs)))
    text = text.replace("{did}", "\n".join(did(runs))).replace("{steps}", "\n".join(walk(steps)))
    text = text.replace("{seconds}", steps[-1]["evidence"] if steps else "not measured yet")
    (docs / "simulated-year.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    results.with_name("year.svg").write_text(picture.draw(year, runs), encoding="utf-8")


def money(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of costs, and of the loop's paired differences."""
    lost = compare.totals(runs)
    seeds = sorted(lost["loop"])
    yield "| policy | money lost, thousands | retrainings | loop less this, thousands |"
    yield "|---|---:|---:|---:|"
    for name, title in TITLES.items():
        trained = [r["trained"] for r in runs if r["policy"] == name]
        count = f"{np.mean(trained):.1f}" if trained else "–"
        difference = [lost["loop"][s] - lost[name][s] for s in seeds]
        other = "" if name == "loop" else _interval(difference)
        own = _interval([lost[name][s] for s in seeds])
        yield f"| {title} | {own} | {count} | {other} |"


def did(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the loop did at each seed, in a line."""
    yield "| seed | alerts | faulty days | promoted | refused | processor seconds |"
    yield "|---:|---|---:|---|---:|---:|"
    for run in (r for r in runs if r["policy"] == "loop"):
        by_kind: dict[str, list[str]] = {}
        for one in run["happenings"]:
            by_kind.setdefault(one["what"], []).append(one["day"])
        alerts, promoted = (", ".join(by_kind.get(k, ["none"])) for k in ("alert", "promoted"))
        faults, refused = len(by_kind.get("fault", [])), len(by_kind.get("refused", []))
        yield f"| {run['seed']} | {alerts} | {faults} | {promoted} | {refused} | {run['seconds']:.0f} |"


def walk(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The end-to-end run's steps as a table."""
    if not steps:
        yield "Each step is printed with its evidence; no whole run is recorded here yet."
        return
    yield "| day | second | step | evidence |"
    yield "|---|---:|---|---|"
    for one in steps:
        evidence = str(one["evidence"]).replace("|", "\\|")
        yield f"| {one['day']} | {one['seconds']:.0f} | {one['name']} | {evidence} |"


def _interval(values: Sequence[float]) -> str:
    middle, low, high = (v / 1000 for v in compare.mean(values))
    return f"{middle:,.1f} [{low:,.1f}, {high:,.1f}]"
