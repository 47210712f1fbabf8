"""From valid events to snapshots and model tables on disk: runs the expressions of `plumbline.features.batch`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from plumbline.core import encodings, event_days, history_ages, tables
from plumbline.core.declarations import KNOWN_AT, Array
from plumbline.core.errors import ContractError
from plumbline.core.usecase import FeatureSet
from plumbline.features import (
    batch,
    catalog,
    derived_events,
    history_age,
    ibis_session,
    known_outcomes,
    partition_drift,
    splits,
    store,
    sum_limits,
    table_checks,
    tile_files,
    written_partitions,
)
from plumbline.features import grain as grains
from plumbline.features.catalog import Written
from plumbline.features.catalog_documents import FeaturesReport
from plumbline.features.history_age import HistoryAges
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow
from plumbline.features.whole_tables import WholeTables

log = logging.getLogger("plumbline")


def timed(
    backend: Any,
    usecase: FeatureSet,
    params: Features,
    as_of: date | None,
    valid: Path,
    snapshots: Path,
    tables: Path,
    tiles: Path | None = None,
    *,
    own: bool = False,
) -> FeaturesReport:
    """Write snapshots, model tables and tiles of a use case with a time into folders; the catalog.

    `as_of`: None for the day after the last event. `tiles`: None where they are not wanted. `own`: outcomes have a
    table of their own.
    """
    if ibis_session.on_cluster(backend):
        folders = (snapshots, tables, tiles)
        return _on_cluster(backend, usecase, params, as_of, valid, folders, own=own)
    events, outcomes = ibis_session.read(backend, usecase, valid)
    first, until = span(usecase, events, as_of)
    windows = splits.windows(usecase, params, first, until)
    known = known_outcomes.of(backend, usecase, outcomes, until, own)
    events, outcomes = visible(backend, usecase, events, known.first, until)
    sum_limits.check(usecase, events, outcomes)
    by_entity = write_snapshots(backend, usecase, events, outcomes, until, snapshots)
    join = partial(batch.join_snapshots, usecase, by_entity=by_entity)
    if by_entity and params.join == "feast":
        join = partial(store.join_snapshots, usecase, folder=snapshots)
    aged = partial(history_age.with_ages, usecase, events=events, outcomes=outcomes)
    further = history_ages.wanted(usecase) if params.history_age else []
    joined = (lambda rows: aged(join(rows))) if further else join
    written = write_tables(
        backend,
        usecase,
        windows,
        events,
        outcomes,
        joined,
        tables,
        further,
        known.of_windows(windows),
        params.leave_out,
    )
    if tiles is not None:
        days = (first, until)
        tile_files.write(backend, usecase, events, outcomes, days, params.recent_days, tiles)
    ages = _ages(backend, usecase, windows, aged(events))
    return _described(usecase, catalog.report(usecase, windows, written), snapshots, ages)


def _on_cluster(
    backend: Any,
    usecase: FeatureSet,
    params: Features,
    as_of: date | None,
    valid: Path,
    folders: tuple[Path, Path, Path | None],
    *,
    own: bool,
) -> FeaturesReport:
    """As `timed`, by the workers of a cluster; `folders`: of snapshots, tables and tiles."""
    events, outcomes = ibis_session.read(backend, usecase, valid)
    days = span(usecase, events, as_of)
    windows = splits.windows(usecase, params, *days)
    cluster = WholeTables(backend, usecase, params, days, windows)
    written, ages = cluster.write(events, outcomes, *folders, own=own)
    return _described(usecase, catalog.report(usecase, windows, written), folders[0], ages)


def _described(
    usecase: FeatureSet,
    report: FeaturesReport,
    snapshots: Path,
    ages: Mapping[str, Mapping[str, HistoryAges]],
) -> FeaturesReport:
    """The report with how the stored histories' months differ, and the ages where there are any."""
    partitions = list(written_partitions.drift(usecase, snapshots))
    for line in partition_drift.drifted(partitions):
        log.warning("features: %s: %s", usecase.name, line)
    more = {"history_ages": ages} if ages else {}
    return report.model_copy(update={"partitions": partitions, **more})


def _ages(
    backend: Any, usecase: FeatureSet, windows: Mapping[str, SplitWindow], events: Any
) -> dict[str, dict[str, HistoryAges]]:
    """By window and entity, its events by the age of their newest history."""
    names = history_ages.columns(usecase)
    if not names:
        return {}
    kept = ibis_session.keep(backend, "history_ages", events.select(str(usecase.time), *names))
    inside = {n: batch.between(usecase, kept, w.start, w.end) for n, w in windows.items()}
    return {name: history_age.counted(usecase, rows) for name, rows in inside.items()}


def visible(
    backend: Any, usecase: FeatureSet, events: Any, outcomes: Any, as_of: date
) -> tuple[Any, Any]:
    """The events that happened, with their derived features, and the outcomes that became known, before `as_of`."""
    events, outcomes = batch.visible(usecase, events, outcomes, as_of)
    return derived_events.with_derived(backend, usecase, events, outcomes, as_of), outcomes


def untimed(
    backend: Any, usecase: FeatureSet, params: Features, valid: Path, tables: Path
) -> FeaturesReport:
    """Write the model tables of a table without time into a folder; the catalog."""
    events, outcomes = ibis_session.read(backend, usecase, valid)
    written = write_untimed(backend, usecase, params, events, outcomes, tables)
    return catalog.report(usecase, {}, written)


def span(usecase: FeatureSet, events: Any, as_of: date | None) -> tuple[date, date]:
    """The first event's day, and `as_of`: as given, or the day after the last event. A few events that
    lie far from the others do not count.

    Raises ContractError where there is no event.
    """
    day = events[usecase.time].date()
    counted = events.group_by(day=day).agg(rows=events.count()).order_by("day").to_pyarrow()
    days = [(row["day"], row["rows"]) for row in counted.to_pylist() if row["day"]]
    if not days:
        raise ContractError(
            "there are no events; see the quarantine of the stage before, or move as_of"
        )
    seen = event_days.of(days)
    if seen.apart:
        log.warning("features: %s: %s; windows are counted without them", usecase.name, seen.apart)
    return seen.first, as_of or seen.last + timedelta(days=1)


def write_snapshots(
    backend: Any, usecase: FeatureSet, events: Any, outcomes: Any, as_of: date, folder: Path
) -> dict[str, Any]:
    """Write `<entity>-YYYY-MM.parquet` (hourly: `<entity>.hourly-...`) in (day or hour, id) order.

    Returns the stored histories by name.
    """
    by_entity = {}
    for name, entity, grain in grains.stored(usecase):
        rows = batch.snapshots(usecase, entity, events, outcomes, as_of, grain)
        by_entity[name] = table = ibis_session.keep(backend, f"snapshots_{name}", rows)
        for month in _months(table[grain.column]) or [as_of.replace(day=1)]:
            path = folder / f"{name}-{month:%Y-%m}.parquet"
            rows = batch.month(table, month, grain.column).order_by(grain.column, entity.key)
            ibis_session.write(backend, rows, path)
    return by_entity


def write_tables(
    backend: Any,
    usecase: FeatureSet,
    windows: Mapping[str, SplitWindow],
    events: Any,
    outcomes: Any,
    join: Callable[[Any], Any],
    folder: Path,
    further: Sequence[str] = (),
    labels: Mapping[str, Any] = MappingProxyType({}),
    without: Collection[date] = (),
) -> Written:
    """Write a model table per window, in (time, key) order. `labels`: by window, as in `rows_of`. `without`: days
    whose events are in no table but `current`.

    `join` takes events and returns them with the snapshot features, and the columns `further`. All but `current` hold only
    rows whose label is known. Raises ContractError where there is nothing to learn from.
    """
    written: Written = {}
    for name, window in windows.items():
        inside, rows = rows_of(usecase, window, events, outcomes, join, further, labels.get(name))
        if name != "current":
            rows = rows.filter(rows[usecase.label].notnull())
            inside, rows = (batch.without(usecase, table, without) for table in (inside, rows))
        total = int(inside.count().to_pyarrow().as_py())
        rows = rows.order_by(usecase.time, usecase.key)
        batches = ibis_session.batches(backend, rows, tables.CHUNK)
        more = [*further, *([KNOWN_AT] if name in labels else [])]
        counts = tables.write(usecase, batches, folder / f"{name}.parquet", more)
        if counts.rows + counts.ineligible > total:
            raise ContractError(
                f"{usecase.name}: {counts.rows} rows from {total} events of {name}"
                f"{table_checks.dates(windows, name)}: '{usecase.key}' is not unique in the outcomes. "
                "Set validate.severity.unique to block or quarantine."
            )
        written[name] = counts, total - counts.rows - counts.ineligible
        log.info("features: %s, %d rows, %s to %s", name, counts.rows, window.start, window.end)
    return table_checks.check(usecase, written, windows)


def rows_of(
    usecase: FeatureSet,
    window: SplitWindow,
    events: Any,
    outcomes: Any,
    join: Callable[[Any], Any],
    further: Sequence[str] = (),
    labels: Any = None,
) -> tuple[Any, Any]:
    """The window's events, and as rows of a model table in no order; `join` as in `write_tables`.

    `labels`: the outcomes that tell the labels, a row per event, where they have a table of their own: rows then have
    `known_at` as well. None: the outcomes of the histories tell them.
    """
    inside = batch.between(usecase, events, window.start, window.end)
    today = batch.fresh(usecase, inside, outcomes, events)
    own = labels is not None
    rows = join(batch.join_label(usecase, today, labels if own else outcomes, moment=own))
    return inside, rows.select(*tables.order(usecase), *further, *([KNOWN_AT] if own else []))


def write_untimed(
    backend: Any, usecase: FeatureSet, params: Features, events: Any, outcomes: Any, folder: Path
) -> Written:
    """Write the model tables of a table without time, split as declared, in key order."""
    joined = batch.join_label(usecase, events, outcomes)
    joined = joined.filter(joined[usecase.label].notnull())
    names = dict.fromkeys([*splits.needed(usecase), *encodings.needed(usecase)])
    first = joined.select(*names).order_by(usecase.key)
    whole = pa.Table.from_batches(
        ibis_session.batches(backend, first, tables.CHUNK), first.schema().to_pyarrow()
    )
    columns = {n: tables.numpy(whole.column(n)) for n in whole.column_names}
    own = splits.of_rows(usecase, params, columns)
    encoded = encodings.of_table(usecase, columns, own["train"])
    rows = joined.select(tables.order(usecase)).order_by(usecase.key)
    written: Written = {}
    for name in splits.NAMES:
        batches = _of(ibis_session.batches(backend, rows, tables.CHUNK), own[name], encoded)
        written[name] = tables.write(usecase, batches, folder / f"{name}.parquet"), 0
    return table_checks.check(usecase, written, {})


def _of(batches: Iterable[Any], own: Array, further: Mapping[str, Array]) -> Iterator[Any]:
    """The rows of `batches` that are in `own`, bool (n,), which holds all of them in their order.

    `further`: columns (n,) that are added.
    """
    start = 0
    for part in batches:
        end = start + part.num_rows
        for name, values in further.items():
            part = part.append_column(name, pa.array(values[start:end]))
        yield part.filter(pa.array(own[start:end]))
        start = end


def _months(column: Any) -> list[date]:
    months = column.truncate("M").name("month").as_table().distinct().to_pyarrow()
    return sorted(months.column("month").to_pylist())
