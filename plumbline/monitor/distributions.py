"""The columns then and now for a reader: shares per bin, segment mix, how far each has moved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import seasonal_baseline
from plumbline.monitor.binning import HOURS, Plan
from plumbline.monitor.observe import Observation
from plumbline.monitor.period_summary import Sketch
from plumbline.monitor.result import (
    ColumnDistribution,
    ColumnReport,
    PredictionShift,
    SegmentShare,
)
from plumbline.monitor.verdict import Level

WORST = 6
"""Columns whose distributions are kept, at most."""


def pooled(sketches: tuple[Sketch, ...], plan: Plan) -> Array:
    """Shares per bin over several periods, float (size,)."""
    counts = sum((s.counts[plan.place] for s in sketches), np.zeros(plan.size, np.int64))
    return counts / max(1, counts.sum())


def columns(seen: Observation) -> tuple[ColumnReport, ...]:
    """Every monitored column: its use, its shift over the whole current window, nulls, problems."""
    worst = {f.column: f.level for f in reversed(seen.findings)}
    return tuple(_column(seen, p, worst.get(p.name, "ok")) for p in seen.layout.plans)


def prediction(seen: Observation) -> PredictionShift | None:
    """The score's shift over the whole current window; None without rows."""
    if not seen.now.rows:
        return None
    psi, shift = _moved(seen, seen.layout.score)
    return PredictionShift(psi=psi, shift=shift)


def worst(seen: Observation) -> tuple[ColumnDistribution, ...]:
    """The distributions of the columns that were found, gravest first, then of those that moved most."""
    plans = [p for p in seen.layout.plans if p.size > 1]
    found = list(dict.fromkeys(f.column for f in seen.findings if f.column))
    psi = {p.name: _moved(seen, p)[0] for p in plans}
    ordered = sorted(
        plans,
        key=lambda p: (
            found.index(p.name) if p.name in found else len(found),
            -psi[p.name],
            p.name,
        ),
    )
    return tuple(_shares(seen, p) for p in (*ordered[:WORST], seen.layout.score))


def segments(seen: Observation) -> tuple[SegmentShare, ...]:
    """The mix of every category, reference and current."""
    out = []
    for plan in seen.layout.plans:
        if plan.kind != "category":
            continue
        before, now = pooled(seen.before, plan), pooled(seen.sketches, plan)
        for value, r, c in zip(labels(plan), before, now, strict=True):
            share = SegmentShare(column=plan.name, value=value, reference=r, current=c)
            out.append(share)
    return tuple(out)


def labels(plan: Plan) -> list[str]:
    """A word for each bin."""
    if plan.kind == "time":
        return [f"{h}:00" for h in range(HOURS)]
    if plan.kind == "category":
        return [*(str(v) for v in plan.vocabulary), "(other)"]
    return between([float(e) for e in plan.edges])


def between(edges: Sequence[float]) -> list[str]:
    """A word for each bin of numbers; a value with a bin of its own has an edge right below it.

    >>> between([float(np.nextafter(0, -1)), 0.0, 1500.0])
    ['under 0', '0', '0 to 1,500', 'over 1,500']
    """
    if not edges:
        return ["all"]
    own = [b == np.nextafter(a, np.inf) for a, b in itertools.pairwise(edges)]
    first = f"under {_said(edges[1])}" if own[:1] == [True] else f"up to {_said(edges[0])}"
    inner = [
        _said(b) if alone else f"{_said(a)} to {_said(b)}"
        for alone, (a, b) in zip(own, itertools.pairwise(edges), strict=True)
    ]
    return [first, *inner, f"over {_said(edges[-1])}"]


def _said(edge: float) -> str:
    return f"{edge:,.0f}" if abs(edge) >= 1_000 else f"{edge:.4g}" if abs(edge) > 1e-300 else "0"


def _shares(seen: Observation, plan: Plan) -> ColumnDistribution:
    before, now = pooled(seen.before, plan), pooled(seen.sketches, plan)
    return ColumnDistribution(
        name=plan.name,
        kind=plan.kind,
        bins=tuple(labels(plan)),
        reference=tuple(before.tolist()),
        current=tuple(now.tolist()),
    )


def _column(seen: Observation, plan: Plan, level: Level) -> ColumnReport:
    of_model = ColumnReport(
        name=plan.name, level=level, importance=plan.importance, reach=plan.reach
    )
    problem = next((s.problems[plan.name] for s in seen.sketches if plan.name in s.problems), None)
    if problem:
        return of_model.model_copy(update={"problem": problem[1]})
    nulls = {
        "null_reference": _null_share(seen.before, plan.name),
        "null_current": _null_share(seen.sketches, plan.name),
    }
    moved = dict(zip(("psi", "shift"), _moved(seen, plan), strict=True)) if plan.size > 1 else {}
    return of_model.model_copy(update=nulls | moved)


def _null_share(sketches: Sequence[Sketch], name: str) -> float:
    rows = sum(s.rows for s in sketches)
    return sum(s.nulls.get(name, 0) for s in sketches) / max(1, rows)


def _moved(seen: Observation, plan: Plan) -> tuple[float, float]:
    """PSI and shift of a column, or of the score, over the whole current window."""
    before = sum((s.counts[plan.place] for s in seen.before), np.zeros(plan.size, np.int64))
    now = sum((s.counts[plan.place] for s in seen.sketches), np.zeros(plan.size, np.int64))
    return seasonal_baseline.distance(now, before, plan.order)
