"""Input faults of one period: what is broken, how large, and the likely cause."""

from __future__ import annotations

from collections.abc import Sequence

from plumbline.monitor import column_faults, completeness, entities, mixtures
from plumbline.monitor.check_context import ROWS, CheckContext
from plumbline.monitor.verdict import Finding


def findings(context: CheckContext) -> list[Finding]:
    """All faults of the period. A fault that another explains is left out."""
    if context.now.rows == 0:
        text, cause = "no row came in this period", "the period's partition is missing"
        return [Finding("rows", "alert", 1.0, ROWS, text, cause=cause)]
    faults = list(completeness.hours(context))
    if not any(f.check == "hours" for f in faults):  # else missing hours explain them
        faults += [*completeness.rows(context), *entities.findings(context)]
    faults += completeness.keys(context)
    for spec in context.binning.specs:
        if spec.raw or spec.name in context.now.problems:
            faults += column_faults.findings(context, spec)
    explained = list(mixtures.findings(context, faults))
    columns = {f.column for f in explained}
    faults = [f for f in faults if f.check != "outside" or f.column not in columns]
    return [*explained, *_without_consequences(context, faults)]


def _without_consequences(context: CheckContext, faults: Sequence[Finding]) -> list[Finding]:
    """Without the features that are missing because a raw column that they read is broken."""
    broken = {f.column for f in faults}
    specs = context.binning.by_name
    return [
        f
        for f in faults
        if f.check not in ("missing", "type")
        or not (f.column in specs and broken & set(specs[f.column or ""].roots))
    ]
