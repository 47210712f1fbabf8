"""The out `tiles/`: the tiles that histories after as_of are added up from, and the recent events. Runs expressions.

The sums are those of the batch (`plumbline.features.tiles`); a service starts from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import ibis

from plumbline.core import definitions_md5, documents
from plumbline.core.declarations import KNOWN_AT, Entity, Fresh, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features import ibis_session, tiles
from plumbline.features.grain import DAILY, HOURLY, Grain
from plumbline.features.tile_documents import INDEX, RECENT, TileFile, TilePart, TilesDocument

Spec = Snapshot | Hourly | Fresh


def write(
    backend: Any,
    usecase: FeatureSet,
    events: Any,
    outcomes: Any,
    days: tuple[date, date],
    recent_days: int,
    folder: Path,
) -> None:
    """Write tiles and recent events; `events` and `outcomes` as `assemble.visible` gives them.

    `days`: of the first event, and as_of. Only tiles that a window of an event from the recent days on can
    see are kept.
    """
    first, as_of = days
    recent = as_of - timedelta(max(usecase.delay_days, recent_days))
    full = ibis_session.never_null(backend, events)
    files = []
    for entity, grain, specs in grains(usecase):
        oldest = _midnight(recent) // grain.length - _reach(specs)
        name = f"{entity.name}{grain.suffix}"
        rows = _tiles(usecase, entity, grain, specs, events, outcomes, oldest)
        known = ["id"] if full and entity.column else []  # nulls are filtered out
        ibis_session.write(backend, rows, folder / f"{name}.parquet", required=known)
        parts = tuple(TilePart.of(*part) for part in tiles.parts(specs))
        files.append(
            TileFile(name=name, entity=entity.name, grain=grain.column, oldest=oldest, parts=parts)
        )
    since = as_of - timedelta(recent_days)
    rows = _recent(usecase, events, outcomes, recent, since)
    ibis_session.write(backend, rows, folder / RECENT, required=full)
    _write_index(usecase, folder, as_of=as_of, first_day=first, recent_from=recent, files=files)


def write_untimed(usecase: FeatureSet, folder: Path) -> None:
    """What says that a plain table has no tiles."""
    _write_index(usecase, folder, as_of=None, first_day=None, recent_from=None, files=())


def grains(usecase: FeatureSet) -> Iterator[tuple[Entity, Grain, list[Spec]]]:
    """Each entity and grain with features, and these; fresh features are of the day."""
    for entity in usecase.entities:
        for grain in (DAILY, HOURLY):
            fresh = [f for f in usecase.fresh if f.entity == entity.name and grain is DAILY]
            specs = [*grain.specs(usecase, entity), *fresh]
            if specs:
                yield entity, grain, specs


def _tiles(
    usecase: FeatureSet,
    entity: Entity,
    grain: Grain,
    specs: list[Spec],
    events: Any,
    outcomes: Any,
    oldest: int,
) -> Any:
    """`id`, `n` and the sums of the tiles from `oldest` on, n being the tile's own number."""
    parts = tiles.parts(specs)
    if not any(matured for matured, _ in parts):
        start = ibis.literal(tiles.EPOCH + oldest * grain.length, "timestamp(6)")
        events = events.filter(events[usecase.time] >= start)
    sums = tiles.totals(usecase, entity, grain, parts, events, outcomes)
    own = sums.mutate(n=(sums.n - 1).cast("int64"))
    kept = own.filter(own.n >= oldest)
    whole = {name: _int64(kept[name]) for name in ("n", *tiles.columns(parts))}
    id_ = _int64(kept.id) if entity.column is None else kept.id
    return kept.select(id=id_, **whole).order_by("id", "n")


def _int64(column: Any) -> Any:
    """An integer as 64 bits: DuckDB sums into 128, which Ibis does not know and Parquet would hold as a float."""
    return column.cast("decimal(38, 0)").cast("int64")


def _recent(
    usecase: FeatureSet, events: Any, outcomes: Any, first: date, settled_since: date
) -> Any:
    """The events from the day `first` on, with what is known of their outcomes, in (time, key) order.

    Where a fresh feature counts outcomes, also older events whose outcome became known from the day
    `settled_since` on: a late event of such a day counts them to the moment.
    """
    late = [KNOWN_AT, *(c.name for c in usecase.unknown)]
    known = outcomes.select(outcomes[usecase.key].name("__key"), *late)
    rows = events.left_join(known, events[usecase.key] == known["__key"]).drop("__key")
    wanted = rows[usecase.time] >= _moment(first)
    if any(f.matured for f in usecase.fresh):
        wanted |= (rows[KNOWN_AT] >= _moment(settled_since)).fill_null(False)
    names = [*(c.name for c in usecase.known), *usecase.derived, *late]
    return rows.filter(wanted).select(*names).order_by(usecase.time, usecase.key)


def _reach(specs: list[Spec]) -> int:
    """How many tiles before an event's own its windows go back."""
    return max((0 if isinstance(s, Fresh) else s.lag + s.length - 1) for s in specs)


def _midnight(day: date) -> timedelta:
    return datetime.combine(day, time.min) - tiles.EPOCH


def _moment(day: date) -> Any:
    return ibis.literal(datetime.combine(day, time.min), "timestamp(6)")


def _write_index(usecase: FeatureSet, folder: Path, **contents: Any) -> None:
    md5 = definitions_md5.definitions(usecase)
    documents.write(folder / INDEX, TilesDocument(definitions=md5, **contents))
