"""Snapshots, fresh features and their joins for a whole table: Ibis expressions, run by DuckDB.

Integers are summed and divided once at the end, so every engine, and `plumbline.serve.single_event`, agree to
the bit. Nothing here runs: each function returns an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import reduce
from typing import Any

import ibis

from plumbline.core import conditions
from plumbline.core.declarations import Entity, Fresh, Measure, Snapshot
from plumbline.core.usecase import FeatureSet

IbisTable = Any
IbisValue = Any
Summand = tuple[bool, Measure]
"""What is summed per entity and day: of settled events or of all, and which measure."""

EPOCH = date(1970, 1, 1)


def visible(
    usecase: FeatureSet, events: IbisTable, outcomes: IbisTable, as_of: date
) -> tuple[IbisTable, IbisTable]:
    """The events that happened, and the outcomes that became known, before `as_of` 00:00."""
    midnight = ibis.literal(datetime.combine(as_of, time.min), "timestamp(6)")
    return events.filter(events[usecase.time] < midnight), outcomes.filter(
        outcomes.known_at < midnight
    )


def snapshots(
    usecase: FeatureSet, entity: Entity, events: IbisTable, outcomes: IbisTable, as_of: date
) -> IbisTable:
    """The entity's id, `day` (midnight) and its snapshot features, float64, up to the day `as_of`.

    A row per id and day with anything in the longest window before it, and one closing row, of
    defaults, on the day after that: an older row never stands for a day without one.
    """
    specs = [s for s in usecase.snapshots if s.entity == entity.name]
    parts = _parts(specs)
    daily = _daily(usecase, entity, parts, events, outcomes)
    dense = _dense(daily, parts, max(s.days for s in specs), (as_of - EPOCH).days)
    values = {s.name: _windowed(s, dense, parts) for s in specs}
    day = (ibis.literal(EPOCH) + dense.n.as_interval("D")).cast("timestamp(6)")
    return dense.select(dense.id.name(entity.column), day=day, **values)


def fresh(usecase: FeatureSet, events: IbisTable) -> IbisTable:
    """`events` with the fresh features, float64: the same day, strictly before the event's time."""
    values = {}
    for spec in usecase.fresh:
        entity = events[usecase.entity(spec.entity).column]
        earlier = ibis.range_window(
            group_by=[entity, events[usecase.time].date()],
            order_by=events[usecase.time],
            preceding=(None, ibis.interval(microseconds=1)),
        )
        count, total = _aggregates(events, spec.measure)
        value = _value(spec, count.over(earlier), total.over(earlier))
        values[spec.name] = entity.isnull().ifelse(spec.empty_value, value)
    return events.mutate(**values)


def join_snapshots(
    usecase: FeatureSet, events: IbisTable, by_entity: Mapping[str, IbisTable]
) -> IbisTable:
    """`events` with the snapshot features as of the midnight before each, by a direct join.

    `by_entity` holds each entity's snapshots. With a row per active day, the as-of join is an equality.
    """
    for name, table in by_entity.items():
        key = usecase.entity(name).column
        right = table.rename({"__id": key, "__day": "day"})
        same = [events[key] == right["__id"], events[usecase.time].truncate("D") == right["__day"]]
        events = events.left_join(right, same).drop("__id", "__day")
    return fill(usecase.snapshots, events)


def join_label(usecase: FeatureSet, events: IbisTable, outcomes: IbisTable) -> IbisTable:
    """`events` with the label: null where no outcome tells it."""
    right = outcomes.select(outcomes[usecase.key].name("__key"), outcomes[usecase.label])
    return events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")


def fill(specs: Iterable[Snapshot], joined: IbisTable) -> IbisTable:
    """`joined` with each snapshot feature's default where the entity has no row for the day."""
    return joined.mutate(**{s.name: joined[s.name].fill_null(s.empty_value) for s in specs})


def between(usecase: FeatureSet, table: IbisTable, start: date, end: date) -> IbisTable:
    """The rows of whole days from `start` up to, not including, `end`."""
    low, high = (ibis.literal(datetime.combine(d, time.min), "timestamp(6)") for d in (start, end))
    return table.filter(table[usecase.time] >= low, table[usecase.time] < high)


def month(table: IbisTable, first: date) -> IbisTable:
    """The rows of `table` whose `day` lies in the month that begins on `first`."""
    return table.filter(table.day.truncate("M") == ibis.literal(first, "timestamp(6)"))


def _parts(specs: Iterable[Snapshot]) -> dict[Summand, str]:
    """A short name for each thing that the snapshots sum."""
    wanted = dict.fromkeys((s.matured, s.measure) for s in specs)
    return {part: f"p{i}" for i, part in enumerate(wanted)}


def _daily(
    usecase: FeatureSet,
    entity: Entity,
    parts: Mapping[Summand, str],
    events: IbisTable,
    outcomes: IbisTable,
) -> IbisTable:
    """`id`, `n` and a count and an integer sum per part; n is the first day that may see them."""
    sides = []
    if any(not matured for matured, _ in parts):
        rows = events.mutate(__id=events[entity.column], __at=events[usecase.time])
        sides.append(_side(rows, parts, matured=False))
    if any(matured for matured, _ in parts):
        sides.append(_side(_settled(usecase, entity, events, outcomes), parts, matured=True))
    if len(sides) == 1:
        return sides[0]
    both = ibis.union(*sides)
    sums = {c: both[c].sum().cast("int64") for c in both.columns if c not in ("id", "n")}
    return both.group_by("id", "n").agg(**sums)


def _settled(
    usecase: FeatureSet, entity: Entity, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    """Events whose outcome is known, with it, dated by when it became known."""
    late = outcomes.select(
        outcomes[usecase.key].name("__key"),
        outcomes.known_at.name("__at"),
        *(c.name for c in usecase.unknown),
    )
    rows = events.mutate(__id=events[entity.column])
    return rows.inner_join(late, rows[usecase.key] == late["__key"])


def _side(rows: IbisTable, parts: Mapping[Summand, str], *, matured: bool) -> IbisTable:
    number = rows["__at"].date().delta(ibis.literal(EPOCH), unit="day") + 1
    rows = rows.mutate(id=rows["__id"], n=number.cast("int64")).filter(rows["__id"].notnull())
    sums: dict[str, IbisValue] = {}
    for (side, measure), part in parts.items():
        if side == matured:
            count, total = _aggregates(rows, measure)
            total = total.fill_null(0).cast("int64")
            sums |= {f"{part}_count": count, f"{part}_sum": total}
    names = [f"{part}_{what}" for part in parts.values() for what in ("count", "sum")]
    zeros = {name: ibis.literal(0, "int64") for name in names if name not in sums}
    return rows.group_by("id", "n").agg(**sums).mutate(**zeros).select("id", "n", *names)


def _dense(daily: IbisTable, parts: Mapping[Summand, str], longest: int, last: int) -> IbisTable:
    """`daily` with a row of zeros for each further day on which a window still holds something."""
    following = daily.n.lead().over(ibis.window(group_by=daily.id, order_by=daily.n))
    gap = ibis.coalesce(following, last + 1) - daily.n
    later = daily.mutate(__k=ibis.range(0, ibis.least(gap, longest + 1)).unnest())
    own = later["__k"] == 0
    sums = {
        f"{p}_{what}": own.ifelse(later[f"{p}_{what}"], 0)
        for p in parts.values()
        for what in ("count", "sum")
    }
    return later.select("id", n=later.n + later["__k"], **sums)


def _windowed(spec: Snapshot, dense: IbisTable, parts: Mapping[Summand, str]) -> IbisValue:
    """The feature over the days that end at midnight; n already is the day after the event's."""
    part = parts[spec.matured, spec.measure]
    days = ibis.range_window(
        group_by=dense.id, order_by=dense.n, preceding=spec.days - 1, following=0
    )
    return _value(
        spec, dense[f"{part}_count"].sum().over(days), dense[f"{part}_sum"].sum().over(days)
    )


def _aggregates(rows: IbisTable, measure: Measure) -> tuple[IbisValue, IbisValue]:
    """How many values, and their integer sum; null values count for neither."""
    taken = conditions.expression(measure.where, rows)
    if measure.column is None:
        return rows.count(where=taken), rows.count(where=taken)
    value = rows[measure.column].cast("int64")
    if measure.edges:
        value = reduce(lambda a, b: a + b, ((value >= e).cast("int64") for e in measure.edges))
    return value.count(where=taken), value.sum(where=taken)


def _value(spec: Snapshot | Fresh, count: IbisValue, total: IbisValue) -> IbisValue:
    """The one place where a count and a sum become the feature: one division at most."""
    if spec.aggregate == "count":
        return count.fill_null(0).cast("float64")
    if spec.aggregate == "sum":
        return total.fill_null(0).cast("float64")
    ratio = total.cast("float64") / count.nullif(0).cast("float64")
    return ratio.fill_null(spec.default)
