"""How old an event's newest history is: hours since the last thing that its features could have seen.

Per entity. What fresh features see ends at the event, what hourly ones and snapshots see at the full
hour and at midnight. Of an entity whose features count labels alone, the newest history is the last
label that became known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis

from plumbline.core import history_ages
from plumbline.core.declarations import Entity, Fresh, Hourly, Snapshot
from plumbline.core.documents import Document
from plumbline.core.usecase import FeatureSet
from plumbline.features import tiles
from plumbline.features.tiles import IbisTable, IbisValue

EDGES = (1, 6, 24, 72, 168, 720)
"""Hours, between the groups of ages that are counted."""


class HistoryAges(Document):
    """Events by the age of an entity's newest history: counts between the `edges` in hours, one more
    than edges; `none`: events without a history."""

    edges: list[int]
    counts: list[int]
    none: int


def with_ages(
    usecase: FeatureSet, rows: IbisTable, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    """`rows` with each entity's age in hours, float64; null where there is no history.

    `events`, `outcomes`: the history, of which the rows may be a part.
    """
    for entity in history_ages.entities(usecase):
        rows = _with_age(usecase, entity, rows, events, outcomes)
    return rows


def counted(usecase: FeatureSet, rows: IbisTable) -> dict[str, HistoryAges]:
    """By entity, the rows by age; `rows` as `with_ages` gives them."""
    return {e.name: _counted(rows[history_ages.column(e)]) for e in history_ages.entities(usecase)}


def _counted(age: IbisValue) -> HistoryAges:
    group = sum(((age >= edge).cast("int64") for edge in EDGES), ibis.literal(0, "int64"))
    table = group.name("group").as_table().group_by("group").agg(rows=ibis._.count())
    found = {row["group"]: row["rows"] for row in table.to_pyarrow().to_pylist()}
    counts = [found.get(place, 0) for place in range(len(EDGES) + 1)]
    return HistoryAges(edges=list(EDGES), counts=counts, none=found.get(None, 0))


def _with_age(
    usecase: FeatureSet, entity: Entity, rows: IbisTable, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    specs = [s for s in usecase.aggregates if s.entity == entity.name]
    seen = [s for s in specs if not s.matured]
    if seen:
        history = events.select(__id=tiles.id_of(entity, events), __at=events[usecase.time])
    else:
        history = tiles.settled(usecase, entity, events, outcomes).select("__id", "__at")
    history = history.filter(history["__id"].notnull()).distinct()
    moment = history.schema()["__at"]
    own = rows.select(
        __key=rows[usecase.key],
        __id=tiles.id_of(entity, rows),
        __at=_until(seen or specs, rows[usecase.time]).cast(moment),
        __moment=ibis.null(moment),
    )
    past = history.mutate(__key=ibis.null(own.schema()["__key"]), __moment=history["__at"])
    both = ibis.union(own, past.select(own.columns))
    earlier = ibis.range_window(
        group_by=both["__id"],
        order_by=both["__at"],
        preceding=(None, ibis.interval(microseconds=1)),
    )
    newest = both.mutate(__newest=both["__moment"].max().over(earlier))
    newest = newest.filter(newest["__key"].notnull(), newest["__id"].notnull())
    newest = newest.group_by("__key").agg(__newest=newest["__newest"].max())  # a key may come twice
    joined = rows.left_join(newest, rows[usecase.key] == newest["__key"])
    hours = joined[usecase.time].delta(joined["__newest"], unit="second") / 3600.0
    return joined.mutate(**{history_ages.column(entity): hours.cast("float64")}).drop(
        "__key", "__newest"
    )


def _until(specs: Iterable[Snapshot | Hourly | Fresh], at: IbisValue) -> IbisValue:
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
