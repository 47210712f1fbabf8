"""The binning of a use case's columns, from its training window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from statistics import NormalDist

import numpy as np
import pandas as pd

from plumbline.core import arrays
from plumbline.core.declarations import Array, Column
from plumbline.core.usecase import UseCase
from plumbline.monitor import bin_counts, drift, monitored_columns, outlier_counts, units
from plumbline.monitor.binning import (
    GRID_BINS,
    HOURS,
    MAX_HISTORY_DAYS,
    RARE,
    Binning,
    ColumnSpec,
    ConsistencyCheck,
)
from plumbline.monitor.monitored_columns import ColumnKind
from plumbline.monitor.window import ScoredWindow

BINS = 16
"""Quantile bins of a numeric column and of the score."""
COMMON = 0.003
"""Share of the training rows from which one exact value is no surprise."""
SAMPLED_IDS = 500
"""Ids of an entity whose rows are counted one by one, about."""
MAX_ROWS = 200_000
"""Training rows that are counted, at most."""


def fit(
    usecase: UseCase, gain: Mapping[str, float], training: ScoredWindow, *, period_days: int = 1
) -> Binning:
    """Bins, vocabularies and importance from the training window; `gain` as of `gain_shares`.

    At most MAX_ROWS rows are counted, evenly spread.
    """
    if training.rows > MAX_ROWS:
        training = training.take(np.linspace(0, training.rows - 1, MAX_ROWS).astype(np.int64))
    training = training.loaded()
    specs = _specs(usecase, gain, training)
    start = sum(spec.size for spec in specs)
    score = replace(
        _numeric("score", training.score, "", raw=False), start=start, importance=1.0, reach=1.0
    )
    classes = tuple(map(str, usecase.classes))
    of_classes = _class_scores(classes, training, start + score.size)
    size = sum(spec.size for spec in (score, *of_classes))
    binning = Binning(
        problem=usecase.problem,
        key=usecase.key,
        time=usecase.time,
        label_delay=usecase.delay_days,
        period_days=period_days,
        entities={c: _sampled_share(training, c) for c in usecase.entity_columns},
        consistency_checks=consistency_checks(usecase) if period_days == 1 else (),
        specs=tuple(specs),
        score=score,
        training=np.zeros(start + size, np.int64),
        training_grids={
            s.name: bin_counts.grid_counts(training.columns[s.name])
            for s in specs
            if s.rare is not None
        },
        rows=training.rows,
        days=training.days,
        classes=classes,
        class_scores=of_classes,
    )
    return replace(binning, training=bin_counts.counts(binning, training))


def _class_scores(
    classes: tuple[str, ...], training: ScoredWindow, start: int
) -> tuple[ColumnSpec, ...]:
    """Each class's probability, one after another in the counts from `start` on."""
    out: list[ColumnSpec] = []
    if training.answers is None:
        return ()
    for name, answer in zip(classes, training.answers.T, strict=True):
        spec = _numeric(f"probability of {name}", answer, "", raw=False)
        out.append(replace(spec, start=start, importance=1.0, reach=1.0))
        start += spec.size
    return tuple(out)


def consistency_checks(usecase: UseCase) -> tuple[ConsistencyCheck, ...]:
    """The counts and sums over at most MAX_HISTORY_DAYS days, which past summaries can confirm."""
    return tuple(
        ConsistencyCheck(s.name, str(usecase.entity(s.entity).column), s.days, s.where, s.column)
        for s in usecase.snapshots
        if s.aggregate in ("count", "sum")
        and not (s.matured or s.edges or s.lag > 1)
        and usecase.entity(s.entity).column is not None
        and s.days <= MAX_HISTORY_DAYS
    )


def _specs(usecase: UseCase, gain: Mapping[str, float], training: ScoredWindow) -> list[ColumnSpec]:
    """The columns' specs, one after another in the counts."""
    shares = monitored_columns.importance(usecase, gain)
    reach = monitored_columns.reach(usecase, shares)
    roots = monitored_columns.roots(usecase)
    of_clock = monitored_columns.of_clock(usecase)
    raw = {c.name for c in usecase.known}
    specs: list[ColumnSpec] = []
    start = 0
    for name, kind in monitored_columns.monitored(usecase).items():
        spec = _spec(usecase, name, kind, training.columns.get(name), raw=name in raw)
        spec = replace(
            spec,
            start=start,
            importance=shares.get(name, 0.0),
            reach=min(1.0, reach[name]),
            roots=roots.get(name, ()),
            clock=name in of_clock,
        )
        specs.append(spec)
        start += spec.size
    return specs


def _spec(
    usecase: UseCase, name: str, kind: ColumnKind, values: Array | None, *, raw: bool
) -> ColumnSpec:
    if kind == "identifier" or values is None:
        return ColumnSpec(name, kind, raw)
    if kind == "time":
        return ColumnSpec(name, kind, raw, size=HOURS)
    if kind == "category":
        allowed = next((c.allowed for c in usecase.columns if c.name == name), ())
        seen = pd.Series(values).value_counts()
        ordered = [v for v, _ in sorted(seen.items(), key=lambda i: (-i[1], str(i[0])))]
        kept = tuple(dict.fromkeys((*allowed, *ordered[: drift.CATEGORIES])))
        return ColumnSpec(name, kind, raw, size=len(kept) + 1, vocabulary=kept)
    column = next((c for c in usecase.columns if c.name == name), None) if raw else None
    spec = _numeric(name, values, column.unit if column else "", raw=raw)
    return replace(spec, allowed=_allowed(column)) if column else spec


def _allowed(column: Column) -> tuple[float, float]:
    low, high = column.min, column.max
    return (-inf if low is None else low, inf if high is None else high)


def _numeric(name: str, values: Array, unit: str, *, raw: bool) -> ColumnSpec:
    numbers = arrays.numeric(values)
    known = np.zeros(0) if numbers is None else numbers[np.isfinite(numbers)]
    if not len(known):
        return ColumnSpec(name, "numeric", raw)
    edges = drift.bin_edges(known, BINS)
    filled = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    spec = ColumnSpec(
        name,
        "numeric",
        raw,
        size=len(filled),
        edges=edges,
        order=_normal_scores(filled),
        bounds=outlier_counts.bounds(known),
    )
    if not raw:
        return spec
    seen, often = np.unique(known, return_counts=True)
    rare = _rare(bin_counts.grid_counts(known))
    common = seen[often > COMMON * len(known)]
    return replace(spec, rare=rare, common=common, factors=units.factors(unit))


def _normal_scores(filled: Array) -> Array:
    """Normal scores of the middles of bins (Blom 1958), float (size,)."""
    total = filled.sum()
    middle = (np.cumsum(filled) - filled / 2 + 0.5) / (total + 1)
    return np.array([NormalDist().inv_cdf(float(m)) for m in middle])


def _rare(grid: Array) -> Array:
    """The sparsest bins of the fine grid, which together hold RARE of the rows."""
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(grid, kernel, mode="same")
    order = np.argsort(smooth, kind="stable")
    cumulated = np.cumsum(grid[order])
    rare = np.zeros(GRID_BINS, bool)
    rare[order[cumulated <= RARE * grid.sum()]] = True
    return rare


def _sampled_share(training: ScoredWindow, column: str) -> float:
    """The share of an entity's ids of which about SAMPLED_IDS come on a training day."""
    values = training.columns.get(column)
    if values is None or not len(values):
        return 1.0
    distinct = _distinct(values) if training.days <= 1 else _distinct(_last_day(training, values))
    return min(1.0, SAMPLED_IDS / max(1, distinct))


def _last_day(training: ScoredWindow, values: Array) -> Array:
    return values if training.day is None else values[training.day == training.day.max()]


def _distinct(values: Array) -> int:
    return len(pd.unique(pd.Series(values)))
