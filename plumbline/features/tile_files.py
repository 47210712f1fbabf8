"""The out `tiles/`: the tiles that histories after as_of are added up from, and the recent events. Runs expressions.

The sums are those of the batch (`plumbline.features.tiles`); a service starts from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ibis

from plumbline.core import definitions_md5, documents
from plumbline.core.declarations import KNOWN_AT, Entity, Fresh
from plumbline.core.usecase import FeatureSet
from plumbline.features import ibis_session, tiles
from plumbline.features.grain import DAILY, HOURLY, Grain
from plumbline.features.past import Past, Spec, summed
from plumbline.features.tile_documents import INDEX, RECENT, TileFile, TilePart, TilesDocument

LEAST = -(2**63)
"""No tile has this number."""


def write(
    backend: Any,
    usecase: FeatureSet,
    events: Any,
    outcomes: Any,
    days: tuple[date, date],
    recent_days: int,
    folder: Path,
    sums: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write tiles and recent events; `events` and `outcomes` as `assemble.visible` gives them.

    `days`: of the first event, and as_of. Only tiles that a window of an event from the recent days on can
    see are kept. `sums`: by history, its tiles where they are summed already, as `tiles.totals` has them.
    """
    first, as_of = days
    recent = as_of - timedelta(max(usecase.delay_days, recent_days))
    files = []
    for name, entity, grain, specs in histories(usecase):
        oldest = tiles.number_of(recent, grain) - _reach(specs)
        own = sums.get(name)
        if own is None:
            own = _summed(usecase, entity, grain, specs, events, outcomes, oldest)
        rows = ibis_session.keep(backend, f"tiles_{name}", _kept(entity, specs, own, oldest))
        full = ["id"] if usecase.derived else []
        ordered = _loose(rows, rows.n == LEAST, full).order_by("id", "n")
        ibis_session.write(backend, ordered, folder / f"{name}.parquet", required=full)
        ibis_session.drop(backend, rows)
        parts = tuple(TilePart.of(*part) for part in tiles.parts(specs))
        files.append(
            TileFile(name=name, entity=entity.name, grain=grain.column, oldest=oldest, parts=parts)
        )
    since = as_of - timedelta(recent_days)
    own = _recent(usecase, events, outcomes, recent, since)
    kept = ibis_session.keep(backend, "recent_events", own)
    rows = _with_outcomes(usecase, kept, outcomes, recent, since)
    known = ibis_session.never_null(backend, kept) if usecase.derived else ()
    ibis_session.write(backend, rows, folder / RECENT, required=known)
    ibis_session.drop(backend, kept)
    _write_index(usecase, folder, as_of=as_of, first_day=first, recent_from=recent, files=files)


def write_past(past: Past, first: date, recent_days: int, folder: Path) -> None:
    """As `write`, from the tiles of a past, whose first event is of the day `first`."""
    own = {name: tiles.parts(specs) for name, _, _, specs in summed(past.usecase)}
    sums = {
        name: ibis_session.scan(past.backend, past.sums[name])
        for name, _, _, specs in histories(past.usecase)
        if own.get(name) == tiles.parts(specs)
    }
    days = (first, past.as_of)
    write(past.backend, past.usecase, past.events, past.outcomes, days, recent_days, folder, sums)


def write_untimed(usecase: FeatureSet, folder: Path) -> None:
    """What says that a plain table has no tiles."""
    _write_index(usecase, folder, as_of=None, first_day=None, recent_from=None, files=())


def histories(usecase: FeatureSet) -> Iterator[tuple[str, Entity, Grain, list[Spec]]]:
    """Each history's name, entity and grain, and its features; fresh features are of the day."""
    for entity in usecase.entities:
        for grain in (DAILY, HOURLY):
            fresh = [f for f in usecase.fresh if f.entity == entity.name and grain is DAILY]
            specs: list[Spec] = [*grain.specs(usecase, entity), *fresh]
            if specs:
                yield f"{entity.name}{grain.suffix}", entity, grain, specs


def _summed(
    usecase: FeatureSet,
    entity: Entity,
    grain: Grain,
    specs: list[Spec],
    events: Any,
    outcomes: Any,
    oldest: int,
) -> Any:
    """The sums of the tiles from `oldest` on."""
    start = ibis.literal(tiles.EPOCH + oldest * grain.length, "timestamp(6)")
    late = outcomes.filter(outcomes[KNOWN_AT] >= start)
    late = tiles.settled(usecase, entity, events, late) if any(s.matured for s in specs) else None
    near = events.filter(events[usecase.time] >= start)
    return tiles.added(usecase, entity, grain, tiles.parts(specs), near, late)


def _kept(entity: Entity, specs: list[Spec], sums: Any, oldest: int) -> Any:
    """`id`, `n` and the sums of the tiles from `oldest` on, n being the tile's own number."""
    own = sums.mutate(n=(sums.n - 1).cast("int64"))
    kept = own.filter(own.n >= oldest)
    whole = {name: tiles.int64(kept[name]) for name in ("n", *tiles.columns(tiles.parts(specs)))}
    id_ = tiles.int64(kept.id) if entity.column is None else kept.id
    return kept.select(id=id_, **whole)


def _loose(rows: Any, never: Any, required: Sequence[str]) -> Any:
    """The rows with columns that may hold nulls in the file's schema, but for those `required`; `never`: what is true of
    no row.

    DuckDB writes which columns hold no null where it knows, and whether it knows depends on how they were computed.
    """
    kinds = [(name, kind) for name, kind in rows.schema().items() if name not in required]
    return rows.mutate(**{name: never.ifelse(ibis.null(kind), rows[name]) for name, kind in kinds})


def _recent(
    usecase: FeatureSet, events: Any, outcomes: Any, first: date, settled_since: date
) -> Any:
    """The events from the day `first` on.

    Where a fresh feature counts outcomes, also older events whose outcome became known from the day
    `settled_since` on: a late event of such a day counts them to the moment.
    """
    own = [*(c.name for c in usecase.known), *usecase.derived]
    at, midnight = events[usecase.time], _moment(first)
    kept = events.filter(at >= midnight).select(own)
    known = outcomes.filter(outcomes[KNOWN_AT] >= _moment(settled_since))
    if any(f.matured for f in usecase.fresh):
        older = events.filter(at < midnight).semi_join(known, usecase.key).select(own)
        kept = ibis.union(kept, older)
    return kept


def _with_outcomes(
    usecase: FeatureSet, events: Any, outcomes: Any, first: date, settled_since: date
) -> Any:
    """Recent events with what is known of their outcomes, in (time, key) order."""
    names = [KNOWN_AT, *(c.name for c in usecase.unknown)]
    if usecase.time in outcomes.columns:
        newly = outcomes[KNOWN_AT] >= _moment(settled_since)
        outcomes = outcomes.filter((outcomes[usecase.time] >= _moment(first)) | newly)
    late = outcomes.select(outcomes[usecase.key].name("__key"), *names)
    own = events
    if not usecase.derived:
        own = _loose(events, events[usecase.time].year() == 0, [])
    rows = own.left_join(late, own[usecase.key] == late["__key"]).drop("__key")
    newly = (rows[KNOWN_AT] >= _moment(settled_since)).fill_null(False)
    wanted = rows.filter((rows[usecase.time] >= _moment(first)) | newly)
    return wanted.select(*events.columns, *names).order_by(usecase.time, usecase.key)


def _reach(specs: list[Spec]) -> int:
    """How many tiles before an event's own its windows go back."""
    return max((0 if isinstance(s, Fresh) else s.lag + s.length - 1) for s in specs)


def _moment(day: date) -> Any:
    return ibis.literal(datetime.combine(day, time.min), "timestamp(6)")


def _write_index(usecase: FeatureSet, folder: Path, **contents: Any) -> None:
    md5 = definitions_md5.definitions(usecase)
    documents.write(folder / INDEX, TilesDocument(definitions=md5, **contents))
