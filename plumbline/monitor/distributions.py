"""The columns of both windows for a reader: shares per bin, segment mix, how far each has moved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import seasonal_baseline
from plumbline.monitor.binning import HOURS, ColumnSpec
from plumbline.monitor.observe import Observation
from plumbline.monitor.period_summary import PeriodSummary
from plumbline.monitor.result import (
    ColumnDistribution,
    ColumnReport,
    PredictionShift,
    SegmentShare,
)
from plumbline.monitor.verdict import Level

WORST = 6
"""Columns whose distributions are kept, at most."""


def pooled(summaries: tuple[PeriodSummary, ...], spec: ColumnSpec) -> Array:
    """Shares per bin over several periods, float (size,)."""
    counts = sum((s.counts[spec.bin_range] for s in summaries), np.zeros(spec.size, np.int64))
    return counts / max(1, counts.sum())


def columns(seen: Observation) -> tuple[ColumnReport, ...]:
    """Every monitored column: its importance, its shift over the whole current window, nulls, problems."""
    levels = {f.column: f.level for f in reversed(seen.findings)}
    return tuple(_column(seen, p, levels.get(p.name, "ok")) for p in seen.binning.specs)


def prediction(seen: Observation) -> PredictionShift | None:
    """The score's shift over the whole current window; None without rows."""
    if not seen.now.rows:
        return None
    psi, shift = moved(seen, seen.binning.score)
    return PredictionShift(psi=psi, shift=shift)


def worst(seen: Observation) -> tuple[ColumnDistribution, ...]:
    """The distributions of the columns with findings, most severe first, then of those that moved most."""
    specs = [p for p in seen.binning.specs if p.size > 1]
    named = list(dict.fromkeys(f.column for f in seen.findings if f.column))
    psi = {p.name: moved(seen, p)[0] for p in specs}
    ordered = sorted(
        specs,
        key=lambda p: (
            named.index(p.name) if p.name in named else len(named),
            -psi[p.name],
            p.name,
        ),
    )
    return tuple(_shares(seen, p) for p in (*ordered[:WORST], *seen.binning.scores))


def segments(seen: Observation) -> tuple[SegmentShare, ...]:
    """The mix of every category, reference and current."""
    out = []
    for spec in seen.binning.specs:
        if spec.kind != "category":
            continue
        before, now = pooled(seen.before, spec), pooled(seen.summaries, spec)
        for value, r, c in zip(labels(spec), before, now, strict=True):
            share = SegmentShare(column=spec.name, value=value, reference=r, current=c)
            out.append(share)
    return tuple(out)


def labels(spec: ColumnSpec) -> list[str]:
    """A label for each bin."""
    if spec.kind == "time":
        return [f"{h}:00" for h in range(HOURS)]
    if spec.kind == "category":
        return [*(str(v) for v in spec.vocabulary), "(other)"]
    return between([float(e) for e in spec.edges])


def between(edges: Sequence[float]) -> list[str]:
    """A label for each bin of numbers; a value with a bin of its own has an edge right below it.

    >>> between([float(np.nextafter(0, -1)), 0.0, 1500.0])
    ['under 0', '0', '0 to 1,500', 'over 1,500']
    """
    if not edges:
        return ["all"]
    single = [b == np.nextafter(a, np.inf) for a, b in itertools.pairwise(edges)]
    first = f"under {_edge(edges[1])}" if single[:1] == [True] else f"up to {_edge(edges[0])}"
    inner = [
        _edge(b) if alone else f"{_edge(a)} to {_edge(b)}"
        for alone, (a, b) in zip(single, itertools.pairwise(edges), strict=True)
    ]
    return [first, *inner, f"over {_edge(edges[-1])}"]


def _edge(edge: float) -> str:
    return f"{edge:,.0f}" if abs(edge) >= 1_000 else f"{edge:.4g}" if abs(edge) > 1e-300 else "0"


def _shares(seen: Observation, spec: ColumnSpec) -> ColumnDistribution:
    before, now = pooled(seen.before, spec), pooled(seen.summaries, spec)
    return ColumnDistribution(
        name=spec.name,
        kind=spec.kind,
        bins=tuple(labels(spec)),
        reference=tuple(before.tolist()),
        current=tuple(now.tolist()),
    )


def _column(seen: Observation, spec: ColumnSpec, level: Level) -> ColumnReport:
    of_model = ColumnReport(
        name=spec.name, level=level, importance=spec.importance, reach=spec.reach
    )
    problem = next((s.problems[spec.name] for s in seen.summaries if spec.name in s.problems), None)
    if problem:
        return of_model.model_copy(update={"problem": problem[1]})
    nulls = {
        "null_reference": _null_share(seen.before, spec.name),
        "null_current": _null_share(seen.summaries, spec.name),
    }
    figures = dict(zip(("psi", "shift"), moved(seen, spec), strict=True)) if spec.size > 1 else {}
    return of_model.model_copy(update=nulls | figures)


def _null_share(summaries: Sequence[PeriodSummary], name: str) -> float:
    rows = sum(s.rows for s in summaries)
    return sum(s.nulls.get(name, 0) for s in summaries) / max(1, rows)


def moved(seen: Observation, spec: ColumnSpec) -> tuple[float, float]:
    """PSI and shift of a column, or of a score, over the whole current window."""
    before = sum((s.counts[spec.bin_range] for s in seen.before), np.zeros(spec.size, np.int64))
    now = sum((s.counts[spec.bin_range] for s in seen.summaries), np.zeros(spec.size, np.int64))
    return seasonal_baseline.distance(now, before, spec.order)
