"""One period's events as small counts: all that the monitor ever needs of them.

A summary of 50,000 rows and 30 columns takes a few kilobytes, so that the past of a stream is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from plumbline.core import arrays, conditions
from plumbline.core.declarations import Array
from plumbline.monitor import bin_counts, outlier_counts
from plumbline.monitor.binning import GRID_BINS, Binning, ColumnSpec, ConsistencyCheck
from plumbline.monitor.calendar import DAY
from plumbline.monitor.outlier_counts import OutlierCounts
from plumbline.monitor.window import ScoredWindow

NAMES = 5
"""New values that are kept by name."""


@dataclass(frozen=True)
class RawColumn:
    """What a raw column shows beside its bins.

    `unseen`: rows with values that are not in the vocabulary, `names` the commonest of them.
    `rare`: rows out of the training range (see RARE) or the contract's, `disallowed` those of the
    latter. `top`: the commonest value that training did
    not have often, its rows, and those of them in entities that have no other value.
    `grid` int (GRID_BINS,): the fine grid, for naming a cause.
    """

    unseen: int = 0
    names: tuple[str, ...] = ()
    rare: int = 0
    disallowed: int = 0
    top: tuple[float, int, int] = (0.0, 0, 0)
    distinct: int = 0
    grid: Array | None = None


@dataclass(frozen=True)
class EntityCounts:
    """Rows of some of an entity's ids (those with a small hash, the same in every period).

    `distinct` ids in all, in `known` rows; `ids` float (k,) sorted hashes. Per consistency check:
    `counted`, what the period holds of each of them, float (k,), and `stated`, what the snapshot says
    of the days before, float (k,), NaN where it says nothing.
    """

    distinct: int
    known: int
    ids: Array
    counted: Mapping[str, Array]
    stated: Mapping[str, Array]


@dataclass(frozen=True)
class PeriodSummary:
    """Counts of the events that came in one period from `day` on (None without time).

    `counts` int (bins,): rows per bin of every column and of the score. `nulls` by column.
    `problems`: columns that are missing or hold text: check and description. `repeated`: rows whose
    key came before. `outside_period`: rows with an event time outside it. `mean`: the score's.
    `outliers`: rows beyond the extremes of the reference.
    """

    day: np.datetime64 | None
    rows: int
    counts: Array
    nulls: Mapping[str, int]
    problems: Mapping[str, tuple[str, str]]
    raw: Mapping[str, RawColumn]
    entity_counts: Mapping[str, EntityCounts]
    repeated: int
    outside_period: int
    mean: float
    outliers: OutlierCounts = field(default_factory=OutlierCounts)


def summarise(
    binning: Binning, window: ScoredWindow, day: np.datetime64 | None = None
) -> PeriodSummary:
    """The window's counts; `day` is the period's first, else from the window's `last`."""
    first = day
    if day is None and window.last is not None:
        first = window.last - (binning.period_days - 1) * DAY
    problems = _problems(binning, window)
    usable = ScoredWindow(
        {n: v for n, v in window.columns.items() if n not in problems},
        window.label,
        window.score,
        answers=window.answers,
    )
    there = [spec for spec in binning.specs if spec.name in usable.columns]
    finite = usable.score[np.isfinite(usable.score)]
    return PeriodSummary(
        day=first,
        rows=window.rows,
        counts=bin_counts.counts(binning, usable),
        nulls={s.name: int(pd.isna(usable.columns[s.name]).sum()) for s in there},
        problems=problems,
        raw={s.name: _raw(binning, s, usable) for s in there if s.raw},
        entity_counts={
            n: _entity_counts(binning, n, usable) for n in binning.entities if n in usable.columns
        },
        repeated=_repeated(usable.columns.get(binning.key)),
        outside_period=_outside_period(binning, usable, first),
        mean=float(finite.mean()) if len(finite) else float("nan"),
        outliers=outlier_counts.count(binning, usable),
    )


def _problems(binning: Binning, window: ScoredWindow) -> dict[str, tuple[str, str]]:
    problems = {}
    for spec in binning.specs:
        values = window.columns.get(spec.name)
        if values is None:
            problems[spec.name] = ("missing", "not in the table")
        elif spec.kind == "numeric" and arrays.numeric(values) is None:
            problems[spec.name] = ("type", "text, expected numbers")
        elif spec.kind == "time" and values.dtype.kind != "M":
            problems[spec.name] = ("type", f"{values.dtype}, expected times")
    return problems


def _raw(binning: Binning, spec: ColumnSpec, window: ScoredWindow) -> RawColumn:
    values = window.columns[spec.name]
    if spec.kind == "category":
        return _category(spec, values)
    if spec.kind != "numeric" or spec.rare is None:
        return RawColumn()
    numbers = arrays.numeric(values)
    known = np.isfinite(numbers) if numbers is not None else np.zeros(0, bool)
    if numbers is None or not known.any():
        return RawColumn(grid=np.zeros(GRID_BINS, np.int64))
    grid = bin_counts.grid_counts(numbers)
    seen, often = np.unique(numbers[known], return_counts=True)
    novel = np.flatnonzero(~np.isin(seen, spec.common))
    top = (0.0, 0, 0)
    if len(novel):
        best = novel[often[novel].argmax()]
        alone = _rows_of_one_value(binning, window, numbers == seen[best])
        top = (float(seen[best]), int(often[best]), alone)
    beyond = numbers[known & ((numbers < spec.allowed[0]) | (numbers > spec.allowed[1]))]
    allowed_rare = grid[spec.rare].sum() - bin_counts.grid_counts(beyond)[spec.rare].sum()
    return RawColumn(
        rare=int(allowed_rare) + len(beyond),
        disallowed=len(beyond),
        top=top,
        distinct=len(seen),
        grid=grid,
    )


def _category(spec: ColumnSpec, values: Array) -> RawColumn:
    counts = pd.Series(values).value_counts()
    new = {str(v): int(c) for v, c in counts.items() if v not in spec.codes}
    names = sorted(new, key=lambda v: (-new[v], v))[:NAMES]
    return RawColumn(unseen=sum(new.values()), names=tuple(names), distinct=len(counts))


def _rows_of_one_value(binning: Binning, window: ScoredWindow, equal: Array) -> int:
    """Rows of entities (two rows or more) all of whose rows are `equal`; the entity that has most."""
    most = 0
    for name in binning.entities:
        ids = window.columns.get(name)
        if ids is None:
            continue
        inverse, kinds = pd.factorize(ids)
        known = inverse >= 0
        total = np.bincount(inverse[known], minlength=len(kinds))
        same = np.bincount(inverse[known], weights=equal[known], minlength=len(kinds))
        most = max(most, int(same[(same == total) & (total > 1)].sum()))
    return most


def _entity_counts(binning: Binning, name: str, window: ScoredWindow) -> EntityCounts:
    inverse, kinds = pd.factorize(window.columns[name])
    known = inverse >= 0
    hashes = bin_counts.hashed(np.asarray(kinds)) if len(kinds) else np.zeros(0)
    kept = np.flatnonzero(hashes < binning.entities[name])
    kept = kept[np.argsort(hashes[kept])]
    counted, stated = {}, {}
    for check in binning.consistency_checks:
        if check.entity != name:
            continue
        values, added = window.columns.get(check.name), _added(check, window)
        if added is not None:
            total = np.bincount(inverse[known], weights=added[known], minlength=len(kinds))
            counted[check.name] = total[kept]
        if values is not None and values.dtype.kind == "f":
            first = np.full(len(kinds), np.nan)
            first[inverse[known][::-1]] = values[known][::-1]  # as of the day's beginning
            stated[check.name] = first[kept]
    return EntityCounts(len(kinds), int(known.sum()), hashes[kept], counted, stated)


def _added(check: ConsistencyCheck, window: ScoredWindow) -> Array | None:
    """What each row adds to a history, float64 (n,); None where a column that it needs is missing."""
    needed = [w.column for w in check.where] + ([check.column] if check.column else [])
    if any(name not in window.columns for name in needed):
        return None
    met = conditions.mask(check.where, window.columns, window.rows)
    if check.column is None:
        return met.astype(np.float64)
    numbers = arrays.numeric(window.columns[check.column])
    return None if numbers is None else np.where(met & ~np.isnan(numbers), numbers, 0.0)


def _repeated(key: Array | None) -> int:
    return 0 if key is None else len(key) - len(pd.unique(pd.Series(key)))


def _outside_period(binning: Binning, window: ScoredWindow, first: np.datetime64 | None) -> int:
    if binning.time is None or first is None or binning.time not in window.columns:
        return 0
    day = window.columns[binning.time].astype("datetime64[D]")
    return int(((day < first) | (day >= first + binning.period_days * DAY)).sum())
