"""What a bundle recorded of its golden events: by column and score, the distribution that a window is held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Column
from plumbline.core.usecase import FeatureSet
from plumbline.serve.live_check.distributions import HOURS, DailyDistribution, Distribution
from plumbline.serve.single_event import RawEvent

SCORE = "score"
MISSING = float("-inf")
BLOCKS = 5
"""Parts of the recorded time."""
CALENDAR = ("year", "month", "day", "hour", "minute")
FOLLOWS = 0.9
"""Share of the events whose column is a part of their time, from which it is no value of its own."""


def columns(usecase: FeatureSet) -> list[Column]:
    """The columns that are watched: numbers, and text of declared values; no key, id, time or hidden column."""
    ids = {usecase.key, usecase.time, *(e.column for e in usecase.entities)}
    return [
        c
        for c in usecase.known
        if c.name not in ids
        and not c.forbidden
        and (c.type in ("int", "float", "bool") or c.allowed)
    ]


def numbers(column: Column, events: Sequence[RawEvent]) -> Array:
    """The column's values as numbers, float64 (n,): null below all others, declared text by its place."""
    values: list[Any] = [event[column.name] for event in events]
    if column.type == "string":
        places = {value: place for place, value in enumerate(column.allowed or ())}
        values = [None if value is None else places.get(value, len(places)) for value in values]
    return np.array([MISSING if value is None else value for value in values], np.float64)


def distributions(
    usecase: FeatureSet, events: Sequence[RawEvent], scores: Array
) -> Mapping[str, Distribution]:
    """By column, and `score`: of golden events and their scores (m, k), of which the first counts."""
    times = [event[usecase.time] for event in events] if usecase.time else []
    parts = _parts(times) if times else []
    found = {SCORE: _of_scores(np.asarray(scores)[:, 0], parts, times)}
    for column in columns(usecase):
        values = numbers(column, events)
        if not _is_calendar(values, times):
            found[column.name] = Distribution(values, parts)
    return found


def hours(times: Sequence[datetime]) -> Array:
    """How many of the times are in each hour of the day, int (24,)."""
    return np.bincount(np.array([time.hour for time in times], np.int64), minlength=24)


def _of_scores(scores: Array, parts: Sequence[Array], times: Sequence[datetime]) -> Distribution:
    """A score often follows the hour: it is compared within parts of the day then."""
    whole = Distribution(scores, parts)
    if whole.watched or not times:
        return whole
    return DailyDistribution(scores, np.array([time.hour for time in times]))


def _is_calendar(values: Array, times: Sequence[datetime]) -> bool:
    """Whether a column is the year, month, day, hour or minute of its event's time: one minute has one value of it."""
    own = [np.array([getattr(time, name) for time in times]) for name in CALENDAR] if times else []
    own += (
        [np.array([time.isoweekday() % 7 + k for time in times]) for k in (0, 1)] if times else []
    )
    return any(float(np.mean(values == one)) >= FOLLOWS for one in own)


def _parts(times: Sequence[datetime]) -> list[Array]:
    """The events by the part of the whole time, of the day, and of the week that they are of."""
    order = np.argsort(np.argsort(np.array(times, "datetime64[us]"), kind="stable"))
    return [
        order * BLOCKS // max(len(times), 1),
        np.array([time.hour // HOURS for time in times]),
        np.array([time.weekday() for time in times]),
    ]
