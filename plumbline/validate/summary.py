"""The figures that `validate` leaves in its metrics: rows, checks, what was set aside, what was warned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from plumbline.validate.check import Broken, TableName
from plumbline.validate.expectations import CheckResult
from plumbline.validate.months import File
from plumbline.validate.profile_shifts import ProfileShift


def metrics(
    rows: Mapping[TableName, tuple[int, int]],
    results: Sequence[CheckResult],
    broken: Sequence[Broken],
    measures: Sequence[ProfileShift],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """As JSON. `rows`: per table rows in and rows out. `measures`: each with its size and limits."""
    failed = Counter(r.check.severity for r in results if not r.success)
    return {
        "checks": {
            "run": len(results),
            "failed": sum(failed.values()),
            "failed_by_severity": {s: failed[s] for s in ("block", "quarantine", "warn")},
        },
        "observed": {_name(m): m.value for m in measures},
        "quarantined": {
            table: {b.check.name: b.rows for b in broken if _aside(b) and b.check.table == table}
            for table in rows
        },
        "rows": {
            table: {"in": before, "out": after, "set_aside": before - after}
            for table, (before, after) in rows.items()
        },
        "warnings": list(warnings),
    }


def rows(
    files: Mapping[TableName, Sequence[File]], kept: Mapping[TableName, int]
) -> dict[TableName, tuple[int, int]]:
    """Per table the rows of its files, and those kept."""
    return {table: (sum(f.rows for f in held), kept[table]) for table, held in files.items()}


def words(rows: Mapping[TableName, tuple[int, int]]) -> str:
    """The rows in a line of the log.

    >>> words({"events": (9, 8)})
    '8 of 9 events kept'
    """
    return ", ".join(f"{out} of {into} {table}" for table, (into, out) in rows.items()) + " kept"


def _aside(broken: Broken) -> bool:
    return broken.check.severity == "quarantine"


def _name(measure: ProfileShift) -> str:
    return f"{measure.column}.{measure.kind}"
