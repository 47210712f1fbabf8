"""What the state keeps for a use case, compiled once from its features. Pure.

A *tile table* is one kind of record of one entity: its days, its hours, or the moments of its events. Each id has
cumulative sums in it: ascending numbers (days or hours since 1970, or microseconds) and, per column, a count or an integer
sum. Every history is the difference of two running sums of its tile table, divided once: as `single_event` has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

from plumbline.core.declarations import EVERY_ID, Entity, Fresh, Hourly, Measure, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state.measures import Adder, adder

Part = tuple[bool, Measure]
"""What is added up: of settled events (True) or of all, and which measure."""
Grain = Literal["day", "hour", "moment"]
Increments = list[tuple[int, int]]
"""Columns of a tile table, and what an event adds to each."""
Spec = Snapshot | Hourly | Fresh

DAY, HOUR, SECOND = 86_400_000_000, 3_600_000_000, 1_000_000
LENGTHS: dict[Grain, int] = {"day": DAY, "hour": HOUR, "moment": 1}
EPOCH = datetime(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the tile tables number it: days and hours since 1970, microseconds since 1970, and its midnight's."""

    day: int
    hour: int
    micros: int
    midnight: int

    @classmethod
    def of(cls, micros: int) -> Moment:
        return cls(micros // DAY, micros // HOUR, micros, micros - micros % DAY)

    def number(self, grain: Grain) -> int:
        """Of the tile that the moment lies in."""
        return self.micros // LENGTHS[grain]


def micros(time: datetime) -> int:
    """Microseconds since 1970 of a naive datetime in UTC.

    >>> micros(datetime(1970, 1, 2, 0, 0, 1))
    86401000000
    """
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (time.toordinal() - EPOCH) * DAY + seconds * SECOND + time.microsecond


class TileWindow(NamedTuple):
    """One feature of a tile table: its place in the answer, the bounds between which it sums, and its columns.

    `low`, `high`: places in `TileTable.bounds`. `counted`, `summed`: columns, -1 for one that is not needed.
    """

    place: int
    low: int
    high: int
    counted: int
    summed: int


@dataclass(frozen=True)
class TileTable:
    """One kind of record of one entity.

    `columns`: for each part, its column of counts and that of sums, -1 for one that is not needed. `offsets`: the
    bounds of all windows, in tiles from the event's own; a tile table of moments has two: midnight and the event.
    `plain` and `settled`: what an event adds when it comes, and when its outcome does.
    """

    name: str
    entity: Entity
    grain: Grain
    columns: Mapping[Part, tuple[int, int]]
    offsets: tuple[int, ...]
    windows: tuple[TileWindow, ...]
    plain: tuple[tuple[Adder, int, int], ...]
    settled: tuple[tuple[Adder, int, int], ...]
    notes_ids: (
        bool  # whether an id's events are noted here even where they add nothing: it was seen then
    )

    @cached_property
    def width(self) -> int:
        """How many columns."""
        return 1 + max((max(pair) for pair in self.columns.values()), default=-1)

    @cached_property
    def reach(self) -> int:
        """Tiles that the longest window reaches back from the event's own."""
        return -min(self.offsets, default=0)

    def bounds(self, at: Moment) -> list[int]:
        """The numbers that the windows of an event begin and end before."""
        if self.grain == "moment":
            return [at.midnight, at.micros]
        own = at.day if self.grain == "day" else at.hour
        return [own + offset for offset in self.offsets]

    def id_of(self, event: RawEvent) -> Any:
        """The event's id of the entity; None for none."""
        column = self.entity.column
        if column is None:
            return EVERY_ID
        value = event[column]
        return None if value is None or value != value else value


@dataclass(frozen=True)
class HistoryPlan:
    """The tile tables of a use case, and how sums become its histories.

    `remembered`: the columns of an event that its outcome will need.
    """

    usecase: FeatureSet
    tile_tables: tuple[TileTable, ...]
    remembered: tuple[str, ...]

    def values(self, counts: Sequence[int], totals: Sequence[int]) -> list[float]:
        """The histories, in the order of `FeatureSet.aggregates`: one division each at most."""
        return [
            _value(aggregate, empty, count, total)
            for (aggregate, empty), count, total in zip(self._ends, counts, totals, strict=True)
        ]

    @cached_property
    def _ends(self) -> tuple[tuple[str, float], ...]:
        return tuple((spec.aggregate, spec.empty_value) for spec in self.usecase.aggregates)

    @cached_property
    def longest(self) -> int:
        """Whole days before an event's midnight that its longest window reaches back to."""
        reach = {"day": 1, "hour": 24}
        tiles = [(b.reach, reach[b.grain]) for b in self.tile_tables if b.grain != "moment"]
        return max((-(-n // per) for n, per in tiles), default=0)


def compiled(usecase: FeatureSet) -> HistoryPlan:
    """The plan of a use case; a plain table has no tile tables."""
    groups: dict[tuple[str, Grain, bool], list[tuple[int, Spec]]] = defaultdict(list)
    for place, spec in enumerate(usecase.aggregates):
        grain = _grain(spec)
        groups[spec.entity, grain, spec.matured and grain == "moment"].append((place, spec))
    first: dict[str, tuple[str, Grain, bool]] = {}
    for key in sorted(groups, key=lambda key: (key[2], key[1])):
        first.setdefault(key[0], key)
    tile_tables = [
        _tile_table(usecase, key, specs, notes_ids=first[key[0]] == key)
        for key, specs in groups.items()
    ]
    return HistoryPlan(usecase, tuple(tile_tables), _remembered(usecase, tile_tables))


def increments(adders: Iterable[tuple[Adder, int, int]], event: RawEvent) -> Increments:
    """What the event adds, of the columns where that is not zero."""
    result = []
    for add, count, total in adders:
        value = add(event)
        if value is not None:
            if count >= 0:
                result.append((count, 1))
            if total >= 0 and value:
                result.append((total, value))
    return result


def _value(aggregate: str, empty: float, count: int, total: int) -> float:
    if aggregate == "count":
        return float(count)
    if aggregate == "sum":
        return float(total)
    return float(total) / float(count) if count else empty


def _grain(spec: Spec) -> Grain:
    if isinstance(spec, Fresh):
        return "moment"
    return "day" if isinstance(spec, Snapshot) else "hour"


def _tile_table(
    usecase: FeatureSet,
    key: tuple[str, Grain, bool],
    specs: Sequence[tuple[int, Spec]],
    *,
    notes_ids: bool,
) -> TileTable:
    entity, grain, matured = key
    columns = _columns(spec for _, spec in specs)
    offsets = sorted({o for _, spec in specs for o in _offsets(spec)})
    adders: dict[bool, list[tuple[Adder, int, int]]] = {False: [], True: []}
    for (settled, measure), (count, total) in columns.items():
        adders[settled].append((adder(usecase, measure), count, total))
    return TileTable(
        f"{entity}.{grain}{'.settled' if matured else ''}",
        usecase.entity(entity),
        grain,
        columns,
        tuple(offsets),
        tuple(_window(place, spec, offsets, columns) for place, spec in specs),
        tuple(adders[False]),
        tuple(adders[True]),
        notes_ids,
    )


def _columns(specs: Iterable[Spec]) -> dict[Part, tuple[int, int]]:
    """Per part the columns that its features need: of counts, of sums, or of both."""
    needs: dict[Part, set[bool]] = defaultdict(set)
    for spec in specs:
        summed = spec.measure.column is not None
        needs[spec.matured, spec.measure] |= {
            "count": {False},
            "sum": {summed},
        }.get(spec.aggregate, {False, summed})
    free, columns = 0, {}
    for part, needed in needs.items():
        places = [-1, -1]
        for which in sorted(needed):
            places[which], free = free, free + 1
        columns[part] = (places[0], places[1])
    return columns


def _offsets(spec: Spec) -> tuple[int, int]:
    if isinstance(spec, Fresh):
        return (-1, 0)
    return (1 - spec.lag - spec.length, 1 - spec.lag)


def _window(
    place: int, spec: Spec, offsets: Sequence[int], columns: Mapping[Part, tuple[int, int]]
) -> TileWindow:
    low, high = (offsets.index(offset) for offset in _offsets(spec))
    count, total = columns[spec.matured, spec.measure]
    return TileWindow(place, low, high, count, total if spec.measure.column is not None else count)


def _remembered(usecase: FeatureSet, tile_tables: Iterable[TileTable]) -> tuple[str, ...]:
    """Entities' ids and what the measures of settled events read, of the columns known at the event."""
    late = {c.name for c in usecase.unknown}
    settled = [tile_table for tile_table in tile_tables if tile_table.settled]
    names = [tile_table.entity.column for tile_table in settled]
    for measure in (m for tile_table in settled for matured, m in tile_table.columns if matured):
        names += [measure.column, *(w.column for w in measure.where)]
    return tuple(dict.fromkeys(n for n in names if n is not None and n not in late))
