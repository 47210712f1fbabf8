"""The figures that `validate` leaves in its metrics: rows, checks, what was set aside, what was warned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from pydantic import Field

from plumbline.core.data_plan import PlanGap
from plumbline.core.documents import Document
from plumbline.core.params_base import Severity
from plumbline.validate.check import Broken, TableName
from plumbline.validate.expectations import CheckResult
from plumbline.validate.months import File
from plumbline.validate.waivers import WaiverUse
from plumbline.validate.window_statistics import WindowStatistics


class CheckCounts(Document):
    """How many checks ran and failed."""

    run: int
    failed: int
    failed_by_severity: dict[Severity, int]


class TableRows(Document):
    """The rows of a table that came in, that went on, and that were set aside."""

    before: int = Field(alias="in")
    after: int = Field(alias="out")
    set_aside: int


class ValidationSummary(Document):
    """metrics/<usecase>/validate.json. `observed`: what each statistical check measured."""

    checks: CheckCounts
    observed: dict[str, float]
    quarantined: dict[TableName, dict[str, int]]  # by table and check
    rows: dict[TableName, TableRows]
    warnings: list[str]
    irregularities: list[str] = Field(default_factory=list)  # those found without a profile
    waivers: list[WaiverUse] = Field(default_factory=list)  # of checks, by params.yaml
    not_judged: list[str] = Field(default_factory=list)  # what could not be looked for, and why
    plan: PlanGap | None = None  # in the window, where the contract has optional or planned columns


def summarise(
    rows: Mapping[TableName, tuple[int, int]],
    results: Sequence[CheckResult],
    broken: Sequence[Broken],
    found: WindowStatistics,
    warnings: Sequence[str],
    uses: Sequence[WaiverUse],
) -> ValidationSummary:
    """`rows`: per table rows in and rows out. `found`: the statistical checks' measures. `uses`: of waivers."""
    failed = Counter(r.check.severity for r in results if not r.success)
    return ValidationSummary(
        checks=CheckCounts(
            run=len(results),
            failed=sum(failed.values()),
            failed_by_severity={s: failed[s] for s in get_args(Severity)},
        ),
        observed={
            **{f"{s.column}.{s.kind}": s.value for s in found.shifts},
            **{f"{o.column}.{o.kind}": float(o.size) for o in found.odd},
        },
        quarantined={
            table: {b.check.name: b.rows for b in broken if _in_quarantine(b, table)}
            for table in rows
        },
        rows={
            table: TableRows.model_validate({"in": n, "out": kept, "set_aside": n - kept})
            for table, (n, kept) in rows.items()
        },
        warnings=[*warnings, *(o.words for o in found.odd), *(u.words for u in uses)],
        irregularities=[f"{o.column}: {o.detail}" for o in found.odd],
        waivers=list(uses),
        not_judged=[found.not_judged] if found.not_judged else [],
        plan=found.plan,
    )


def notes(uses: Sequence[WaiverUse], plan: PlanGap | None) -> dict[str, list[str]]:
    """By heading, what Data Docs say beside the checks."""
    return {
        "Waivers in params.yaml": [use.words for use in uses],
        "Plan of the data": plan.lines if plan else [],
    }


def rows(
    files: Mapping[TableName, Sequence[File]], kept: Mapping[TableName, int]
) -> dict[TableName, tuple[int, int]]:
    """Per table the rows of its files, and those kept."""
    return {table: (sum(f.rows for f in held), kept[table]) for table, held in files.items()}


def sentence(rows: Mapping[TableName, tuple[int, int]]) -> str:
    """The rows in a line of the log.

    >>> sentence({"events": (9, 8)})
    '8 of 9 events kept'
    """
    return ", ".join(f"{out} of {into} {table}" for table, (into, out) in rows.items()) + " kept"


def _in_quarantine(broken: Broken, table: TableName) -> bool:
    return broken.check.severity == "quarantine" and broken.check.table == table
