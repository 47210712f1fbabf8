"""All histories and model tables from whole tables at once, as a cluster computes them; its workers spill by themselves.

The expressions are those of one machine, which goes month by month instead. The bytes of what is written are the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.core import history_ages, tables
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import ContractError
from plumbline.core.usecase import FeatureSet
from plumbline.features import (
    batch,
    derived_events,
    history_age,
    ibis_session,
    known_outcomes,
    spark_tables,
    sum_limits,
    table_checks,
    tile_files,
)
from plumbline.features import grain as grains
from plumbline.features.catalog import Written
from plumbline.features.history_age import HistoryAges
from plumbline.features.known_outcomes import KnownOutcomes
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow

log = logging.getLogger("plumbline")
Ages = Mapping[str, Mapping[str, HistoryAges]]


@dataclass(frozen=True)
class WholeTables:
    """Events and outcomes on a cluster, as read, from the `first` day to `until`; windows of model tables."""

    backend: Any
    usecase: FeatureSet
    params: Features
    days: tuple[date, date]
    windows: Mapping[str, SplitWindow]

    def write(
        self,
        events: Any,
        outcomes: Any,
        snapshots: Path,
        tables: Path,
        tiles: Path | None,
        *,
        own: bool,
    ) -> tuple[Written, Ages]:
        """Write snapshots, model tables and tiles into their folders; what is in the tables, and the events' ages.

        `own`: outcomes have a table of their own.
        """
        until = self.days[1]
        known = known_outcomes.of(self.backend, self.usecase, outcomes, until, own)
        events, outcomes = batch.visible(self.usecase, events, known.first, until)
        events = derived_events.with_derived(self.backend, self.usecase, events, outcomes, until)
        sum_limits.check(self.usecase, events, outcomes)
        by_entity = self._write_snapshots(events, outcomes, snapshots)
        written = self._write_tables(events, outcomes, by_entity, known, tables)
        if tiles is not None:
            recent = self.params.recent_days
            tile_files.write(self.backend, self.usecase, events, outcomes, self.days, recent, tiles)
        return written, self._ages(events, outcomes)

    def _write_snapshots(self, events: Any, outcomes: Any, folder: Path) -> dict[str, Any]:
        """Write `<entity>-YYYY-MM.parquet` in (day or hour, id) order; the stored histories by name."""
        by_entity = {}
        until = self.days[1]
        for name, entity, grain in grains.stored(self.usecase):
            rows = batch.snapshots(self.usecase, entity, events, outcomes, until, grain)
            rows = rows.order_by(grain.column, entity.key)
            by_entity[name] = ibis_session.keep(self.backend, f"snapshots_{name}", rows)
            spark_tables.write_months(
                self.backend, f"snapshots_{name}", grain.column, folder, name, until
            )
        return by_entity

    def _write_tables(
        self,
        events: Any,
        outcomes: Any,
        by_entity: Mapping[str, Any],
        known: KnownOutcomes,
        folder: Path,
    ) -> Written:
        """Write a model table per window, in (time, key) order; all but `current` hold only rows with a known label."""
        further = history_ages.wanted(self.usecase) if self.params.history_age else []
        labels = known.of_windows(self.windows)
        written: Written = {}
        for name, window in self.windows.items():
            inside, rows = self._rows_of(
                window, events, outcomes, by_entity, further, labels.get(name)
            )
            if name != "current":
                rows = rows.filter(rows[self.usecase.label].notnull())
                inside, rows = (
                    batch.without(self.usecase, t, self.params.leave_out) for t in (inside, rows)
                )
            total = int(inside.count().to_pyarrow().as_py())
            more = [*further, *([KNOWN_AT] if name in labels else [])]
            written[name] = self._written(name, rows, folder, more, total)
        return table_checks.check(self.usecase, written, self.windows)

    def _written(
        self, name: str, rows: Any, folder: Path, more: Sequence[str], total: int
    ) -> tuple[tables.Counts, int]:
        """What is in a window's table, and how many of its events are not."""
        ordered = rows.order_by(self.usecase.time, self.usecase.key)
        path, batches = folder / f"{name}.parquet", self._completed(ordered, more)
        counts = tables.write(self.usecase, batches, path, more, whole=True)
        if counts.rows + counts.ineligible > total:
            raise ContractError(
                f"{self.usecase.name}: {counts.rows} rows from {total} events of {name}"
                f"{table_checks.dates(self.windows, name)}: '{self.usecase.key}' is not unique in the outcomes. "
                "Set validate.severity.unique to block or quarantine."
            )
        window = self.windows[name]
        log.info("features: %s, %d rows, %s to %s", name, counts.rows, window.start, window.end)
        return counts, total - counts.rows - counts.ineligible

    def _completed(self, rows: Any, more: Sequence[str]) -> Iterator[Any]:
        """Batches of `rows` with row features and codes, which the workers compute."""
        usecase, schema = self.usecase, tables.schema(self.usecase, more)

        def complete(batch: Any) -> Any:
            rows = pa.Table.from_batches([batch])
            whole = tables.completed(usecase, rows, more).cast(schema)
            return whole.combine_chunks().to_batches()[0]

        folder = spark_tables.map_batches(self.backend, rows, schema, complete)
        return spark_tables.stored_batches(self.backend, folder, tables.CHUNK)

    def _rows_of(
        self,
        window: SplitWindow,
        events: Any,
        outcomes: Any,
        by_entity: Mapping[str, Any],
        further: Sequence[str],
        labels: Any,
    ) -> tuple[Any, Any]:
        """The window's events, and as rows of a model table in no order. `labels`: outcomes that tell the labels,
        where they have a table of their own."""
        inside = batch.between(self.usecase, events, window.start, window.end)
        today = batch.fresh(self.usecase, inside, outcomes, events)
        own = labels is not None
        rows = batch.join_label(self.usecase, today, labels if own else outcomes, moment=own)
        rows = batch.join_snapshots(self.usecase, rows, by_entity)
        if further:
            rows = history_age.with_ages(self.usecase, rows, events, outcomes)
        moment = [KNOWN_AT] if own else []
        return inside, rows.select(*tables.order(self.usecase), *further, *moment)

    def _ages(self, events: Any, outcomes: Any) -> Ages:
        """By window and entity, its events by the age of their newest history."""
        names = history_ages.columns(self.usecase)
        if not names:
            return {}
        aged = history_age.with_ages(self.usecase, events, events, outcomes)
        kept = aged.select(str(self.usecase.time), *names)
        kept = ibis_session.keep(self.backend, "history_ages", kept)
        inside = {
            n: batch.between(self.usecase, kept, w.start, w.end) for n, w in self.windows.items()
        }
        return {name: history_age.counted(self.usecase, rows) for name, rows in inside.items()}
