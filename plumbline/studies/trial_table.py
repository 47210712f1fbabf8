"""The table of trials that the tune stage wrote. An edge: reads a file."""

from __future__ import annotations

import csv
from pathlib import Path

FILE = "trials.csv"


def read(report: Path, metric: str) -> list[dict[str, str]]:
    """The trials that came off, their figure as `metric`; none where there is no table.

    `report`: the folder of tune's report.
    """
    path = report / FILE
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{**row, "metric": row[metric]} for row in rows if row.get(metric)]
