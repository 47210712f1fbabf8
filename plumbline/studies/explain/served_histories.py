"""The tiles that a served event's histories are the sums of. An edge: reads tiles, sealed days and the log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from plumbline.core.declarations import Measure
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.replay import refolding, row_sources
from plumbline.ops.replay.day_range import DayRange
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import LENGTHS, Moment, Part, TileTable, micros
from plumbline.studies.explain.served_document import ServedHistories, ServedTile


def histories(
    root: Path, usecase: FeatureSet, row: LoggedEvent, late_days: int
) -> ServedHistories | str:
    """The tiles of the event's entities in its windows, from the seed whose sums are the logged ones; or why there are none."""
    if usecase.time is None or not usecase.aggregates:
        return "the use case has no histories"
    names = [a.name for a in usecase.aggregates]
    best: ServedHistories | None = None
    problem = "no tiles of these features are here, nor beside the bundle's commit; `dvc checkout`"
    try:
        sources = row_sources.found(root, usecase.name, DayRange())
        for named in refolding.seeds_of(root, usecase, row.bundle):
            state = refolding.traced_state(usecase, named.seed, sources, row, late_days)
            differing = refolding.differences(names, state.values(row.event), row)
            if best is None or len(differing) < len(best.differing):
                as_of = None if named.seed.as_of is None else str(named.seed.as_of)
                best = ServedHistories(
                    seed=named.name, as_of=as_of, differing=differing, tiles=tiles(state, row)
                )
            if not differing:
                break
    except PlumblineError as error:
        problem = str(error)
    return best or problem


def tiles(state: MemoryState, row: LoggedEvent) -> list[ServedTile]:
    """What each tile in reach of the event's windows has, by entity, the oldest first."""
    at = Moment.of(micros(row.event[str(state.plan.usecase.time)]))
    found: list[ServedTile] = []
    for place, table in enumerate(state.plan.tile_tables):
        id_ = table.id_of(row.event)
        sums = state.histories.cumulative_sums[place].get(id_)
        if sums is None or id_ is None:
            continue
        bounds, width = table.bounds(at), table.width
        for i, number in enumerate(sums.at):
            if min(bounds) <= number < max(bounds):
                before, after = (
                    sums.sums[i * width : (i + 1) * width],
                    sums.sums[(i + 1) * width : (i + 2) * width],
                )
                own = [int(b - a) for a, b in zip(before, after, strict=True)]
                found.append(_tile(table, id_, number, own))
    return found


def _tile(table: TileTable, id_: object, number: int, own: list[int]) -> ServedTile:
    counts, sums = {}, {}
    for part, (count, total) in table.columns.items():
        if count >= 0 and own[count]:
            counts[_words(part)] = own[count]
        if total >= 0 and own[total]:
            sums[_words(part)] = own[total]
    start = datetime.fromtimestamp(number * LENGTHS[table.grain] / 1e6, UTC)
    return ServedTile(
        entity=table.entity.name,
        id=str(id_),
        grain=table.grain,
        start=start.replace(tzinfo=None).isoformat(),
        counts=counts,
        sums=sums,
    )


def _words(part: Part) -> str:
    """What is counted and summed."""
    settled, measure = part
    return f"{'settled ' if settled else ''}{measure.column or 'events'}{_where(measure)}"


def _where(measure: Measure) -> str:
    limits = [
        f"{w.column} {'' if w.low is None else w.low}..{'' if w.high is None else w.high}"
        for w in measure.where
    ]
    return f" where {', '.join(limits)}" if limits else ""
