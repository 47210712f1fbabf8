"""One period's events as small counts: all that the monitor ever needs of them.

A sketch of 50,000 rows and 30 columns takes a few kilobytes, so that a stream's past is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plumbline.core import arrays, conditions
from plumbline.core.declarations import Array
from plumbline.monitor import binning as layouts
from plumbline.monitor.binning import Claim, Layout, Plan
from plumbline.monitor.calendar import DAY
from plumbline.monitor.window import Window

NAMES = 5
"""New values that are kept by name."""


@dataclass(frozen=True)
class Raw:
    """What a raw column shows beside its bins.

    `unseen`: rows with values that are not in the vocabulary, `names` the commonest of them.
    `rare`: rows out of the training range (see RARE). `top`: the commonest value that training did
    not have often, its rows, and those of them in entities that have no other value.
    `fine` int (FINE,): the fine grid, for naming a cause.
    """

    unseen: int = 0
    names: tuple[str, ...] = ()
    rare: int = 0
    top: tuple[float, int, int] = (0.0, 0, 0)
    distinct: int = 0
    fine: Array | None = None


@dataclass(frozen=True)
class Ledger:
    """Rows of some of an entity's ids (those with a small hash, the same in every period).

    `different` ids in all, in `known` rows; `ids` float (k,) sorted hashes. Per claim: `held`, what
    it counts or sums of each of them, float (k,), and `claimed`, what it says of the days before,
    float (k,), NaN where it says nothing.
    """

    different: int
    known: int
    ids: Array
    held: Mapping[str, Array]
    claimed: Mapping[str, Array]


@dataclass(frozen=True)
class Sketch:
    """Counts of the events that came in one period from `day` on (None without time).

    `counts` int (bins,): rows per bin of every column and of the score. `nulls` by column.
    `problems`: columns that are missing or hold text, with words. `repeated`: rows whose key came
    before. `astray`: rows with an event time outside the period. `mean`: the score's.
    """

    day: np.datetime64 | None
    rows: int
    counts: Array
    nulls: Mapping[str, int]
    problems: Mapping[str, tuple[str, str]]
    raw: Mapping[str, Raw]
    ledgers: Mapping[str, Ledger]
    repeated: int
    astray: int
    mean: float

    def share(self, plan: Plan) -> Array:
        """The column's shares per bin of the rows that have a value, float (size,)."""
        counts = self.counts[plan.place]
        return counts / max(1, counts.sum())


def sketch(layout: Layout, window: Window, day: np.datetime64 | None = None) -> Sketch:
    """The window's counts; `day` is the period's first, else from the window's `last`."""
    first = day
    if day is None and window.last is not None:
        first = window.last - (layout.period_days - 1) * DAY
    problems = _problems(layout, window)
    whole = Window(
        {n: v for n, v in window.columns.items() if n not in problems}, window.label, window.score
    )
    raw = {
        p.name: _raw(layout, p, whole) for p in layout.plans if p.raw and p.name in whole.columns
    }
    finite = whole.score[np.isfinite(whole.score)]
    return Sketch(
        day=first,
        rows=window.rows,
        counts=layouts.counts(layout, whole),
        nulls={
            p.name: int(pd.isna(whole.columns[p.name]).sum())
            for p in layout.plans
            if p.name in whole.columns
        },
        problems=problems,
        raw=raw,
        ledgers={n: _ledger(layout, n, whole) for n in layout.entities if n in whole.columns},
        repeated=_repeated(whole.columns.get(layout.key)),
        astray=_astray(layout, whole, first),
        mean=float(finite.mean()) if len(finite) else float("nan"),
    )


def _problems(layout: Layout, window: Window) -> dict[str, tuple[str, str]]:
    found = {}
    for plan in layout.plans:
        values = window.columns.get(plan.name)
        if values is None:
            found[plan.name] = ("missing", "not in the table")
        elif plan.kind == "numeric" and arrays.numeric(values) is None:
            found[plan.name] = ("type", "text, expected numbers")
        elif plan.kind == "time" and values.dtype.kind != "M":
            found[plan.name] = ("type", f"{values.dtype}, expected times")
    return found


def _raw(layout: Layout, plan: Plan, window: Window) -> Raw:
    values = window.columns[plan.name]
    if plan.kind == "category":
        return _unseen(plan, values)
    if plan.kind != "numeric" or plan.rare is None:
        return Raw()
    numbers = arrays.numeric(values)
    known = np.isfinite(numbers) if numbers is not None else np.zeros(0, bool)
    if numbers is None or not known.any():
        return Raw(fine=np.zeros(layouts.FINE, np.int64))
    fine = np.bincount(layouts.fine_places(numbers[known]), minlength=layouts.FINE)
    seen, often = np.unique(numbers[known], return_counts=True)
    novel = np.flatnonzero(~np.isin(seen, plan.common))
    top = (0.0, 0, 0)
    if len(novel):
        best = novel[often[novel].argmax()]
        top = (float(seen[best]), int(often[best]), _stuck(layout, window, numbers == seen[best]))
    return Raw(rare=int(fine[plan.rare].sum()), top=top, distinct=len(seen), fine=fine)


def _unseen(plan: Plan, values: Array) -> Raw:
    counts = pd.Series(values).value_counts()
    new = {str(v): int(c) for v, c in counts.items() if v not in plan.codes}
    names = sorted(new, key=lambda v: (-new[v], v))[:NAMES]
    return Raw(unseen=sum(new.values()), names=tuple(names), distinct=len(counts))


def _stuck(layout: Layout, window: Window, equal: Array) -> int:
    """Rows of entities (two rows or more) all of whose rows are `equal`; the entity that has most."""
    found = 0
    for name in layout.entities:
        ids = window.columns.get(name)
        if ids is None:
            continue
        inverse, kinds = pd.factorize(ids)
        known = inverse >= 0
        total = np.bincount(inverse[known], minlength=len(kinds))
        same = np.bincount(inverse[known], weights=equal[known], minlength=len(kinds))
        found = max(found, int(same[(same == total) & (total > 1)].sum()))
    return found


def _ledger(layout: Layout, name: str, window: Window) -> Ledger:
    inverse, kinds = pd.factorize(window.columns[name])
    known = inverse >= 0
    place = layouts.hashed(np.asarray(kinds)) if len(kinds) else np.zeros(0)
    kept = np.flatnonzero(place < layout.entities[name])
    kept = kept[np.argsort(place[kept])]
    held, claimed = {}, {}
    for claim in layout.claims:
        if claim.entity != name:
            continue
        values, added = window.columns.get(claim.name), _added(claim, window)
        if added is not None:
            total = np.bincount(inverse[known], weights=added[known], minlength=len(kinds))
            held[claim.name] = total[kept]
        if values is not None and values.dtype.kind == "f":
            said = np.full(len(kinds), np.nan)
            said[inverse[known][::-1]] = values[known][::-1]  # the first row's: the day's beginning
            claimed[claim.name] = said[kept]
    return Ledger(len(kinds), int(known.sum()), place[kept], held, claimed)


def _added(claim: Claim, window: Window) -> Array | None:
    """What each row adds to a claim, float64 (n,); None where a column that it needs is not there."""
    needed = [w.column for w in claim.where] + ([claim.column] if claim.column else [])
    if any(name not in window.columns for name in needed):
        return None
    counted = conditions.mask(claim.where, window.columns, window.rows)
    if claim.column is None:
        return counted.astype(np.float64)
    numbers = arrays.numeric(window.columns[claim.column])
    return None if numbers is None else np.where(counted & ~np.isnan(numbers), numbers, 0.0)


def _repeated(key: Array | None) -> int:
    return 0 if key is None else len(key) - len(pd.unique(pd.Series(key)))


def _astray(layout: Layout, window: Window, first: np.datetime64 | None) -> int:
    if layout.time is None or first is None or layout.time not in window.columns:
        return 0
    day = window.columns[layout.time].astype("datetime64[D]")
    return int(((day < first) | (day >= first + layout.period_days * DAY)).sum())
