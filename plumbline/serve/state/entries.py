"""What one row of the log adds to the tile tables: an entry per tile table and id. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from plumbline.serve.single_event import RawEvent
from plumbline.serve.state.plan import HistoryPlan, Increments, Moment, increments


class SumIncrement(NamedTuple):
    """What is added to the sums of one id: in which tile table (its place in the plan), at which number, to
    which columns.
    """

    tile_table: int
    id: Any
    number: int
    increments: Increments


def with_derived(plan: HistoryPlan, event: RawEvent, derived: tuple[int | None, ...]) -> RawEvent:
    """The event with its derived features, given in the order of `FeatureSet.derived`."""
    names = plan.usecase.derived
    return {**event, **dict(zip(names, derived, strict=True))} if names else event


def of_event(plan: HistoryPlan, event: RawEvent, at: Moment) -> list[SumIncrement]:
    """What an event with its derived features adds when it comes."""
    entries = []
    for place, tile_table in enumerate(plan.tile_tables):
        if tile_table.plain or tile_table.notes_ids:
            id_ = tile_table.id_of(event)
            added = increments(tile_table.plain, event) if id_ is not None else []
            if added or (tile_table.notes_ids and id_ is not None):
                entries.append(SumIncrement(place, id_, at.number(tile_table.grain), added))
    return entries


def of_outcome(
    plan: HistoryPlan, event: RawEvent, values: Mapping[str, Any], known: Moment
) -> list[SumIncrement]:
    """What an event adds once its outcome is known: `event` holds at least the plan's `remembered` columns."""
    settled = {**event, **values}
    entries = []
    for place, tile_table in enumerate(plan.tile_tables):
        if tile_table.settled:
            id_ = tile_table.id_of(settled)
            added = increments(tile_table.settled, settled) if id_ is not None else []
            if added:
                entries.append(SumIncrement(place, id_, known.number(tile_table.grain), added))
    return entries
