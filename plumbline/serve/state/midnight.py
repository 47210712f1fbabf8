"""The stored histories of every id as of a midnight, as the batch's snapshots have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from plumbline.core import tables
from plumbline.core.usecase import FeatureSet
from plumbline.serve.state import histories
from plumbline.serve.state.cumulative_sums import CumulativeSums
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import Moment, TileTable, micros


def snapshots(state: MemoryState, day: date) -> dict[str, pa.Table]:
    """By the name of the history (ENTITY, ENTITY.hourly): its ids, `day` (`hour`), and a column per feature.

    A row per id that the state knows, of the declared defaults where its windows hold nothing.
    """
    found = {}
    for tile_table, cumulative_sums in zip(
        state.plan.tile_tables, state.histories.cumulative_sums, strict=True
    ):
        if tile_table.grain != "moment":
            suffix = "" if tile_table.grain == "day" else ".hourly"
            found[f"{tile_table.entity.name}{suffix}"] = _table(
                state, tile_table, cumulative_sums, day
            )
    return found


def newest(state: MemoryState) -> date:
    """The last day that something was received of, or that of the seed: its midnight is the newest to be served."""
    day = max(state.newest, state.days.start or state.newest)
    return date.fromordinal(day + datetime(1970, 1, 1).toordinal())


def _table(
    state: MemoryState,
    tile_table: TileTable,
    cumulative_sums: Mapping[Any, CumulativeSums],
    day: date,
) -> pa.Table:
    usecase, midnight = state.plan.usecase, datetime.combine(day, datetime.min.time())
    at = Moment.of(micros(midnight))
    values = [_values(state, tile_table, cumulative, at) for cumulative in cumulative_sums.values()]
    kind = _kind(usecase, tile_table)
    columns = {
        tile_table.entity.key: pa.array(list(cumulative_sums), kind),
        tile_table.grain: pa.array([midnight] * len(cumulative_sums), pa.timestamp("us")),
    }
    for window in tile_table.windows:
        name = usecase.aggregates[window.place].name
        columns[name] = pa.array([row[window.place] for row in values], pa.float64())
    return pa.table(columns)


def _values(
    state: MemoryState, tile_table: TileTable, cumulative: CumulativeSums, at: Moment
) -> list[float]:
    size = len(state.plan.usecase.aggregates)
    counts, totals = [0] * size, [0] * size
    histories.add_sums(tile_table, cumulative, at, counts, totals)
    return state.plan.values(counts, totals)


def _kind(usecase: FeatureSet, tile_table: TileTable) -> Any:
    column = tile_table.entity.column
    return pa.int64() if column is None else tables.ARROW[usecase.column(column).type]
