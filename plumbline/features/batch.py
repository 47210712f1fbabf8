"""Snapshots, fresh features and their joins for a whole table: Ibis expressions, run by DuckDB.

Integers are summed and divided once at the end, so every engine, and `plumbline.serve.single_event`, agree to
the bit. Nothing here runs: each function returns an expression.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time

import ibis

from plumbline.core.declarations import KNOWN_AT, Entity, Fresh, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features import grain as grains
from plumbline.features import tiles
from plumbline.features.grain import DAILY, Grain
from plumbline.features.tiles import IbisTable, IbisValue


def visible(
    usecase: FeatureSet, events: IbisTable, outcomes: IbisTable, as_of: date
) -> tuple[IbisTable, IbisTable]:
    """The events that happened, and the outcomes that became known, before `as_of` 00:00."""
    midnight = ibis.literal(datetime.combine(as_of, time.min), "timestamp(6)")
    return events.filter(events[usecase.time] < midnight), outcomes.filter(
        outcomes.known_at < midnight
    )


def snapshots(
    usecase: FeatureSet,
    entity: Entity,
    events: IbisTable,
    outcomes: IbisTable,
    as_of: date,
    grain: Grain = DAILY,
) -> IbisTable:
    """The entity's id, `day` (midnight) and its snapshot features, float64, up to the day `as_of`.

    Of the other grain: `hour` and its hourly features. A row per id and day (hour) with anything in a
    window before it, and one closing row, of defaults, on the day (hour) after that: an older row
    never stands for one without.
    """
    parts = tiles.parts(grain.specs(usecase, entity))
    sums = tiles.totals(usecase, entity, grain, parts, events, outcomes)
    return of_sums(usecase, entity, grain, sums, parts, tiles.number_of(as_of, grain))


def of_sums(
    usecase: FeatureSet,
    entity: Entity,
    grain: Grain,
    sums: IbisTable,
    parts: Mapping[tiles.Summand, str],
    last: int,
    first: int | None = None,
) -> IbisTable:
    """`snapshots` from the sums of its `parts`, from the tile `first` (None: all) up to the tile `last`."""
    specs = grain.specs(usecase, entity)
    if first is not None:
        near = sums.n >= first - tiles.reach(specs)
        sums = sums.filter(near, sums.n <= last)
    dense = tiles.dense(sums, parts, specs, last, first)
    values = {s.name: tiles.windowed(s, dense, parts) for s in specs}
    rows = dense.select("id", "n", **values)
    rows = rows if first is None else rows.filter(rows.n >= first)
    moment = {grain.column: tiles.begins(rows.n, grain)}
    return rows.select(rows.id.name(entity.key), **moment, **{name: rows[name] for name in values})


def fresh(
    usecase: FeatureSet, events: IbisTable, outcomes: IbisTable, past: IbisTable | None = None
) -> IbisTable:
    """`events` with the fresh features, float64: the same day, strictly before the event's time.

    Of matured ones, the outcomes of `past` (None: of `events`) that became known in that time.
    """
    rows = fresh_of_all(usecase, events)
    for entity in usecase.entities:
        specs = [f for f in usecase.fresh if f.matured and f.entity == entity.name]
        if specs:
            late = tiles.settled(usecase, entity, events if past is None else past, outcomes)
            rows = with_history(usecase, entity, specs, rows, late)
    return rows


def fresh_of_all(usecase: FeatureSet, events: IbisTable) -> IbisTable:
    """`events` with the fresh features that are not of settled events."""
    values = {}
    for spec in usecase.fresh:
        if not spec.matured:
            entity = tiles.id_of(usecase.entity(spec.entity), events)
            earlier = _earlier_today(entity, events[usecase.time])
            count, total = tiles.aggregates(events, spec.measure)
            value = tiles.value(spec, count.over(earlier), total.over(earlier))
            values[spec.name] = entity.isnull().ifelse(spec.empty_value, value)
    return events.mutate(**values)


def _earlier_today(entity: IbisValue, at: IbisValue) -> IbisValue:
    """The window of the entity's day so far, strictly before each row's time."""
    return ibis.range_window(
        group_by=[entity, at.date()],
        order_by=at,
        preceding=(None, ibis.interval(microseconds=1)),
    )


def with_history(
    usecase: FeatureSet, entity: Entity, specs: Sequence[Fresh], rows: IbisTable, history: IbisTable
) -> IbisTable:
    """`rows` with fresh features over `history`, whose rows pass as rows of no event.

    `history` has the entity's id (`__id`) and the moment from which on a row counts (`__at`).
    """
    parts = tiles.parts(specs)
    sums = tiles.moments(history, parts).mutate(__event=False)
    blank = {name: ibis.null(kind) for name, kind in rows.schema().items()}
    zeros = {name: ibis.literal(0, "int64") for name in tiles.columns(parts)}
    own = rows.mutate(
        __id=tiles.id_of(entity, rows), __at=rows[usecase.time], __event=True, **zeros
    )
    both = ibis.union(own, sums.mutate(**blank).select(own.columns))
    earlier = _earlier_today(both["__id"], both["__at"])
    values = {}
    for spec in specs:
        count, total = (both[c].sum().over(earlier) for c in tiles.of(parts, spec))
        value = tiles.value(spec, count, total)
        values[spec.name] = both["__id"].isnull().ifelse(spec.empty_value, value)
    whole = both.mutate(**values)
    return whole.filter(whole["__event"]).select(*rows.columns, *values)


def join_snapshots(
    usecase: FeatureSet, events: IbisTable, by_entity: Mapping[str, IbisTable]
) -> IbisTable:
    """`events` with the stored histories as of the midnight (the hour) before each, by a direct join.

    `by_entity` holds the stored histories by their names. With a row per active day or hour, the
    as-of join is an equality.
    """
    for name, table in by_entity.items():
        entity, grain = grains.named(usecase, name)
        right = table.rename({"__id": entity.key, "__since": grain.column})
        since = events[usecase.time].truncate(grain.unit)
        same = [since == right["__since"]]
        if entity.column is not None:
            same.append(events[entity.column] == right["__id"])
        events = events.left_join(right, same).drop("__id", "__since")
    return fill(usecase.stored, events)


def join_label(
    usecase: FeatureSet, events: IbisTable, outcomes: IbisTable, *, moment: bool = False
) -> IbisTable:
    """`events` with the label, null where no outcome tells it, and the column that splits the table; with the `moment`
    from which it was known, where that is wanted."""
    more = [KNOWN_AT] if moment else []
    names = dict.fromkeys([usecase.label, usecase.split.column or usecase.label, *more])
    right = outcomes.select(outcomes[usecase.key].name("__key"), *names)
    return events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")


def fill(specs: Iterable[Snapshot | Hourly], joined: IbisTable) -> IbisTable:
    """`joined` with each stored feature's default where the entity has no row for the day or hour."""
    return joined.mutate(**{s.name: joined[s.name].fill_null(s.empty_value) for s in specs})


def between(usecase: FeatureSet, table: IbisTable, start: date, end: date) -> IbisTable:
    """The rows of whole days from `start` up to, not including, `end`."""
    return table.filter(on_days(table[usecase.time], start, end))


def known_between(outcomes: IbisTable, start: date, end: date) -> IbisTable:
    """The outcomes that became known on the days from `start` up to, not including, `end`."""
    return outcomes.filter(on_days(outcomes[KNOWN_AT], start, end))


def on_days(column: IbisValue, start: date, end: date) -> IbisValue:
    """Whether a time is of a day from `start` up to, not including, `end`."""
    low, high = (ibis.literal(datetime.combine(d, time.min), "timestamp(6)") for d in (start, end))
    return (column >= low) & (column < high)


def without(usecase: FeatureSet, table: IbisTable, days: Collection[date]) -> IbisTable:
    """The rows of all days but these."""
    if not days:
        return table
    return table.filter(~table[usecase.time].date().isin(sorted(days)))


def month(table: IbisTable, first: date, column: str = "day") -> IbisTable:
    """The rows of `table` whose `column` lies in the month that begins on `first`."""
    return table.filter(table[column].truncate("M") == ibis.literal(first, "timestamp(6)"))
