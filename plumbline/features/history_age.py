"""How old an event's newest history is: hours since the last thing that its features could have seen.

Per entity. What fresh features see ends at the event, what hourly ones and snapshots see at the full
hour and at midnight. Of an entity whose features count labels alone, the newest history is the last
label that became known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis

from plumbline.core import history_ages
from plumbline.core.declarations import Entity, Fresh, Hourly, Snapshot
from plumbline.core.documents import Document
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, tiles
from plumbline.features.tiles import IbisTable, IbisValue

Spec = Snapshot | Hourly | Fresh
Groups = Mapping[tuple[str, int | None], int]
"""Rows by window and group of ages; None: rows without a history."""
EDGES = (1, 6, 24, 72, 168, 720)
"""Hours, between the groups of ages that are counted."""


class HistoryAges(Document):
    """Events by the age of an entity's newest history: counts between the `edges` in hours, one more
    than edges; `none`: events without a history."""

    edges: list[int]
    counts: list[int]
    none: int


@dataclass(frozen=True)
class AgedHistories:
    """By entity, what its features could see on some days (`__id`, `__at`), and the newest of each id before them."""

    moments: Mapping[str, IbisTable]
    before: Mapping[str, IbisTable] = field(default_factory=dict)

    def of(self, entity: Entity) -> IbisTable:
        """All of it."""
        own, old = self.moments[entity.name], self.before.get(entity.name)
        return own if old is None else ibis.union(own, old.select(own.columns))


def with_ages(
    usecase: FeatureSet, rows: IbisTable, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    """`rows` with each entity's age in hours, float64; null where there is no history.

    `events`, `outcomes`: the history, of which the rows may be a part.
    """
    entities = history_ages.entities(usecase)
    every = {e.name: moments(usecase, e, events, outcomes) for e in entities}
    return aged(usecase, rows, AgedHistories(every))


def aged(usecase: FeatureSet, rows: IbisTable, history: AgedHistories) -> IbisTable:
    """As `with_ages`, from histories of which the rows may be a part."""
    for entity in history_ages.entities(usecase):
        found = _seen(usecase, entity, rows, history.of(entity))
        found = found.filter(found["__id"].notnull()).group_by("__key")
        newest_of = found.agg(__newest=ibis._["__newest"].max())  # a key may come twice
        joined = rows.left_join(newest_of, rows[usecase.key] == newest_of["__key"])
        hours = _hours(joined[usecase.time], joined["__newest"])
        rows = joined.mutate(**{history_ages.column(entity): hours}).drop("__key", "__newest")
    return rows


def moments(
    usecase: FeatureSet, entity: Entity, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    """`__id` and `__at` of what the entity's features see: of the events, or of the outcomes where they see no other."""
    if sees_events(usecase, entity):
        rows = events.select(__id=tiles.id_of(entity, events), __at=events[usecase.time])
    else:
        rows = tiles.settled(usecase, entity, events, outcomes).select("__id", "__at")
    return rows.filter(rows["__id"].notnull())


def newest(history: IbisTable) -> IbisTable:
    """The newest moment of each id."""
    return history.group_by("__id").agg(__at=history["__at"].max())


def sees_events(usecase: FeatureSet, entity: Entity) -> bool:
    """Whether some of the entity's features see events whose outcomes are not known."""
    return any(not s.matured for s in usecase.aggregates if s.entity == entity.name)


def lag_days(usecase: FeatureSet, entity: Entity) -> int:
    """How many days before an event's own the nearest-looking of the entity's features stops, at most."""
    return min(_lag(spec) for spec in _looking(usecase, entity))


def counted(usecase: FeatureSet, rows: IbisTable) -> dict[str, HistoryAges]:
    """By entity, the rows by age; `rows` as `with_ages` gives them."""
    return {
        e.name: document([_grouped(rows.select(hours=history_ages.column(e), window=_EVERY))])
        for e in history_ages.entities(usecase)
    }


def groups(
    usecase: FeatureSet,
    entity: Entity,
    rows: IbisTable,
    history: AgedHistories,
    windows: Mapping[str, tuple[date, date]],
) -> Groups:
    """How many of the rows each window (first day, day after) has of each group of ages.

    `rows`: all events of the days that `history` is of.
    """
    if any(isinstance(s, Fresh) for s in _looking(usecase, entity) if not s.matured):
        seen = _seen_of_all(usecase, entity, rows, history.before.get(entity.name))
    else:
        seen = _seen(usecase, entity, rows, history.of(entity))
    window = ibis.literal(None, "string")
    for name, (first, after) in windows.items():
        inside = batch.on_days(seen["__time"], first, after)
        window = inside.ifelse(ibis.literal(name), window)
    known = seen["__id"].isnull().ifelse(ibis.null(seen.schema()["__newest"]), seen["__newest"])
    ages = seen.select(hours=_hours(seen["__time"], known), window=window)
    return _grouped(ages.filter(ages.window.notnull()))


def document(parts: Iterable[Groups], window: str = "") -> HistoryAges:
    """The rows of one window, of all parts together."""
    rows: Counter[int | None] = Counter()
    for part in parts:
        rows.update({group: n for (own, group), n in part.items() if own == window})
    counts = [rows[place] for place in range(len(EDGES) + 1)]
    return HistoryAges(edges=list(EDGES), counts=counts, none=rows[None])


_EVERY = ibis.literal("")


def _grouped(ages: IbisTable) -> Groups:
    group = sum(((ages.hours >= edge).cast("int64") for edge in EDGES), ibis.literal(0, "int64"))
    table = ages.select("window", group=group).group_by("window", "group")
    found = table.agg(rows=ibis._.count()).to_pyarrow().to_pylist()
    return {(row["window"], row["group"]): row["rows"] for row in found}


def _hours(time: IbisValue, newest_at: IbisValue) -> IbisValue:
    return (time.delta(newest_at, unit="second") / 3600.0).cast("float64")


def _seen(usecase: FeatureSet, entity: Entity, rows: IbisTable, history: IbisTable) -> IbisTable:
    """Of each row `__key`, `__id`, `__time`, and the newest moment that the features see (`__newest`)."""
    moment = history.schema()["__at"]
    own = rows.select(
        __key=rows[usecase.key],
        __id=tiles.id_of(entity, rows),
        __time=rows[usecase.time],
        __at=_until(_looking(usecase, entity), rows[usecase.time]).cast(moment),
        __moment=ibis.null(moment),
        __own=True,
    )
    types = own.schema()
    past = history.mutate(
        __key=ibis.null(types["__key"]),
        __time=ibis.null(types["__time"]),
        __moment=history["__at"],
        __own=False,
    )
    return _newest_before(ibis.union(own, past.select(own.columns)))


def _seen_of_all(
    usecase: FeatureSet, entity: Entity, rows: IbisTable, before: IbisTable | None
) -> IbisTable:
    """As `_seen`, where each row sees the others up to its own time: each is looked at once."""
    at = rows[usecase.time]
    own = rows.select(__id=tiles.id_of(entity, rows), __time=at, __at=at, __moment=at, __own=True)
    if before is not None:
        old = before["__at"]
        past = before.select("__id", __time=old, __at=old, __moment=old, __own=False)
        own = ibis.union(own, past.select(own.columns))
    return _newest_before(own)


def _newest_before(both: IbisTable) -> IbisTable:
    earlier = ibis.range_window(
        group_by=both["__id"],
        order_by=both["__at"],
        preceding=(None, ibis.interval(microseconds=1)),
    )
    seen = both.mutate(__newest=both["__moment"].max().over(earlier))
    return seen.filter(seen["__own"])


def _looking(usecase: FeatureSet, entity: Entity) -> list[Spec]:
    """The features that say how near the entity's history is looked at."""
    specs = [s for s in usecase.aggregates if s.entity == entity.name]
    return [s for s in specs if not s.matured] or specs


def _lag(spec: Spec) -> int:
    if isinstance(spec, Fresh):
        return 0
    return spec.lag - 1 if isinstance(spec, Snapshot) else -(-(spec.lag - 1) // 24)


def _until(specs: Iterable[Spec], at: IbisValue) -> IbisValue:
    """Up to when the nearest-looking of the features sees."""
    listed = list(specs)
    if any(isinstance(s, Fresh) for s in listed):
        return at
    ends: list[Any] = []
    for spec in listed:
        if isinstance(spec, Hourly):
            ends.append(at.truncate("h") - ibis.interval(hours=spec.lag - 1))
        elif isinstance(spec, Snapshot):
            ends.append(at.truncate("D") - ibis.interval(days=spec.lag - 1))
    return ibis.greatest(*ends) if len(ends) > 1 else ends[0]
