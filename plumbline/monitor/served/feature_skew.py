"""Whether the features that were logged are those that the batch computes. Pure.

A row feature differs on its own where all that it reads is equal: then its code is the cause. What reads a
feature that differs is named with it and raises nothing of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.core.documents import finite, rounded
from plumbline.core.safe_text import one_line
from plumbline.core.usecase import UseCase
from plumbline.monitor.served.served_report import FeatureSkew, ParityReport
from plumbline.monitor.served.served_rows import MatchedRows

ROUNDING = 1e-9
"""Relative difference that processors may make in what a row function computes."""
FEW = 50
"""Events of a day, below which it is not looked at alone; equal ones after which a skew may be over."""
SOME = 5
"""Differing events of a day, below which they count with the other days: a late event alone changes a few."""
CHANCE = 0.01
"""The chance of as many equal events without a change, by which it is."""


@dataclass(frozen=True)
class ModelMark:
    """How the log names this commit's model and its features: md5s of the bundle's folder and the definitions."""

    bundle: str
    definitions: str


def report(usecase: UseCase, served: MatchedRows, model: ModelMark, *, live: bool) -> ParityReport:
    """The comparison of n events served by one bundle; `live`: they were answered, not scored as a shadow's."""
    rows = served.rows
    mark = {
        "bundle": str(rows.bundle[0]),
        "live": live,
        "this_model": rows.bundle[0] == model.bundle,
    }
    shared = [name for name in features(usecase) if _comparable(served, name, model)]
    differs = {name: _differs(served, name, model) for name in shared}
    broken = np.any([*differs.values(), np.zeros(len(served), bool)], axis=0)
    skewed = [_skew(usecase, served, n, differs) for n in shared if differs[n].any()]
    return ParityReport(
        **mark,
        features=len(shared),
        rows=len(served),
        equal=int((~broken).sum()),
        skewed=tuple(sorted(skewed, key=lambda s: (not s.own, -s.own, -s.differing, s.name))),
        other_definitions=int((rows.definitions != model.definitions).sum()),
        score=_score(served, broken) if mark["this_model"] else None,
    )


def features(usecase: UseCase) -> list[str]:
    """The features that a service logs: histories, row features, codes of categories."""
    named = (*usecase.aggregates, *usecase.rows, *usecase.categories)
    return list(dict.fromkeys(one.name for one in named))


def unequal(one: Array, other: Array) -> Array:
    """Where two arrays of numbers differ by more than rounding; NaN equals NaN.

    >>> unequal(np.array([1.0, 1.0, np.nan, np.nan]), np.array([1.0, 1.1, np.nan, 0.0]))
    array([False,  True, False,  True])
    """
    with np.errstate(invalid="ignore"):
        close = np.abs(one - other) <= ROUNDING * np.maximum(np.abs(one), np.abs(other))
    close &= np.isfinite(one) & np.isfinite(other)
    return ~(close | (one == other) | (np.isnan(one) & np.isnan(other)))


def _comparable(served: MatchedRows, name: str, model: ModelMark) -> bool:
    """Whether the batch has numbers, and a row was logged with the feature, or should have been."""
    values, rows = served.event.columns.get(name), served.rows
    logged = name in rows.features and bool(rows.given[name].any())
    expected = bool((rows.definitions == model.definitions).any())
    return values is not None and arrays.is_number(values) and (logged or expected)


def _logged(served: MatchedRows, name: str) -> Array:
    return served.rows.features.get(name, np.full(len(served), np.nan))


def _differs(served: MatchedRows, name: str, model: ModelMark) -> Array:
    """Where the feature differs; a row of other definitions that lacks it does not."""
    same_definitions = served.rows.definitions == model.definitions
    given = served.rows.given.get(name, np.zeros(len(served), bool))
    return (given | same_definitions) & unequal(_logged(served, name), _batch(served, name))


def _batch(served: MatchedRows, name: str) -> Array:
    return served.event.columns[name].astype(np.float64)


def _skew(
    usecase: UseCase, served: MatchedRows, name: str, differs: Mapping[str, Array]
) -> FeatureSkew:
    differing = differs[name]
    causes = {n: differs[n] for n in reads(usecase, name) if n in differs and differs[n].any()}
    own = differing & ~np.any([*causes.values(), np.zeros(len(served), bool)], axis=0)
    if causes and not _is_row(usecase, name):
        own = np.zeros(len(served), bool)  # a history sums what differs in other events
    skew = _measured(name, served, differing, _logged(served, name), _batch(served, name))
    found = {"own": int(own.sum()), "worst": _worst(_days(served), own), "reads": tuple(causes)}
    return skew.model_copy(update=found)


def _measured(
    name: str, served: MatchedRows, differing: Array, logged: Array, batch: Array
) -> FeatureSkew:
    """The size of the differences of two arrays (n,), and the first event that differs."""
    first = int(np.flatnonzero(differing)[0])
    day = _days(served)
    with np.errstate(invalid="ignore"):
        distance = np.abs(logged - batch)[differing]
    finite_ones = distance[np.isfinite(distance)]
    return FeatureSkew(
        name=name,
        rows=len(served),
        differing=int(differing.sum()),
        own=int(differing.sum()),
        worst=_worst(day, differing),
        largest=float(finite_ones.max()) if len(finite_ones) else None,
        first_day=str(day[differing].min()),
        until=_until(day, differing),
        request=one_line(served.rows.request_id[first], 80),
        key=one_line(served.rows.key[first], 80),
        served=finite(float(logged[first])),
        batch=finite(float(batch[first])),
    )


def _days(served: MatchedRows) -> Array:
    """The day of each event, of its receipt without time; datetime64[D] (n,)."""
    return served.event.day if served.event.day is not None else served.rows.day


def _worst(day: Array, rows: Array) -> float:
    """The largest share on a day with enough events and SOME of `rows`, at least that of all days."""
    _, place = np.unique(day, return_inverse=True)
    every, some = np.bincount(place), np.bincount(place, rows)
    enough = (every >= FEW) & (some >= SOME)
    shares = some[enough] / every[enough]
    return rounded(max([float(rows.mean()), *shares.tolist()]))


def _until(day: Array, differing: Array) -> str | None:
    """The last day with a difference, where so many events since then are equal that it is over; None where not."""
    last = day[differing].max()
    before, after = differing[day <= last].mean(), int((day > last).sum())
    return str(last) if after >= FEW and (1 - before) ** after < CHANCE else None


def _is_row(usecase: UseCase, name: str) -> bool:
    return any(row.name == name for row in usecase.rows)


def reads(usecase: UseCase, name: str) -> tuple[str, ...]:
    """The features that a feature reads, itself or through others: of a history those that it sums."""
    for row in usecase.rows:
        if row.name == name:
            return tuple(
                dict.fromkeys(n for i in row.inputs for n in (i, *reads(usecase, i)) if n != name)
            )
    for one in usecase.aggregates:
        if one.name == name and one.column in usecase.derived:
            return (str(one.column),)
    return ()


def _score(served: MatchedRows, broken: Array) -> FeatureSkew | None:
    """The scores that differ from what this commit's model gives to the batch's equal features; None: none does."""
    batch = served.event.answer.reshape(len(served), -1)
    logged = served.rows.answers
    if batch.shape != logged.shape:
        return None
    apart = np.array([unequal(one, other) for one, other in zip(logged.T, batch.T, strict=True)])
    differing = apart.any(axis=0) & ~broken
    if not differing.any():
        return None
    worst = int(apart[:, np.flatnonzero(differing)[0]].argmax())
    return _measured("score", served, differing, logged[:, worst], batch[:, worst])
