"""What the monitor has to achieve, beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.monitoring import cells

Figures = Mapping[str, Any]


def text(results: Figures) -> str:
    """The table of requirements and measurements."""
    size = "5000" if "5000" in results["own"] else next(iter(results["own"]))
    own = results["own"][size]
    alert, reported = own["alert"], own["reported"]
    blind = own["blind_reported"]
    crashes = sum(o["alert"]["crashes"] for o in results["own"].values())
    large = [c for c in results["costs"] if c["detector"] == "plumbline" and "seconds" in c]
    rows: list[Sequence[str]] = [
        (
            "false alerts on harmless streams",
            "at most 1 %, upper end under 2 %",
            cells.rate(alert["false_alerts"]),
        ),
        (
            "a peer that finds as many faults: false flags",
            "five times more",
            _best_peer(results, size),
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
            _reported(reported["large_covariate"], "within_3"),
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
            _reported(reported["shown_by_labels"], "within_7"),
        ),
        (
            "the same, with an alert",
            "",
            cells.share(
                own["shown_by_labels"]["alert"]["within_7"], own["shown_by_labels"]["alert"]
            ),
        ),
        ("`blind` reported before", "all", f"{blind['reported']} of {blind['windows']} windows"),
        ("alerts on harmed streams (precision)", "80 %", cells.rate(alert["precision"])),
        ("drift in an irrelevant column: an alert", "at most 2 %", cells.rate(own["irrelevant"])),
        (
            "warnings where nothing moves (in the report only)",
            "",
            cells.rate(reported["warnings_where_nothing_moves"]),
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
    title = f"## Requirements, at {int(size):,} rows a window\n\n"
    return title + cells.table(("what", "required", "measured"), rows)


def _reported(rates: Figures, within: str) -> str:
    by_chance = cells.percent(rates["by_chance"])
    return f"{cells.share(rates[within], rates)}; by chance, in streams where nothing moves: {by_chance}"


def _best_peer(results: Figures, size: str) -> str:
    compared = results["compared"].get(size, [])
    own = next((c for c in compared if c["detector"] == "plumbline"), None)
    if own is None:
        return "no peer"
    wanted = own["faults"]["within_1"] or 0.0
    equal = [
        c
        for c in compared
        if c["detector"] != "plumbline" and (c["faults"]["within_1"] or 0.0) >= wanted
    ]
    if not equal:
        others = [c for c in compared if c["detector"] != "plumbline"]
        closest = max(others, key=lambda c: (c["faults"]["within_1"], -c["false_alerts"]["value"]))
        return (
            f"no peer finds as many ({cells.percent(wanted)} on these windows); the most, "
            f"{cells.percent(closest['faults']['within_1'])}, by {closest['detector']}, {closest['reading']}: "
            f"{cells.rate(closest['false_alerts'])}"
        )
    best = min(equal, key=lambda c: c["false_alerts"]["value"])
    return f"{best['detector']}, {best['reading']}: {cells.rate(best['false_alerts'])}"
