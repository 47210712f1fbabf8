"""A window's events with features as they were some time before each event. An edge: DuckDB.

An event at noon with features an hour old has the values that an event of the same customer at eleven
would have had: nothing that happened, or became known, in the last hour is in them. So does a store
that was last refreshed at eleven answer. What belongs to the event itself (amount, hour of the day) is
the event's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis

from plumbline.config import UseCaseParams
from plumbline.core import history_ages, tables
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.features import (
    assemble,
    batch,
    history_age,
    ibis_session,
    known_outcomes,
    splits,
    tiles,
)
from plumbline.features.splits import SplitWindow
from plumbline.features.tiles import IbisTable


@dataclass(frozen=True)
class EventHistory:
    """All events and outcomes of a use case with their stored histories, and the window to be scored."""

    backend: Any
    usecase: UseCase
    events: IbisTable
    outcomes: IbisTable
    labels: IbisTable
    by_entity: Mapping[str, IbisTable]
    window: SplitWindow
    folder: Path


@contextmanager
def opened(usecase: UseCase, params: UseCaseParams, valid: Path) -> Iterator[EventHistory]:
    """The history from the folder that the validate stage wrote, and the test window.

    Raises PlumblineError for a table without time, or a use case without histories.
    """
    check(usecase)
    with (
        ibis_session.connection() as backend,
        tempfile.TemporaryDirectory(prefix="plumbline-") as name,
    ):
        folder = Path(name)
        events, outcomes = ibis_session.read(backend, usecase, valid)
        first, until = assemble.span(usecase, events, params.data.as_of)
        window = splits.windows(usecase, params.features, first, until)["test"]
        late = known_outcomes.of(backend, usecase, outcomes, until, params.data.own_outcomes)
        events, outcomes = assemble.visible(backend, usecase, events, late.first, until)
        stored = assemble.write_snapshots(backend, usecase, events, outcomes, until, folder)
        labels = late.labels() if params.data.own_outcomes else outcomes
        yield EventHistory(backend, usecase, events, outcomes, labels, stored, window, folder)


def check(usecase: UseCase) -> None:
    """PlumblineError where no feature can be old."""
    if usecase.time is None or not usecase.aggregates:
        raise PlumblineError(
            f"{usecase.name}: no feature is made from histories, so that none can be old; expected a use case "
            "with snapshots, hourly or fresh features"
        )


def aged(history: EventHistory, age: timedelta) -> dict[str, Array]:
    """The window's model table with histories cut `age` before each event; of no age, the stage's own.

    With it, in hours, the age of each entity's newest history where nothing is cut.
    """
    usecase, window = history.usecase, history.window
    time = str(usecase.time)
    inside = batch.between(usecase, history.events, window.start, window.end)
    moment = inside[time] - ibis.interval(microseconds=age // timedelta(microseconds=1))
    early = inside.mutate(__time=inside[time], **{time: moment.cast(inside.schema()[time])})
    joined = batch.join_snapshots(usecase, _fresh(history, early, age), history.by_entity)
    rows = joined.mutate(**{time: joined["__time"]}).drop("__time")
    rows = batch.join_label(usecase, rows, history.labels)
    rows = rows.filter(rows[usecase.label].notnull())
    return _read(history, rows.select(tables.order(usecase)), f"{age.total_seconds():.0f}")


def ages(history: EventHistory) -> dict[str, Array]:
    """Key and each entity's age of the newest history, hours, of the window's events."""
    usecase, window = history.usecase, history.window
    inside = batch.between(usecase, history.events, window.start, window.end)
    rows = history_age.with_ages(usecase, inside, history.events, history.outcomes)
    names = [usecase.key, *history_ages.columns(usecase)]
    table = rows.select(names).to_pyarrow()
    return {name: tables.numpy(table.column(name), null=name != usecase.key) for name in names}


def _fresh(history: EventHistory, rows: IbisTable, age: timedelta) -> IbisTable:
    """`rows`, which are no part of the history, with the fresh features at their time."""
    usecase, window = history.usecase, history.window
    before = timedelta(days=age.days + 2)
    recent = batch.between(usecase, history.events, window.start - before, window.end)
    for entity in usecase.entities:
        specs = [f for f in usecase.fresh if f.entity == entity.name]
        plain = [f for f in specs if not f.matured]
        if plain:
            past = recent.mutate(__id=tiles.id_of(entity, recent), __at=recent[usecase.time])
            rows = batch.with_history(usecase, entity, plain, rows, past)
        matured = [f for f in specs if f.matured]
        if matured:
            late = tiles.settled(usecase, entity, history.events, history.outcomes)
            rows = batch.with_history(usecase, entity, matured, rows, late)
    return rows


def _read(history: EventHistory, rows: IbisTable, name: str) -> dict[str, Array]:
    """The rows with row features and codes, by time and key, as the features stage writes them."""
    usecase, path = history.usecase, history.folder / f"aged-{name}.parquet"
    ordered = rows.order_by(usecase.time, usecase.key)
    tables.write(usecase, ibis_session.batches(history.backend, ordered, tables.CHUNK), path)
    try:
        return tables.read(path)
    finally:
        path.unlink()


def common(parts: Sequence[Mapping[str, Array]], key: str) -> list[dict[str, Array]]:
    """The tables' rows whose keys all have, in the order of the first: features decide who is eligible."""
    shared = set.intersection(*(set(part[key].tolist()) for part in parts))
    result = []
    for part in parts:
        place = {one: row for row, one in enumerate(part[key].tolist())}
        rows = [place[one] for one in parts[0][key].tolist() if one in shared]
        result.append({name: values[rows] for name, values in part.items()})
    return result
