"""Which columns the monitor compares and how, and how much of the model depends on each.

A column is *raw* where the source fills it, and a feature where the project computes it; the `roots`
of a feature are the raw columns that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from plumbline.core.usecase import FeatureSet, UseCase

ColumnKind = Literal["numeric", "category", "identifier", "time"]
"""How values are counted: in bins, by value, not at all (only nulls), by the hour of the day."""


def gain_shares(booster: Any) -> dict[str, float]:
    """Each feature's share of the total gain of an XGBoost booster's splits, 0 to 1."""
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values())
    return {name: value / total for name, value in gain.items()} if total else {}


def monitored(usecase: UseCase) -> dict[str, ColumnKind]:
    """How each input is compared: every column and feature a model may use, but key and codes.

    A category is compared by the values of its column; an entity's id, and what is `forbidden`, only by
    its nulls: names of people are shown nowhere.
    """
    ids = set(usecase.entity_columns)
    coded = {c.column for c in usecase.categories}
    kinds: dict[str, ColumnKind] = {}
    for column in usecase.known:
        if column.name == usecase.key:
            continue
        if column.name == usecase.time:
            kinds[column.name] = "time"
        elif column.forbidden:
            kinds[column.name] = "identifier"
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
    """Each monitored column's share of the model's gain; that of a code goes to its column.

    The column that the prediction starts from has all of it.
    """
    columns = {c.name: c.column for c in usecase.categories}
    shares: dict[str, float] = {}
    for name, share in gain.items():
        column = columns.get(name, name)
        shares[column] = shares.get(column, 0.0) + share
    return shares | ({usecase.offset: 1.0} if usecase.offset else {})


def reach(usecase: UseCase, shares: Mapping[str, float]) -> dict[str, float]:
    """The share of the model's gain that depends on each column, itself or through features of it.

    `shares` as of `importance`. Sums may exceed 1: features that read the same column overlap.
    """
    out = dict.fromkeys(monitored(usecase), 0.0) | dict(shares)
    for name, columns in roots(usecase).items():
        for column in columns:
            out[column] = out.get(column, 0.0) + shares.get(name, 0.0)
    return out


def of_clock(usecase: FeatureSet) -> set[str]:
    """The row features that are read from the event time alone: hour, weekday, month."""
    found: set[str] = set()
    for row in usecase.rows:
        if usecase.time and set(row.inputs) <= {usecase.time, *found}:
            found.add(row.name)
    return found


def roots(usecase: FeatureSet) -> dict[str, tuple[str, ...]]:
    """The raw columns that each feature reads, directly or through other features, sorted.

    A history reads its entity's id, its column and the event time; a derived feature's, what that reads.
    """
    known = {c.name for c in usecase.known}
    reads: dict[str, set[str]] = {}
    if usecase.derived:
        derived = roots(usecase.derivation)
        reads = {name: set(derived[name]) for name in usecase.derived}
    for one in usecase.aggregates:
        keys = {str(usecase.entity(one.entity).column), str(usecase.time)} & known
        reads[one.name] = keys | reads.get(str(one.column), {str(one.column)} & known)
    for row in usecase.rows:
        reads[row.name] = set().union(*(reads.get(n, {n} & known) for n in row.inputs))
    reads |= {one.name: {one.column} for one in usecase.encodings}
    return {name: tuple(sorted(columns)) for name, columns in reads.items()}
