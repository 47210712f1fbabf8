"""From valid events to snapshots and model tables on disk: runs the expressions of `plumbline.features.batch`."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.core import encodings, event_days, tables
from plumbline.core.declarations import Array
from plumbline.core.errors import ContractError
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.usecase import FeatureSet
from plumbline.features import (
    aged_histories,
    batch,
    catalog,
    derived_events,
    histories,
    ibis_session,
    known_outcomes,
    live_definitions,
    model_tables,
    month_inputs,
    month_keys,
    month_spans,
    partition_drift,
    past,
    splits,
    sum_limits,
    table_checks,
    tile_files,
    written_partitions,
)
from plumbline.features import grain as grains
from plumbline.features.catalog import Written
from plumbline.features.catalog_documents import FeaturesReport
from plumbline.features.history_age import HistoryAges
from plumbline.features.model_tables import WindowRows
from plumbline.features.month_inputs import MonthInputs
from plumbline.features.month_keys import MonthKeys
from plumbline.features.month_spans import MonthSpan
from plumbline.features.params import Features
from plumbline.features.past import Past
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
    cache: PartitionCache | None = None,
) -> FeaturesReport:
    """Write snapshots, model tables and tiles of a use case with a time into folders; the catalog.

    `as_of`: None for the day after the last event. `tiles`: None where they are not wanted. `own`: outcomes have a
    table of their own. `cache`: where what was computed of a month is kept.
    """
    if ibis_session.on_cluster(backend):
        folders = (snapshots, tables, tiles)
        return _on_cluster(backend, usecase, params, as_of, valid, folders, own=own)
    events, outcomes = ibis_session.read(backend, usecase, valid)
    days = days_of(usecase, events)
    first, until = ends(usecase, days, as_of)
    windows = splits.windows(usecase, params, first, until)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        known = known_outcomes.timed(usecase, events, outcomes)
        inputs = None if cache is None else month_inputs.of(backend.con, usecase, valid, cache)
        spans = past.spans(usecase, days, known, until)
        keys = _keys(usecase, cache, inputs, until, spans)
        spans = spans if keys is None else month_spans.apart(spans, keys.kept())
        late = known_outcomes.by_month(backend, usecase, known, until, spans, Path(folder), own)
        seen = batch.visible(usecase, events, late.first, until)
        whole = Past(backend, usecase, *seen, until, spans, Path(folder), keys=keys)
        whole = histories.with_derived(whole)
        sum_limits.check(usecase, whole.events, whole.outcomes)
        histories.write_snapshots(whole, snapshots)
        aged = aged_histories.of(whole)
        rows = WindowRows(whole, params, windows, late, snapshots, aged)
        written = model_tables.write(rows, tables, params.leave_out)
        if tiles is not None:
            tile_files.write_past(whole, first, params.recent_days, tiles)
        ages = aged_histories.counted(whole, aged, windows)
    if cache is not None:
        cache.trim()
    return _described(usecase, catalog.report(usecase, windows, written), snapshots, ages)


def _keys(
    usecase: FeatureSet,
    cache: PartitionCache | None,
    inputs: MonthInputs | None,
    as_of: date,
    spans: Sequence[MonthSpan],
) -> MonthKeys | None:
    """What the months' values are kept by; None where they are not."""
    if cache is None or inputs is None:
        return None
    definitions = cache.key(usecase, live_definitions.texts(usecase.name))
    reach = past.reach(usecase.derivation), past.reach(usecase)
    months = [month for span in spans for month in span.months]
    has = bool(usecase.derived)
    return month_keys.of(cache, inputs, definitions, as_of, months, reach, derived=has)


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
    return ends(usecase, days_of(usecase, events), as_of)


def days_of(usecase: FeatureSet, events: Any) -> list[tuple[date, int]]:
    """The days of the events, ascending, and how many each has."""
    day = events[usecase.time].date()
    counted = events.group_by(day=day).agg(rows=events.count()).order_by("day").to_pyarrow()
    return [(row["day"], row["rows"]) for row in counted.to_pylist() if row["day"]]


def ends(
    usecase: FeatureSet, days: Sequence[tuple[date, int]], as_of: date | None
) -> tuple[date, date]:
    """As `span`, from the days of the events."""
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
