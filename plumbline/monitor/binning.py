"""What the monitor counts of each period: columns, their bins and vocabularies, their use by the model.

Laid out once, from the training window. A column is *raw* where the source fills it, and a feature
where the project computes it; `roots` are the raw columns that a feature reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import pandas as pd

from plumbline.core import arrays
from plumbline.core.declarations import Array, Where
from plumbline.core.usecase import FeatureSet, UseCase
from plumbline.monitor import drift
from plumbline.monitor.window import Window

Kind = Literal["numeric", "category", "identifier", "time"]
"""How values are counted: in bins, by value, not at all (only nulls), by the hour of the day."""

BINS = 16
"""Quantile bins of a numeric column and of the score."""
STEPS = 8
"""Bins per doubling of the fine grid, on which a factor is a shift."""
FINE = 641
"""Bins of the fine grid: zero, and 40 doublings in either direction."""
RARE = 0.002
"""Share of the training rows in the sparsest part of a fine grid: values there are out of range."""
COMMON = 0.003
"""Share of the training rows from which one exact value is no surprise."""
HOURS = 24
IDS = 500
"""Ids of an entity whose rows are counted one by one, about."""
LONGEST = 7
"""Days of a count that past sketches confirm, at most."""
ROWS = 200_000
"""Training rows that are counted, at most."""


@dataclass(frozen=True)
class Plan:
    """How one column is counted.

    `size` bins from `start` in a sketch's counts. `edges` ascending, inner (numeric); `vocabulary`
    the values seen in training or allowed (category). `order` float (size,): the bins' normal scores,
    by which a shift has a direction; None where bins have no order. `importance` is its share of the
    model's gain; `reach` includes the features that read it. `rare` bool (FINE,) and `common` values
    are for raw numbers.
    """

    name: str
    kind: Kind
    raw: bool
    importance: float
    reach: float
    roots: tuple[str, ...] = ()
    start: int = 0
    size: int = 0
    edges: Array = field(default_factory=lambda: np.zeros(0))
    vocabulary: tuple[Any, ...] = ()
    order: Array | None = None
    rare: Array | None = None
    common: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def place(self) -> slice:
        """Where its bins stand in a sketch's counts."""
        return slice(self.start, self.start + self.size)

    @cached_property
    def codes(self) -> dict[Any, int]:
        """The place of each value of the vocabulary."""
        return {value: place for place, value in enumerate(self.vocabulary)}


@dataclass(frozen=True)
class Claim:
    """A snapshot feature that says how many rows of an entity, of those in `where`, `days` days had; or
    with a `column`, what its values there add up to."""

    name: str
    entity: str
    days: int
    where: tuple[Where, ...] = ()
    column: str | None = None


@dataclass(frozen=True)
class Layout:
    """The plan of a use case's columns and of its score (last), and the training window's counts.

    `training` int (bins,), `fine` per raw number its fine grid there. `entities`: id columns, and the share of their ids whose
    rows are counted one by one; `claims` are held against these counts.
    """

    problem: Literal["classification", "regression"]
    key: str
    time: str | None
    label_delay: int
    period_days: int
    entities: Mapping[str, float]
    claims: tuple[Claim, ...]
    plans: tuple[Plan, ...]
    score: Plan
    training: Array
    fine: Mapping[str, Array]
    rows: int

    @property
    def bins(self) -> int:
        """Length of a sketch's counts."""
        return self.score.start + self.score.size

    @cached_property
    def named(self) -> dict[str, Plan]:
        """The columns' plans by name."""
        return {plan.name: plan for plan in self.plans}


def gain_shares(booster: Any) -> dict[str, float]:
    """Each feature's share of the total gain of an XGBoost booster's splits, 0 to 1."""
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values())
    return {name: value / total for name, value in gain.items()} if total else {}


def monitored(usecase: UseCase) -> dict[str, Kind]:
    """How each input is compared: every column and feature a model may use, but key and codes.

    A category is compared by its column's values, an entity's id only by its nulls.
    """
    ids = {e.column for e in usecase.entities}
    coded = {c.column for c in usecase.categories}
    kinds: dict[str, Kind] = {}
    for column in usecase.known:
        if column.name == usecase.key:
            continue
        if column.name == usecase.time:
            kinds[column.name] = "time"
        elif (
            column.allowed
            or column.name in coded
            or (column.type in ("string", "bool") and column.name not in ids)
        ):
            kinds[column.name] = "category"
        else:
            kinds[column.name] = "identifier" if column.name in ids else "numeric"
    codes = {c.name for c in usecase.categories}
    features = sorted(usecase.available - set(kinds) - codes - {usecase.key})
    return kinds | dict.fromkeys(features, "numeric")


def importance(usecase: UseCase, gain: Mapping[str, float]) -> dict[str, float]:
    """Each monitored column's share of the model's gain; a code's goes to its column.

    A column that the prediction starts from counts in full.
    """
    columns = {c.name: c.column for c in usecase.categories}
    shares: dict[str, float] = {}
    for name, share in gain.items():
        column = columns.get(name, name)
        shares[column] = shares.get(column, 0.0) + share
    return shares | ({usecase.offset: 1.0} if usecase.offset else {})


def roots(usecase: FeatureSet) -> dict[str, tuple[str, ...]]:
    """The raw columns that each feature reads, directly or through other features, sorted.

    A history reads its entity's id, its column and the event time; a derived feature's, what that reads.
    """
    known = {c.name for c in usecase.known}
    found: dict[str, set[str]] = {}
    if usecase.derived:
        derived = roots(usecase.derivation)
        found = {name: set(derived[name]) for name in usecase.derived}
    for one in usecase.aggregates:
        named = {usecase.entity(one.entity).column, str(usecase.time)} & known
        found[one.name] = named | found.get(str(one.column), {str(one.column)} & known)
    for row in usecase.rows:
        found[row.name] = set().union(*(found.get(n, {n} & known) for n in row.inputs))
    return {name: tuple(sorted(columns)) for name, columns in found.items()}


def claims(usecase: UseCase) -> tuple[Claim, ...]:
    """The counts and sums over at most LONGEST days, which past sketches can confirm."""
    return tuple(
        Claim(s.name, usecase.entity(s.entity).column, s.days, s.where, s.column)
        for s in usecase.snapshots
        if s.aggregate in ("count", "sum") and not (s.matured or s.edges) and s.days <= LONGEST
    )


def hashed(ids: Array) -> Array:
    """A number in [0, 1) for each id, the same in every run, float64 (n,)."""
    return pd.util.hash_array(ids) / 2.0**64


def _sampled(training: Window, column: str) -> float:
    """The share of an entity's ids of which about IDS come on a training day."""
    values = training.columns.get(column)
    if values is None or not len(values):
        return 1.0
    seen = len(pd.unique(pd.Series(values))) if training.days <= 1 else _daily(training, values)
    return min(1.0, IDS / max(1, seen))


def _daily(training: Window, values: Array) -> int:
    """Different ids of the training window's last day."""
    if training.day is None:
        return len(values)
    last = values[training.day == training.day.max()]
    return len(pd.unique(pd.Series(last)))


def layout(
    usecase: UseCase, gain: Mapping[str, float], training: Window, *, period_days: int = 1
) -> Layout:
    """Bins, vocabularies and importance from the training window; `gain` as of `gain_shares`.

    At most ROWS rows are counted, evenly spread.
    """
    if training.rows > ROWS:
        training = training.take(np.linspace(0, training.rows - 1, ROWS).astype(np.int64))
    shares, reads = importance(usecase, gain), roots(usecase)
    kinds = monitored(usecase)
    reach = dict.fromkeys(kinds, 0.0) | shares
    for name, columns in reads.items():
        for column in columns:
            reach[column] = reach.get(column, 0.0) + shares.get(name, 0.0)
    raw = {c.name for c in usecase.known}
    plans, start, fine = [], 0, {}
    for name, kind in kinds.items():
        values = training.columns.get(name)
        plan = _plan(usecase, name, kind, values, raw=name in raw)
        plan = _with(plan, start, shares.get(name, 0.0), min(1.0, reach[name]), reads.get(name, ()))
        if plan.rare is not None and values is not None:
            fine[name] = fine_counts(values)
        plans.append(plan)
        start += plan.size
    score = _with(_numeric("score", training.score, raw=False), start, 1.0, 1.0, ())
    made = Layout(
        problem=usecase.problem,
        key=usecase.key,
        time=usecase.time,
        label_delay=usecase.label_delay,
        period_days=period_days,
        entities={e.column: _sampled(training, e.column) for e in usecase.entities},
        claims=claims(usecase) if period_days == 1 else (),
        plans=tuple(plans),
        score=score,
        training=np.zeros(start + score.size, np.int64),
        fine=fine,
        rows=training.rows,
    )
    return replace(made, training=counts(made, training))


def counts(plan: Layout, window: Window) -> Array:
    """Rows per bin of every column and of the score, int64 (bins,); nulls are in none."""
    found = np.zeros(plan.bins, np.int64)
    for one in plan.plans:
        values = window.columns.get(one.name)
        if values is not None and one.size:
            found[one.place] = column_counts(one, values)
    found[plan.score.place] = column_counts(plan.score, window.score)
    return found


def column_counts(plan: Plan, values: Array) -> Array:
    """Rows per bin of one column, int64 (size,)."""
    if plan.kind == "time":
        known = values[~np.isnat(values)]
        hours = (known.astype("datetime64[h]") - known.astype("datetime64[D]")).astype(np.int64)
        return np.bincount(hours, minlength=HOURS)
    if plan.kind == "category":
        inverse, kinds = pd.factorize(values)  # -1 for a null
        codes = np.array([plan.codes.get(k, plan.size - 1) for k in kinds], np.int64)
        return np.bincount(codes[inverse[inverse >= 0]], minlength=plan.size)
    numbers = arrays.numeric(values)
    if numbers is None:
        return np.zeros(plan.size, np.int64)
    known = numbers[~np.isnan(numbers)]
    return np.bincount(np.searchsorted(plan.edges, known), minlength=plan.size)


def fine_places(values: Array) -> Array:
    """The bin of each number on the fine grid, int64 (n,): signed logarithm, STEPS per doubling."""
    size = np.rint(STEPS * np.log2(1 + np.abs(values)))
    middle = FINE // 2
    return (middle + np.sign(values) * np.minimum(size, middle)).astype(np.int64)


def fine_counts(values: Array) -> Array:
    """Rows per bin of the fine grid, int64 (FINE,)."""
    numbers = arrays.numeric(values)
    if numbers is None:
        return np.zeros(FINE, np.int64)
    return np.bincount(fine_places(numbers[np.isfinite(numbers)]), minlength=FINE)


def _with(plan: Plan, start: int, share: float, reach: float, columns: tuple[str, ...]) -> Plan:
    return replace(plan, start=start, importance=share, reach=reach, roots=columns)


def _plan(usecase: UseCase, name: str, kind: Kind, values: Array | None, *, raw: bool) -> Plan:
    if kind == "identifier" or values is None:
        return Plan(name, kind, raw, 0.0, 0.0)
    if kind == "time":
        return Plan(name, kind, raw, 0.0, 0.0, size=HOURS)
    if kind == "category":
        allowed = next((c.allowed for c in usecase.columns if c.name == name), ())
        seen = pd.Series(values).value_counts()
        ordered = [v for v, _ in sorted(seen.items(), key=lambda i: (-i[1], str(i[0])))]
        kept = tuple(dict.fromkeys((*allowed, *ordered[: drift.CATEGORIES])))
        return Plan(name, kind, raw, 0.0, 0.0, size=len(kept) + 1, vocabulary=kept)
    return _numeric(name, values, raw=raw)


def _numeric(name: str, values: Array, *, raw: bool) -> Plan:
    numbers = arrays.numeric(values)
    known = np.zeros(0) if numbers is None else numbers[np.isfinite(numbers)]
    if not len(known):
        return Plan(name, "numeric", raw, 0.0, 0.0)
    edges = drift.bin_edges(known, BINS)
    filled = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    plan = Plan(
        name, "numeric", raw, 0.0, 0.0, size=len(filled), edges=edges, order=_normal(filled)
    )
    if not raw:
        return plan
    seen, often = np.unique(known, return_counts=True)
    return replace(plan, rare=_rare(fine_counts(known)), common=seen[often > COMMON * len(known)])


def _normal(filled: Array) -> Array:
    """Normal scores of the middles of bins (Blom 1958), float (size,)."""
    total = filled.sum()
    middle = (np.cumsum(filled) - filled / 2 + 0.5) / (total + 1)
    return np.array([NormalDist().inv_cdf(float(m)) for m in middle])


def _rare(fine: Array) -> Array:
    """The sparsest bins of the fine grid, which together hold RARE of the rows."""
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(fine, kernel, mode="same")
    order = np.argsort(smooth, kind="stable")
    held = np.cumsum(fine[order])
    rare = np.zeros(FINE, bool)
    rare[order[held <= RARE * fine.sum()]] = True
    return rare
