"""How rows are split: timed cases into windows of whole days with gaps, plain tables by their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import ContractError, ParamsError
from plumbline.core.split_checks import TABLES
from plumbline.core.usecase import FeatureSet
from plumbline.features.params import Features

NAMES = TABLES
PLACES = np.array(["valid", "test", "current", "train"])


@dataclass(frozen=True)
class SplitWindow:
    """Whole days from `start` up to, not including, `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def windows(
    usecase: FeatureSet, params: Features, first: date, as_of: date
) -> dict[str, SplitWindow]:
    """The four windows, whole days back from `as_of`; `first` is the day of the first event.

    Between train and valid, and valid and test, lie `label_delay` days: a model that stands at a
    window's start knows only labels older than that. Raises ParamsError with the dates where the
    days do not suffice, or where current is shorter than the label delay.
    """
    gap = timedelta(days=usecase.delay_days)
    current = SplitWindow(as_of - timedelta(days=params.current_days), as_of)
    test = SplitWindow(current.start - timedelta(days=params.test_days), current.start)
    valid = SplitWindow(test.start - gap - timedelta(days=params.valid_days), test.start - gap)
    train = SplitWindow(first + timedelta(days=params.warmup_days), valid.start - gap)
    by_name = dict(zip(NAMES, (train, valid, test, current), strict=True))
    _check(usecase, params, by_name, first)
    return by_name


def by_key(params: Features, keys: Sequence[Any]) -> Array:
    """For a plain table: each row's table, by a hash of its key that no run or machine changes.

    Returns strings (n,): shares of valid, test and current as in params, the rest train. Raises
    ParamsError where the shares leave nothing to train on.
    """
    units = [_unit(str(key)) for key in keys]
    return PLACES[np.searchsorted(_edges(params), units, side="right")]


def of_rows(usecase: FeatureSet, params: Features, rows: Columns) -> dict[str, Array]:
    """For a plain table: by model table, which of its rows it has, bool (n,), as `usecase.split` says.

    `rows` holds what `needed` names, (n,) each. Raises ContractError where a row's table is none.
    """
    split = usecase.split
    if split.column is not None:
        return _given(usecase, split.column, rows[split.column])
    keys = rows[usecase.key].tolist()
    units = keys if split.group is None else _groups(rows[split.group].tolist(), keys)
    place = by_key(params, units)
    if split.stratify:
        place = _stratified(params, units, rows[usecase.label])
    return {name: place == name for name in NAMES}


def needed(usecase: FeatureSet) -> list[str]:
    """The columns that `of_rows` reads."""
    names = [usecase.key, usecase.split.column, usecase.split.group, usecase.label]
    return list(dict.fromkeys(n for n in names if n is not None))


def _edges(params: Features) -> Array:
    """Up to where in [0, 1) valid, test and current go; the rest is train."""
    edges = np.cumsum([params.valid_share, params.test_share, params.current_share])
    if edges[-1] >= 1:
        raise ParamsError(
            f"params.yaml, features: valid_share + test_share + current_share = {edges[-1]:g}, "
            "expected less than 1, so that rows are left to train on."
        )
    return np.asarray(edges)


def _given(usecase: FeatureSet, column: str, values: Array) -> dict[str, Array]:
    """As the column says; without rows of current, those of test."""
    by_name = {name: values == name for name in NAMES}
    odd = np.flatnonzero(~np.isin(values.astype(str), NAMES))
    if len(odd):
        raise ContractError(
            f"{usecase.name}: '{column}' is {values[odd[0]]!r} in {len(odd)} of {len(values)} rows; expected "
            f"one of {', '.join(NAMES)}. Correct it in the source, or by `derive`."
        )
    if not by_name["current"].any():
        by_name["current"] = by_name["test"]
    return by_name


def _groups(groups: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
    """Each row's group; a row without one is a group of its own."""
    return [("key", k) if g is None or g != g else g for g, k in zip(groups, keys, strict=True)]


def _stratified(params: Features, units: Sequence[Any], label: Array) -> Array:
    """Each row's table: of every class, the units in the order of their hashes, cut at the shares."""
    classes: dict[Any, float] = {}
    for unit, value in zip(units, label.tolist(), strict=True):
        classes[unit] = max(classes.get(unit, value), value)
    table: dict[Any, str] = {}
    for one in sorted(set(classes.values())):
        own = sorted(
            (u for u in classes if classes[u] == one), key=lambda u: (_unit(str(u)), str(u))
        )
        ends = np.rint(_edges(params) * len(own))
        cuts = np.searchsorted(ends, np.arange(len(own)), side="right")
        table |= dict(zip(own, PLACES[cuts].tolist(), strict=True))
    return np.array([table[unit] for unit in units])


def _unit(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _check(
    usecase: FeatureSet, params: Features, by_name: dict[str, SplitWindow], first: date
) -> None:
    where = f"params.yaml, {usecase.name}.features"
    if params.current_days < usecase.delay_days:
        raise ParamsError(
            f"{where}.current_days: got {params.current_days}, expected at least the label delay of "
            f"{usecase.delay_days} days: labels of the test window, which ends on "
            f"{by_name['current'].start}, are not all known by {by_name['current'].end}."
        )
    for name, window in by_name.items():
        if window.days < 1:
            raise ParamsError(
                f"{where}: the {name} window would run from {window.start} to {window.end}, which "
                f"is no whole day. Events span {first} to {by_name['current'].end}; of these "
                f"{(by_name['current'].end - first).days} days warmup_days, valid_days, test_days, "
                f"current_days and twice the label delay take {_taken(usecase, params)}. "
                "Shorten them, or move data.as_of."
            )


def _taken(usecase: FeatureSet, params: Features) -> int:
    own = params.warmup_days + params.valid_days + params.test_days + params.current_days
    return own + 2 * usecase.delay_days
