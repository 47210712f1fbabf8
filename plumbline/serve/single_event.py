"""The features of one event in plain Python, from its entities' histories: bisect and integer sums.

The same definitions as `plumbline.features.batch`, bit for bit; serving keeps a `History` per entity.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from plumbline.core import conditions, row_features
from plumbline.core.declarations import (
    EVERY_ID,
    Array,
    Column,
    Entity,
    Fresh,
    Hourly,
    Measure,
    Snapshot,
)
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase import FeatureSet

RawEvent = Mapping[str, Any]
"""One event's known columns as plain values: int, float, str, bool, datetime without zone, None."""

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZERO = 0


@dataclass(frozen=True)
class RunningSums:
    """Times in ascending order and, per measure, running counts and sums before each of them.

    `counts[m][i]` and `sums[m][i]` cover the first i entries, so both are one longer than `times`.
    """

    times: tuple[datetime, ...]
    counts: Mapping[Measure, tuple[int, ...]]
    sums: Mapping[Measure, tuple[int, ...]]

    def between(self, measure: Measure, start: datetime, end: datetime) -> tuple[int, int]:
        """Count and integer sum of the entries with start <= time < end."""
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        count, total = self.counts[measure], self.sums[measure]
        return count[high] - count[low], total[high] - total[low]


@dataclass(frozen=True)
class History:
    """What is known of one entity: its events by time, its settled events by when they settled."""

    events: RunningSums
    settled: RunningSums


def history(
    usecase: FeatureSet, entity: Entity, events: Iterable[RawEvent], outcomes: Iterable[RawEvent]
) -> History:
    """The history of one entity's events, in any order.

    `events` hold their derived features as well (see `with_derived`). `outcomes` hold the key, `known_at` and the
    columns not known at prediction time. Those whose event is not among `events` are left out.
    """
    own = {e[usecase.key]: e for e in events}
    late = [{**own[o[usecase.key]], **o} for o in outcomes if o[usecase.key] in own]
    specs = [f for f in usecase.aggregates if f.entity == entity.name]
    plain = dict.fromkeys(f.measure for f in specs if not f.matured)
    matured = dict.fromkeys(f.measure for f in specs if f.matured)
    time = str(usecase.time)
    return History(
        _running_sums(own.values(), time, plain), _running_sums(late, "known_at", matured)
    )


def histories(
    usecase: FeatureSet, events: Iterable[RawEvent], outcomes: Iterable[RawEvent]
) -> dict[str, dict[Any, History]]:
    """Every history in the events: by entity name, then by id. Events without an id have none."""
    settled = {o[usecase.key]: o for o in outcomes}
    events = with_derived(usecase, events, settled.values())
    by_entity: dict[str, dict[Any, History]] = {}
    for entity in usecase.entities:
        groups: dict[Any, list[RawEvent]] = defaultdict(list)
        for event in events:
            if id_of(entity, event) is not None:
                groups[id_of(entity, event)].append(event)
        by_entity[entity.name] = {
            id_: history(usecase, entity, group, _of(usecase, group, settled))
            for id_, group in groups.items()
        }
    return by_entity


def id_of(entity: Entity, event: RawEvent) -> Any:
    """The event's id of the entity, None for none; the same for all where the entity is every event."""
    if entity.column is None:
        return EVERY_ID
    return None if conditions.is_null(event[entity.column]) else event[entity.column]


def with_derived(
    usecase: FeatureSet, events: Iterable[RawEvent], outcomes: Iterable[RawEvent]
) -> list[RawEvent]:
    """The events with their derived features, each from what was known at its time.

    A service keeps them with the event instead: `features` returned them when it answered.
    """
    events = list(events)
    if not usecase.derived:
        return events
    derivation = usecase.derivation
    known = histories(derivation, events, outcomes)
    return [
        {**event, **_derived(usecase, event, own_histories(derivation, event, known))}
        for event in events
    ]


def features(
    usecase: FeatureSet, event: RawEvent, known: Mapping[str, History]
) -> dict[str, float]:
    """Every declared feature of one event: snapshots, hourly, fresh and row features, category codes.

    `known` holds a history per entity name; one that is missing stands for an entity never seen.
    Entries at or after the event, and outcomes known only later, change nothing.
    """
    joined = aggregates(usecase, event, known)
    columns = {c.name: _array(c, _value(event, c, usecase)) for c in usecase.known}
    columns |= {name: np.array([value]) for name, value in joined.items()}
    computed = row_features.row_features(usecase, columns) | row_features.category_codes(
        usecase, columns
    )
    return joined | {name: float(value[0]) for name, value in computed.items()}


def aggregates(
    usecase: FeatureSet, event: RawEvent, known: Mapping[str, History]
) -> dict[str, float]:
    """The snapshot, hourly and fresh features alone."""
    return {spec.name: aggregate(usecase, spec, event, known) for spec in usecase.aggregates}


def aggregate(
    usecase: FeatureSet,
    spec: Snapshot | Hourly | Fresh,
    event: RawEvent,
    known: Mapping[str, History],
) -> float:
    """One snapshot, hourly or fresh feature."""
    past = known.get(spec.entity)
    if past is None or id_of(usecase.entity(spec.entity), event) is None:
        return _divide(spec, ZERO, ZERO)
    return _divide(spec, *_sums(spec, past, event[str(usecase.time)]))


def _sums(spec: Snapshot | Hourly | Fresh, past: History, at: datetime) -> tuple[int, int]:
    full_hour = at.replace(minute=0, second=0, microsecond=0)
    midnight = full_hour.replace(hour=0)
    sums = past.settled if spec.matured else past.events
    if isinstance(spec, Fresh):
        return sums.between(spec.measure, midnight, at)
    tile, own = (DAY, midnight) if isinstance(spec, Snapshot) else (HOUR, full_hour)
    end = own - (spec.lag - 1) * tile
    return sums.between(spec.measure, end - spec.length * tile, end)


def _divide(spec: Snapshot | Hourly | Fresh, count: int, total: int) -> float:
    if spec.aggregate == "count":
        return float(count)
    if spec.aggregate == "sum":
        return float(total)
    return float(total) / float(count) if count else spec.empty_value


def _running_sums(rows: Iterable[RawEvent], time: str, measures: Iterable[Measure]) -> RunningSums:
    ordered = sorted(rows, key=lambda row: row[time])
    counts: dict[Measure, tuple[int, ...]] = {}
    sums: dict[Measure, tuple[int, ...]] = {}
    for measure in measures:
        values = [_measured(measure, row) for row in ordered]
        counts[measure] = _running([0 if v is None else 1 for v in values])
        sums[measure] = _running([0 if v is None else v for v in values])
    return RunningSums(tuple(row[time] for row in ordered), counts, sums)


def _measured(measure: Measure, event: RawEvent) -> int | None:
    """What the event adds to the sum; None where it does not count."""
    if not conditions.holds(measure.where, event):
        return None
    if measure.column is None:
        return 1
    value = event[measure.column]
    if conditions.is_null(value):
        return None
    if not measure.edges:
        return int(value)
    return bisect_right(measure.edges, int(value))


def _running(values: Iterable[int]) -> tuple[int, ...]:
    total, out = 0, [0]
    for value in values:
        total += value
        out.append(total)
    return tuple(out)


def _derived(
    usecase: FeatureSet, event: RawEvent, known: Mapping[str, History]
) -> dict[str, int | None]:
    computed = features(usecase.derivation, event, known)
    arrays = {name: np.array([computed[name]]) for name in usecase.derived}
    derived = row_features.derived_features(
        usecase, {usecase.key: np.array([event[usecase.key]]), **arrays}
    )
    return {n: None if np.isnan(v[0]) else int(v[0]) for n, v in derived.items()}


def own_histories(
    usecase: FeatureSet, event: RawEvent, known: Mapping[str, Mapping[Any, History]]
) -> dict[str, History]:
    """The event's own histories, of the entities that it has and that were seen before."""
    own = {e.name: known[e.name].get(id_of(e, event)) for e in usecase.entities}
    return {name: past for name, past in own.items() if past is not None}


def _of(
    usecase: FeatureSet, events: Iterable[RawEvent], outcomes: Mapping[Any, RawEvent]
) -> list[RawEvent]:
    return [outcomes[e[usecase.key]] for e in events if e[usecase.key] in outcomes]


def _value(event: RawEvent, column: Column, usecase: FeatureSet) -> Any:
    if column.name not in event:
        raise PlumblineError(
            f"the event has no '{column.name}', which {usecase.name} declares; {suggest(column.name, event)}"
        )
    value = event[column.name]
    return None if conditions.is_null(value) else value


def _array(column: Column, value: Any) -> Array:
    """A column of length 1 with the dtype that a table's column has."""
    if column.type == "timestamp":
        return np.array([value], "datetime64[us]")
    if column.type == "string":
        return np.array([value], object)
    floating = column.type == "float" or column.null or value is None
    if column.type == "bool" and not floating:
        return np.array([value], bool)
    return np.array([np.nan if value is None else value], np.float64 if floating else np.int64)
