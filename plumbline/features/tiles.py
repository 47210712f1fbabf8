"""Tiles of a history and the windows over them: counts and integer sums per day or hour, as Ibis expressions.

Integers are summed and divided once at the end, so every engine, and `plumbline.serve.single_event`, agree to
the bit. Nothing here runs: each function returns an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from functools import reduce
from typing import Any

import ibis

from plumbline.core import conditions
from plumbline.core.declarations import EVERY_ID, Entity, Fresh, Hourly, Measure, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features.grain import DAILY, Grain

IbisTable = Any
IbisValue = Any
Summand = tuple[bool, Measure]
"""What is summed per entity and tile: of settled events or of all, and which measure."""

EPOCH = datetime(1970, 1, 1)


def parts(specs: Iterable[Snapshot | Hourly | Fresh]) -> dict[Summand, str]:
    """A short name for each thing that the features sum."""
    wanted = dict.fromkeys((s.matured, s.measure) for s in specs)
    return {part: f"p{i}" for i, part in enumerate(wanted)}


def id_of(entity: Entity, rows: IbisTable) -> IbisValue:
    """Each row's id of the entity; the same for all where the entity is every event."""
    return ibis.literal(EVERY_ID, "int64") if entity.column is None else rows[entity.column]


def totals(
    usecase: FeatureSet,
    entity: Entity,
    grain: Grain,
    parts: Mapping[Summand, str],
    events: IbisTable,
    outcomes: IbisTable,
) -> IbisTable:
    """`id`, `n` and a count and an integer sum per part; n is the first day (hour) that may see them."""
    late = None
    if any(matured for matured, _ in parts):
        late = settled(usecase, entity, events, outcomes)
    return added(usecase, entity, grain, parts, events, late)


def added(
    usecase: FeatureSet,
    entity: Entity,
    grain: Grain,
    parts: Mapping[Summand, str],
    events: IbisTable,
    late: IbisTable | None,
) -> IbisTable:
    """`totals` of these events, and of the settled ones in `late`, which has `__id` and `__at`."""
    sides = []
    if any(not matured for matured, _ in parts):
        rows = events.mutate(__id=id_of(entity, events), __at=events[usecase.time])
        sides.append(side(rows, grain, parts, matured=False))
    if late is not None and any(matured for matured, _ in parts):
        sides.append(side(late, grain, parts, matured=True))
    if len(sides) == 1:
        return sides[0]
    both = ibis.union(*sides)
    sums = {c: both[c].sum().cast("int64") for c in both.columns if c not in ("id", "n")}
    return both.group_by("id", "n").agg(**sums)


def settled(
    usecase: FeatureSet, entity: Entity, events: IbisTable, outcomes: IbisTable
) -> IbisTable:
    """Events whose outcome is known, with it, their entity's id (`__id`) and when it became known (`__at`)."""
    rows = with_outcomes(usecase, events, outcomes)
    return rows.mutate(__id=id_of(entity, rows))


def with_outcomes(usecase: FeatureSet, events: IbisTable, outcomes: IbisTable) -> IbisTable:
    """Events whose outcome is known, with it and when it became known (`__at`)."""
    late = outcomes.select(
        outcomes[usecase.key].name("__key"),
        outcomes.known_at.name("__at"),
        *(c.name for c in usecase.unknown),
    )
    return events.inner_join(late, events[usecase.key] == late["__key"])


def side(
    rows: IbisTable, grain: Grain, parts: Mapping[Summand, str], *, matured: bool
) -> IbisTable:
    """`totals` of the settled events alone (`matured`), or of all, in `rows`: each with its entity's id (`__id`) and
    when it counts (`__at`)."""
    following = number(rows["__at"], grain) + 1
    rows = rows.mutate(id=rows["__id"], n=following.cast("int64")).filter(rows["__id"].notnull())
    sums: dict[str, IbisValue] = {}
    for (settled_ones, measure), part in parts.items():
        if settled_ones == matured:
            count, total = aggregates(rows, measure)
            total = total.fill_null(0).cast("int64")
            sums |= {f"{part}_count": count, f"{part}_sum": total}
    names = columns(parts)
    zeros = {name: ibis.literal(0, "int64") for name in names if name not in sums}
    return rows.group_by("id", "n").agg(**sums).mutate(**zeros).select("id", "n", *names)


def moments(rows: IbisTable, parts: Mapping[Summand, str]) -> IbisTable:
    """`__id`, `__at` and a count and an integer sum per part, of the rows of one moment."""
    rows = rows.filter(rows["__id"].notnull())
    sums: dict[str, IbisValue] = {}
    for (_, measure), part in parts.items():
        count, total = aggregates(rows, measure)
        sums |= {f"{part}_count": count, f"{part}_sum": total.fill_null(0).cast("int64")}
    return rows.group_by("__id", "__at").agg(**sums)


def of(parts: Mapping[Summand, str], spec: Snapshot | Hourly | Fresh) -> tuple[str, str]:
    """The columns that hold the feature's count and sum."""
    part = parts[spec.matured, spec.measure]
    return f"{part}_count", f"{part}_sum"


def number_of(day: date, grain: Grain) -> int:
    """The number of the tile that begins with the day."""
    return (datetime.combine(day, time.min) - EPOCH) // grain.length


def number(at: IbisValue, grain: Grain) -> IbisValue:
    """The tile's number: days or hours since 1970."""
    if grain is DAILY:
        return at.date().delta(ibis.literal(EPOCH.date()), unit="day")
    return at.truncate("h").delta(ibis.literal(EPOCH, "timestamp(6)"), unit="hour")


def begins(n: IbisValue, grain: Grain) -> IbisValue:
    """The first moment of the tile n, as a time."""
    if grain is DAILY:
        return (ibis.literal(EPOCH.date()) + n.as_interval("D")).cast("timestamp(6)")
    return (ibis.literal(EPOCH, "timestamp(6)") + n.as_interval("h")).cast("timestamp(6)")


def dense(
    sums: IbisTable,
    parts: Mapping[Summand, str],
    specs: Iterable[Snapshot | Hourly],
    last: int,
    first: int | None = None,
) -> IbisTable:
    """`sums` with a row of zeros for each further tile, from `first` (None: all) up to `last`, whose windows hold
    something.

    The tile after those is among them: a row of defaults, which closes the history.
    """
    after = sorted({k for s in specs for k in range(s.lag - 1, s.lag + s.length)})
    if after == list(range(len(after))):
        return _filled(sums, parts, after[-1], last, first)
    return _scattered(sums, parts, after, last, first)


def reach(specs: Iterable[Snapshot | Hourly]) -> int:
    """How many tiles after one of `sums` its last row of zeros may lie, and how far back the windows see."""
    return max(s.lag + s.length - 1 for s in specs)


def _scattered(
    sums: IbisTable,
    parts: Mapping[Summand, str],
    after: Sequence[int],
    last: int,
    first: int | None,
) -> IbisTable:
    """The rows that lie `after` tiles after one of `sums`, beside these: most tiles between have none."""
    steps = ibis.array([ibis.literal(k, "int64") for k in after]).unnest()
    later = sums.select("id", "n", __k=steps)
    later = later.select("id", n=later.n + later["__k"])
    later = later.filter(later.n <= last)
    later = later if first is None else later.filter(later.n >= first)
    later = later.distinct().anti_join(sums, ["id", "n"])
    zeros = {c: ibis.literal(0, "int64") for c in columns(parts)}
    return ibis.union(sums.select("id", "n", *zeros), later.mutate(**zeros))


def int64(column: IbisValue) -> IbisValue:
    """An integer as 64 bits: DuckDB sums into 128, which Ibis does not know and Parquet would hold as a float."""
    return column.cast("decimal(38, 0)").cast("int64")


def columns(parts: Mapping[Summand, str]) -> list[str]:
    return [f"{part}_{what}" for part in parts.values() for what in ("count", "sum")]


def _filled(
    daily: IbisTable, parts: Mapping[Summand, str], longest: int, last: int, first: int | None
) -> IbisTable:
    """Every tile from `first` up to `longest` after one of `daily`; those of `daily` before it as they are."""
    following = daily.n.lead().over(ibis.window(group_by=daily.id, order_by=daily.n))
    gap = ibis.coalesce(following, last + 1) - daily.n
    spaced = daily.mutate(__end=ibis.least(gap, longest + 1))  # Spark unnests no window function
    end = spaced["__end"]
    start = 0 if first is None else ibis.least(ibis.greatest(first - spaced.n, 0), end)
    later = spaced.mutate(__k=ibis.range(start, end).unnest())
    own = later["__k"] == 0
    sums = {name: own.ifelse(later[name], 0) for name in columns(parts)}
    rows = later.select("id", n=later.n + later["__k"], **sums)
    if first is None:
        return rows
    return ibis.union(rows, daily.filter(daily.n < first).select(rows.columns))


def windowed(spec: Snapshot | Hourly, dense: IbisTable, parts: Mapping[Summand, str]) -> IbisValue:
    """The feature over its window of tiles; n already is the tile after the event's."""
    nearest = spec.lag - 1
    window = ibis.range_window(
        group_by=dense.id, order_by=dense.n, preceding=(nearest + spec.length - 1, nearest)
    )
    count, total = (dense[c].sum().over(window) for c in of(parts, spec))
    return value(spec, count, total)


def aggregates(rows: IbisTable, measure: Measure) -> tuple[IbisValue, IbisValue]:
    """How many values, and their integer sum; null values count for neither."""
    taken = conditions.expression(measure.where, rows)
    if measure.column is None:
        return rows.count(where=taken), rows.count(where=taken)
    value = rows[measure.column].cast("int64")
    if measure.edges:
        value = reduce(lambda a, b: a + b, ((value >= e).cast("int64") for e in measure.edges))
    return value.count(where=taken), value.sum(where=taken)


def value(spec: Snapshot | Hourly | Fresh, count: IbisValue, total: IbisValue) -> IbisValue:
    """The one place where a count and a sum become the feature: one division at most."""
    if spec.aggregate == "count":
        return count.fill_null(0).cast("float64")
    if spec.aggregate == "sum":
        return total.fill_null(0).cast("float64")
    ratio = total.cast("float64") / count.nullif(0).cast("float64")
    return ratio.fill_null(spec.default)
