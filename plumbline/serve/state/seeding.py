"""A state from the commit's tiles: each id's cumulative sums at once, and the events whose outcomes may still come."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.serve.seed import Seed, SeedTiles
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries
from plumbline.serve.state.cumulative_sums import CumulativeSums
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import DAY, EPOCH, HistoryPlan, Moment, TileTable, micros
from plumbline.serve.state.recent import OPEN

SAFE = 2.0**62


def sow(state: MemoryState, seed: Seed) -> None:
    """Fill an empty state with the seed; a plain table's seed is empty."""
    if seed.as_of is None:
        return
    seed.check(state.plan.usecase)
    for place, (tile_table, tiles) in tile_tables(state.plan, seed).items():
        state.histories.cumulative_sums[place] = _cumulative_sums(tile_table, tiles)
    as_of = number(seed.as_of)
    state.begin(as_of, as_of if seed.recent_from is None else number(seed.recent_from))
    for event in seed.events():
        _sow_recent(state, event)


def tile_tables(plan: HistoryPlan, seed: Seed) -> dict[int, tuple[TileTable, SeedTiles]]:
    """The tile tables that have tiles, by their place in the plan."""
    tiles = {(one.entity, one.grain): one for one in seed.tiles.values()}
    return {
        place: (tile_table, tiles[tile_table.entity.name, tile_table.grain])
        for place, tile_table in enumerate(plan.tile_tables)
        if tile_table.grain != "moment" and (tile_table.entity.name, tile_table.grain) in tiles
    }


def columns(tile_table: TileTable, tiles: SeedTiles) -> Array:
    """The tiles' rows as the tile table has them, int64 (m, width)."""
    stored = dict(zip(tiles.parts, zip(tiles.counts, tiles.sums, strict=True), strict=True))
    rows = np.zeros((len(tiles.n), tile_table.width), np.int64)
    for part, places in tile_table.columns.items():
        if part not in stored:
            raise PlumblineError(
                f"the tiles of {tile_table.entity.name} have no {part[1]}; run `dvc repro` and serve what it wrote"
            )
        for place, values in zip(places, stored[part], strict=True):
            if place >= 0:
                rows[:, place] = values
    return rows


def number(day: date) -> int:
    """ReceivedDays since 1970."""
    return day.toordinal() - EPOCH


def recent_entries(
    plan: HistoryPlan, event: RawEvent
) -> tuple[list[entries.SumIncrement], int | None]:
    """What a recent event adds to the tile tables of moments, and when its outcome was known (microseconds)."""
    at = Moment.of(micros(event[str(plan.usecase.time)]))
    added = entries.of_event(plan, event, at)
    known = None if event["known_at"] is None else micros(event["known_at"])
    if known is not None:
        added += entries.of_outcome(plan, event, {}, Moment.of(known))
    return [e for e in added if plan.tile_tables[e.tile_table].grain == "moment"], known


def _sow_recent(state: MemoryState, event: Mapping[str, Any]) -> None:
    """Moments of the day's events, and what their outcomes will need: the tiles have all else."""
    usecase = state.plan.usecase
    added, known = recent_entries(state.plan, event)
    state.histories.add(e for e in added if e.number >= state.oldest[e.tile_table])
    day = micros(event[str(usecase.time)]) // DAY
    state.recent.add(event[usecase.key], event, day, 0, OPEN if known is None else 0)


def _cumulative_sums(tile_table: TileTable, tiles: SeedTiles) -> dict[Any, CumulativeSums]:
    rows = columns(tile_table, tiles)
    if len(rows) and np.abs(rows.astype(np.float64)).sum(axis=0).max(initial=0) >= SAFE:
        return {id_: _exact(tile_table, tiles.n[part], rows[part]) for id_, part in tiles.by_id()}
    running = np.concatenate([np.zeros((1, tile_table.width), np.int64), np.cumsum(rows, axis=0)])
    return {
        id_: _cumulative(tiles.n[part], running[part.start : part.stop + 1])
        for id_, part in tiles.by_id()
    }


def _cumulative(numbers: Array, running: Array) -> CumulativeSums:
    cumulative = CumulativeSums(0)
    cumulative.at = array("q", numbers.tobytes())
    cumulative.sums = array("q", running.tobytes())
    return cumulative


def _exact(tile_table: TileTable, numbers: Array, rows: Array) -> CumulativeSums:
    """As `_cumulative`, of sums that may be beyond 64 bits."""
    cumulative = CumulativeSums(tile_table.width)
    for place, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        cumulative.add(place, list(enumerate(row)), tile_table.width)
    return cumulative
