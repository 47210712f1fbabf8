"""The model tables: the rows of each window, some months at a time, written in time order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import history_ages, tables
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import ContractError
from plumbline.core.usecase import FeatureSet
from plumbline.features import (
    batch,
    histories,
    history_age,
    ibis_session,
    join_check,
    store,
    table_checks,
)
from plumbline.features.catalog import Written
from plumbline.features.history_age import AgedHistories
from plumbline.features.known_outcomes import KnownOutcomes
from plumbline.features.month_spans import DaySpan, MonthSpan
from plumbline.features.params import Features
from plumbline.features.past import Past
from plumbline.features.splits import SplitWindow

log = logging.getLogger("plumbline")
Piece = tuple[Any, Any]
"""Some of a window's events, and the same as rows of a model table in no order."""


def write(rows: WindowRows, folder: Path, without: Collection[date]) -> Written:
    """Write a model table per window, as `write_pieces` does."""
    past, further = rows.past, rows.further
    written = write_pieces(
        past.backend, past.usecase, rows.windows, rows.of, folder, further, without
    )
    if rows.params.join == "checked":
        paths = [folder / f"{name}.parquet" for name in written]
        join_check.check(past, paths, rows.snapshots)
    return written


def write_pieces(
    backend: Any,
    usecase: FeatureSet,
    windows: Mapping[str, SplitWindow],
    pieces: Callable[[str], Iterable[Piece]],
    folder: Path,
    further: Sequence[str] = (),
    without: Collection[date] = (),
) -> Written:
    """Write a model table per window, in (time, key) order. `pieces`: of a window by its name, in the order of their
    days. `without`: days whose events are in no table but `current`.

    `further`: columns of the rows behind those of every model table. All but `current` hold only rows whose label is
    known. Raises ContractError where there is nothing to learn from.
    """
    written: Written = {}
    for name, window in windows.items():
        seen = _Batches(backend, usecase, name, () if name == "current" else without)
        counts = tables.write(usecase, seen.of(pieces(name)), folder / f"{name}.parquet", further)
        if counts.rows + counts.ineligible > seen.events:
            raise ContractError(
                f"{usecase.name}: {counts.rows} rows from {seen.events} events of {name}"
                f"{table_checks.dates(windows, name)}: '{usecase.key}' is not unique in the outcomes. "
                "Set validate.severity.unique to block or quarantine."
            )
        written[name] = counts, seen.events - counts.rows - counts.ineligible
        log.info("features: %s, %d rows, %s to %s", name, counts.rows, window.start, window.end)
    return table_checks.check(usecase, written, windows)


@dataclass
class _Batches:
    """The rows of one table as they are written; `events` counts the window's events that they come from."""

    backend: Any
    usecase: FeatureSet
    name: str
    without: Collection[date]
    events: int = 0

    def of(self, pieces: Iterable[Piece]) -> Iterator[Any]:
        """Arrow batches in (time, key) order."""
        for inside, rows in pieces:
            if self.name != "current":
                rows = rows.filter(rows[self.usecase.label].notnull())
            inside, rows = (batch.without(self.usecase, t, self.without) for t in (inside, rows))
            self.events += int(inside.count().to_pyarrow().as_py())
            ordered = rows.order_by(self.usecase.time, self.usecase.key)
            yield from ibis_session.batches(self.backend, ordered, tables.CHUNK)


def rows_of(
    usecase: FeatureSet,
    window: SplitWindow,
    events: Any,
    outcomes: Any,
    join: Callable[[Any], Any],
    further: Sequence[str] = (),
    labels: Any = None,
) -> Piece:
    """The window's events, and as rows of a model table in no order.

    `join` takes events and returns them with the snapshot features, and the columns `further`. `labels`: the outcomes
    that tell the labels, a row per event, where they have a table of their own: rows then have `known_at` as well.
    None: the outcomes of the histories tell them.
    """
    inside = batch.between(usecase, events, window.start, window.end)
    today = batch.fresh(usecase, inside, outcomes, events)
    own = labels is not None
    rows = join(batch.join_label(usecase, today, labels if own else outcomes, moment=own))
    return inside, rows.select(*tables.order(usecase), *further, *([KNOWN_AT] if own else []))


@dataclass(frozen=True)
class WindowRows:
    """The rows of the windows' events, by the months that are worked on together.

    `snapshots`: the folder of the stored histories; `aged`: what tells how old they are.
    """

    past: Past
    params: Features
    windows: Mapping[str, SplitWindow]
    outcomes: KnownOutcomes
    snapshots: Path
    aged: Mapping[MonthSpan, AgedHistories]

    @property
    def further(self) -> list[str]:
        """The columns behind those of every model table."""
        own = [] if self.outcomes.every is None else [KNOWN_AT]
        return [*self._ages, *own]

    @property
    def _ages(self) -> list[str]:
        return history_ages.wanted(self.past.usecase) if self.params.history_age else []

    def of(self, name: str) -> Iterator[Piece]:
        """The pieces of one window."""
        window = self.windows[name]
        for span in self.past.spans:
            days = span.days.within(window.start, window.end)
            if days:
                yield self._piece(name, span, days)

    def _piece(self, name: str, span: MonthSpan, days: DaySpan) -> Piece:
        past, usecase = self.past, self.past.usecase
        inside, known = past.inside(days), past.known(days)
        earlier = past.concerned(known) if any(f.matured for f in usecase.fresh) else None
        today = batch.fresh(usecase, inside, known, earlier)
        late = self.outcomes.of_days(days)
        labels = late.of_window(self.windows, name)
        own = labels is not None
        rows = batch.join_label(
            usecase, today, labels if own else past.outcomes_of(days), moment=own
        )
        rows = self._join(days)(rows)
        if self._ages:
            rows = history_age.aged(usecase, rows, self.aged[span])
        return inside, rows.select(*tables.order(usecase), *self.further)

    def _join(self, days: DaySpan) -> Callable[[Any], Any]:
        """What gives events of these days their stored histories."""
        usecase = self.past.usecase
        by_entity = histories.of_days(self.past, self.snapshots, days)
        if by_entity and self.params.join == "feast":
            return partial(store.join_snapshots, usecase, folder=self.snapshots)
        return partial(batch.join_snapshots, usecase, by_entity=by_entity)
