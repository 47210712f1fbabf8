"""What the issue asks to be shown, beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.monitoring import cells

Told = Mapping[str, Any]


def text(found: Told) -> str:
    """The five things that must be shown, as measured."""
    size = "5000" if "5000" in found["own"] else next(iter(found["own"]))
    own = found["own"][size]
    alert, told = own["alert"], own["reported"]
    blind = own["blind_said"]
    crashes = sum(o["alert"]["crashes"] for o in found["own"].values())
    large = [c for c in found["costs"] if c["detector"] == "plumbline" and "seconds" in c]
    rows: list[Sequence[str]] = [
        (
            "false alerts on harmless streams",
            "at most 1 %, upper end under 2 %",
            cells.rate(alert["false_alerts"]),
        ),
        (
            "a peer that finds as many faults: false flags",
            "five times more",
            _best_peer(found, size),
        ),
        (
            "faults with an alert in the first window",
            "98 %",
            cells.share(alert["faults"]["within_1"], alert["faults"]),
        ),
        ("right column among the first three named", "95 %", cells.percent(alert["named"])),
        ("crashes, all scenarios and sizes", "0", str(crashes)),
        (
            "shift of 20 % or more: its column reported (warning or alert) within 3 windows",
            "95 %",
            _reported(told["large_covariate"], "within_3"),
        ),
        (
            "the same, with an alert (its harm: below)",
            "",
            cells.share(
                own["large_covariate"]["alert"]["within_3"], own["large_covariate"]["alert"]
            ),
        ),
        (
            "frauds x3 and concept drift: quality or calibration reported within 7 windows of the "
            "first labels",
            "all",
            _reported(told["told_by_labels"], "within_7"),
        ),
        (
            "the same, with an alert",
            "",
            cells.share(own["told_by_labels"]["alert"]["within_7"], own["told_by_labels"]["alert"]),
        ),
        ("`blind` said before", "all", f"{blind['said']} of {blind['windows']} windows"),
        ("alerts on harmed streams (precision)", "80 %", cells.rate(alert["precision"])),
        ("drift in an irrelevant column: an alert", "at most 2 %", cells.rate(own["irrelevant"])),
        (
            "warnings where nothing moves (in the report only)",
            "",
            cells.rate(told["warnings_where_nothing_moves"]),
        ),
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
    return title + cells.table(("what", "asked", "measured"), rows)


def _reported(told: Told, within: str) -> str:
    by_chance = cells.percent(told["by_chance"])
    return (
        f"{cells.share(told[within], told)}; by chance, in streams where nothing moves: {by_chance}"
    )


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
        near = max(others, key=lambda c: (c["faults"]["within_1"], -c["false_alerts"]["value"]))
        return (
            f"no peer finds as many ({cells.percent(wanted)} on these windows); the most, "
            f"{cells.percent(near['faults']['within_1'])}, by {near['detector']}, {near['reading']}: "
            f"{cells.rate(near['false_alerts'])}"
        )
    best = min(equal, key=lambda c: c["false_alerts"]["value"])
    return f"{best['detector']}, {best['reading']}: {cells.rate(best['false_alerts'])}"
