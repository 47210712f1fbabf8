"""The figures as text, as `docs/monitor/results.json`, and as pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.monitoring import pictures
from plumbline.files import write_json

Told = Mapping[str, Any]


def write(found: Told, folder: Path) -> None:
    """`monitor/results.json`, two pictures and `monitor.md` in `folder`."""
    (folder / "monitor").mkdir(parents=True, exist_ok=True)
    whole = {**found, "commit": commit()}
    write_json(folder / "monitor" / "results.json", whole)
    pictures.detection(found, folder / "monitor" / "detection.png")
    pictures.false_pages(found, folder / "monitor" / "false_pages.png")
    head = (Path(__file__).parent / "monitor_head.md").read_text(encoding="utf-8")
    said = head.replace("COMMIT", whole["commit"])
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
    parts = [_asked(found), _own(found), _peers(found), _scenarios(found), _harm(found)]
    return "\n\n".join([*parts, _costs(found), _reports(found)]) + "\n"


def _asked(found: Told) -> str:
    """The five things that must be shown, as measured."""
    size = "5000" if "5000" in found["own"] else next(iter(found["own"]))
    own = found["own"][size]
    page, either = own["page"], own["watch or page"]
    blind = own["blind_said"]
    crashes = sum(o["page"]["crashes"] for o in found["own"].values())
    large = [c for c in found["costs"] if c["detector"] == "plumbline" and "seconds" in c]
    rows: list[Sequence[str]] = [
        (
            "false pages on harmless streams",
            "at most 1 %, upper end under 2 %",
            _rate(page["false_pages"]),
        ),
        (
            "a peer that finds as many faults: false flags",
            "five times more",
            _best_peer(found, size),
        ),
        (
            "faults paged in the first window",
            "98 %",
            _share(page["faults"]["within_1"], page["faults"]),
        ),
        ("right column among the first three named", "95 %", _percent(page["named"])),
        ("crashes, all scenarios and sizes", "0", str(crashes)),
        (
            "shift of 20 % or more, paged within 3 windows",
            "95 %",
            _share(own["large_covariate"]["page"]["within_3"], own["large_covariate"]["page"]),
        ),
        (
            "the same, watched or paged",
            "95 %",
            _share(
                own["large_covariate"]["watch or page"]["within_3"],
                own["large_covariate"]["watch or page"],
            ),
        ),
        (
            "frauds x3 and concept drift, paged within 7 windows of the first labels",
            "all",
            _share(own["told_by_labels"]["page"]["within_7"], own["told_by_labels"]["page"]),
        ),
        ("`blind` said before", "all", f"{blind['said']} of {blind['windows']} windows"),
        ("pages on harmed streams (precision)", "80 %", _rate(page["precision"])),
        ("drift in an irrelevant column, paged", "at most 2 %", _rate(own["irrelevant"])),
        ("false watches (in the report only)", "", _rate(either["false_pages"])),
    ]
    for cost in large:
        rows.append(
            (
                f"a window of {cost['rows']:,} x {cost['columns']}",
                "1 s, 500 MB for 50,000 x 30",
                f"{cost['seconds']:.2f} s ({cost['processor_seconds']:.2f} s of processor), "
                f"{cost['mb_above_interpreter']:.0f} MB above the interpreter",
            )
        )
    title = f"## What was asked, at {int(size):,} rows a window\n\n"
    return title + _table(("what", "asked", "measured"), rows)


def _best_peer(found: Told, size: str) -> str:
    told = found["compared"].get(size, [])
    mine = next((c for c in told if c["detector"] == "plumbline"), None)
    if mine is None:
        return "no peer"
    wanted = mine["faults"]["within_1"] or 0.0
    equal = [
        c
        for c in told
        if c["detector"] != "plumbline" and (c["faults"]["within_1"] or 0.0) >= wanted
    ]
    if not equal:
        others = [c for c in told if c["detector"] != "plumbline"]
        near = max(others, key=lambda c: (c["faults"]["within_1"], -c["false_pages"]["value"]))
        return (
            f"no peer finds as many ({_percent(wanted)} on these windows); the most, "
            f"{_percent(near['faults']['within_1'])}, by {near['detector']}, {near['reading']}: "
            f"{_rate(near['false_pages'])}"
        )
    best = min(equal, key=lambda c: c["false_pages"]["value"])
    return f"{best['detector']}, {best['reading']}: {_rate(best['false_pages'])}"


def _own(found: Told) -> str:
    rows = []
    for size, own in found["own"].items():
        for reading in ("page", "watch or page"):
            one = own[reading]
            rows.append((f"{int(size):,}", reading, *_columns(one)))
    seeds = "; ".join(f"{int(s):,}: {_seeds(v)}" for s, v in found["seeds"].items())
    title = f"## Plumbline, all windows\n\nSeeds by size: {seeds}.\n\n"
    return title + _table(("rows", "reading", *HEAD), rows)


HEAD = (
    "windows",
    "false pages",
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
        _rate(one["false_pages"]),
        _percent(one["faults"]["within_1"]),
        _percent(one["covariate"]["within_3"]),
        _percent(one["label"]["within_7"]),
        _percent(one["concept"]["within_7"]),
        _percent(one["segment"]["within_7"]),
        _plain(one["faults"]["median_delay"]),
        _percent(one["named"]),
        _rate(one["precision"]),
        _percent(one["precision_by_window"]["value"]),
        str(one["crashes"]),
    )


def _peers(found: Told) -> str:
    parts = []
    for size, told in found["compared"].items():
        rows = [(c["detector"], c["reading"], *_columns(c)) for c in told]
        seeds = _seeds(found["peer_seeds"][size])
        sample = "; ".join(f"{g} {', '.join(map(str, p))}" for g, p in found["sample"].items())
        title = (
            f"## Beside the peers, {int(size):,} rows\n\nThe same windows for all: seeds {seeds}, of each "
            f"stream the windows {sample} (counted from 0).\n\n"
        )
        parts.append(title + _table(("detector", "reading", *HEAD), rows))
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
                str(one["pages"]),
                str(one["watches"]),
                _percent(one["page"]["within_1"]),
                _percent(one["page"]["within_7"]),
                _plain(one["page"]["median_delay"]),
                ", ".join(f"{n} ({c})" for n, c in first) or "-",
                f"{harm.get('harmed', 0)} of {harm.get('streams', 0)}",
            )
        )
    head = (
        "scenario",
        "what happens",
        "windows",
        "pages",
        "watches",
        "in 1",
        "in 7",
        "median delay",
    )
    title = f"## Scenario by scenario, {int(size):,} rows\n\n"
    return title + _table((*head, "first named", "harmed"), rows)


def _harm(found: Told) -> str:
    size = "5000" if "5000" in found["harm"] else next(iter(found["harm"]))
    rows = [
        (
            f"`{name}`",
            f"{one['harmed']} of {one['streams']}",
            _number(one["average_precision_lost"]),
            _number(one["cost_share_gained"]),
        )
        for name, one in found["harm"][size].items()
    ]
    title = f"## Harm, measured on true labels, {int(size):,} rows\n\n"
    return title + _table(
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
    return "## Seconds and memory of a window\n\n" + _table(
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
    return title + _table(("detector", "scenario", "raised"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(r) + " |" for r in rows)])


def _rate(one: Told) -> str:
    if not one["total"]:
        return "-"
    ends = f"{100 * one['low']:.1f} to {100 * one['high']:.1f}"
    return f"{100 * one['value']:.1f} % ({ends}), {one['count']} of {one['total']}"


def _share(value: float | None, of: Told) -> str:
    return f"{_percent(value)} of {of['streams']} streams"


def _percent(value: float | None) -> str:
    return "-" if value is None or value != value else f"{100 * value:.0f} %"


def _plain(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _seeds(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
