"""All cumulative sums of a use case: read for an event, raised by a row's entries, trimmed as days pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries
from plumbline.serve.state.cumulative_sums import CumulativeSums
from plumbline.serve.state.entries import SumIncrement
from plumbline.serve.state.plan import DAY, LENGTHS, HistoryPlan, Moment, TileTable, micros

SWEPT = 4
"""Cumulative sums of each tile table that are looked at for old rows with each event."""


class Histories:
    """A cumulative sums per tile table and id. By itself, a draft: the earlier events of one request."""

    def __init__(self, plan: HistoryPlan) -> None:
        self.plan = plan
        self.cumulative_sums: list[dict[Any, CumulativeSums]] = [{} for _ in plan.tile_tables]
        self._sweeps: list[Iterator[Any]] = [iter(()) for _ in plan.tile_tables]

    def read(self, event: RawEvent, counts: list[int], totals: list[int]) -> None:
        """Add the sums of the event's histories to those of other cumulative sums."""
        at = Moment.of(micros(event[str(self.plan.usecase.time)]))
        for tile_table, cumulative_sums in zip(
            self.plan.tile_tables, self.cumulative_sums, strict=True
        ):
            cumulative = cumulative_sums.get(tile_table.id_of(event))
            if cumulative is not None:
                add_sums(tile_table, cumulative, at, counts, totals)

    def seen(self, event: RawEvent) -> dict[str, bool]:
        """By entity, whether its id has a cumulative sums; an event without an id needs none."""
        seen: dict[str, bool] = {}
        for tile_table, cumulative_sums in zip(
            self.plan.tile_tables, self.cumulative_sums, strict=True
        ):
            id_, name = tile_table.id_of(event), tile_table.entity.name
            seen[name] = seen.get(name, False) or id_ is None or id_ in cumulative_sums
        return seen

    def add_event(self, event: RawEvent) -> None:
        """Count an event with its derived features."""
        time = Moment.of(micros(event[str(self.plan.usecase.time)]))
        self.add(entries.of_event(self.plan, event, time))

    def add(self, added: Iterable[SumIncrement]) -> None:
        """Raise the cumulative sums."""
        for entry in added:
            cumulative_sums, width = (
                self.cumulative_sums[entry.tile_table],
                self.plan.tile_tables[entry.tile_table].width,
            )
            cumulative = cumulative_sums.get(entry.id)
            if cumulative is None:
                cumulative = cumulative_sums[entry.id] = CumulativeSums(width)
            cumulative.add(entry.number, entry.increments, width)

    def sweep(self, oldest: list[int]) -> None:
        """Trim the next few cumulative sums of each tile table, and drop those that hold nothing more."""
        for place, cumulative_sums in enumerate(self.cumulative_sums):
            for _ in range(SWEPT):
                id_ = next(self._sweeps[place], self)
                if id_ is self:
                    self._sweeps[place] = iter(list(cumulative_sums))
                    break
                self._trim(place, id_, oldest[place])

    def _trim(self, place: int, id_: Any, oldest: int) -> None:
        cumulative = self.cumulative_sums[place].get(id_)
        if cumulative is not None:
            cumulative.trim(oldest, self.plan.tile_tables[place].width)
            if not cumulative.at:
                del self.cumulative_sums[place][id_]


def add_sums(
    tile_table: TileTable,
    cumulative: CumulativeSums,
    at: Moment,
    counts: list[int],
    totals: list[int],
) -> None:
    """Add to the counts and sums of a tile table's features, for an event at a moment."""
    sums, rows = cumulative.sums, cumulative.rows(tile_table.bounds(at), tile_table.width)
    for place, first, last, count, total in tile_table.windows:
        low, high = rows[first], rows[last]
        if low != high:
            if count >= 0:
                counts[place] += sums[high + count] - sums[low + count]
            if total >= 0:
                totals[place] += sums[high + total] - sums[low + total]


def oldest(tile_table: TileTable, day: int) -> int:
    """The oldest number of a tile table that an event of a day or a later one can reach."""
    return day * DAY // LENGTHS[tile_table.grain] - (
        0 if tile_table.grain == "moment" else tile_table.reach
    )
