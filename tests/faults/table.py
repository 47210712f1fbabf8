"""A pytest plugin that prints what came of each fault: `pytest -p tests.faults.table`."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 150
ROWS: list[dict[str, Any]] = []


def pytest_runtest_logreport(report: Any) -> None:
    """Collect what the tests recorded; with xdist, too."""
    if report.when == "call":
        ROWS.extend(json.loads(value) for key, value in report.user_properties if key == "fault")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table, and its sum."""
    rows = sorted(ROWS, key=lambda row: row["number"])
    for row in rows:
        message = " ".join(row["output"].split())
        terminalreporter.write_line(f"{row['number']:3} {row['name']} [{row['where']}]")
        terminalreporter.write_line(f"    $ {row['command']}")
        terminalreporter.write_line(f"    {message[:WIDTH]}{'...' if len(message) > WIDTH else ''}")
        terminalreporter.write_line(f"    -> {row['verdict']}")
    silent = sum("SILENT" in row["verdict"] for row in rows)
    terminalreporter.write_line(f"{len(rows)} faults, {silent} silent")
