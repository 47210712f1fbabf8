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
    kept_rows,
    store,
    table_checks,
)
from plumbline.features.catalog import Written
from plumbline.features.history_age import AgedHistories
from plumbline.features.kept_rows import Part
from plumbline.features.known_outcomes import KnownOutcomes
from plumbline.features.month_keys import MonthKeys
from plumbline.features.month_spans import DaySpan, MonthSpan
from plumbline.features.params import Features
from plumbline.features.past import Past
from plumbline.features.splits import SplitWindow

log = logging.getLogger("plumbline")
Piece = tuple[Any, Any]
"""Some of a window's events, and the same as rows of a model table in no order."""


def write(rows: WindowRows, folder: Path, without: Collection[date]) -> Written:
    """Write a model table per window, as `write_pieces` does."""
    past = rows.past
    parts = partial(rows.parts, without=without)
    written = write_parts(past.usecase, rows.windows, parts, folder, rows.further)
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

    def parts(name: str) -> Iterator[Part]:
        return (computed(backend, usecase, name, piece, without) for piece in pieces(name))

    return write_parts(usecase, windows, parts, folder, further)


def write_parts(
    usecase: FeatureSet,
    windows: Mapping[str, SplitWindow],
    parts: Callable[[str], Iterable[Part]],
    folder: Path,
    further: Sequence[str] = (),
) -> Written:
    """As `write_pieces`, from parts that are in order already."""
    written: Written = {}
    for name, window in windows.items():
        seen = _Batches()
        counts = tables.write(usecase, seen.of(parts(name)), folder / f"{name}.parquet", further)
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

    events: int = 0

    def of(self, parts: Iterable[Part]) -> Iterator[Any]:
        """Arrow batches in (time, key) order."""
        for events, batches in parts:
            self.events += events
            yield from batches


def computed(
    backend: Any, usecase: FeatureSet, name: str, piece: Piece, without: Collection[date]
) -> Part:
    """What the table `name` has of a piece: all but `current` rows with a known label, of no day in `without`."""
    inside, rows = chosen(usecase, name, piece, without)
    events = int(inside.count().to_pyarrow().as_py())
    return events, ordered(backend, usecase, rows)


def chosen(usecase: FeatureSet, name: str, piece: Piece, without: Collection[date]) -> Piece:
    """What the table `name` has of a piece, in no order."""
    inside, rows = piece
    if name == "current":
        return piece
    rows = rows.filter(rows[usecase.label].notnull())
    return batch.without(usecase, inside, without), batch.without(usecase, rows, without)


def ordered(backend: Any, usecase: FeatureSet, rows: Any) -> Iterator[Any]:
    """Arrow batches in (time, key) order."""
    return ibis_session.batches(backend, rows.order_by(usecase.time, usecase.key), tables.CHUNK)


def by_month(usecase: FeatureSet, events: Any) -> dict[date, int]:
    """How many events each month has, by its first day."""
    month = events[usecase.time].truncate("M").date()
    counted = events.group_by(month=month).agg(rows=events.count()).to_pyarrow().to_pylist()
    return {row["month"]: row["rows"] for row in counted}


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

    def parts(self, name: str, without: Collection[date]) -> Iterator[Part]:
        """The parts of one window; `without`: days whose events are in no table but `current`."""
        past, window = self.past, self.windows[name]
        for span in past.spans:
            days = span.days.within(window.start, window.end)
            if days is None:
                continue
            if past.keys is None:
                yield self._part(name, span, days, without)
            else:
                yield from self._kept(past.keys, name, span, days, without)

    def _kept(
        self, keys: MonthKeys, name: str, span: MonthSpan, days: DaySpan, without: Collection[date]
    ) -> Iterator[Part]:
        """The part of each month of some days, kept or computed."""
        cut = {
            month: MonthSpan((month,)).days.within(days.start, days.end) for month in span.months
        }
        own = {m: self._key(keys, name, m, d, without) for m, d in cut.items() if d is not None}
        compute = partial(self._part_by_month, name, span, days, without)
        with kept_rows.kept(keys.cache, own, self.past.scratch, compute) as parts:
            yield from parts

    def _part_by_month(
        self, name: str, span: MonthSpan, days: DaySpan, without: Collection[date]
    ) -> tuple[Mapping[date, int], Iterable[Any]]:
        """As `_part`, with how many events each month has, and the time of the rows."""
        past = self.past
        inside, rows = chosen(past.usecase, name, self._piece(name, span, days), without)
        return by_month(past.usecase, inside), ordered(past.backend, past.usecase, rows)

    def _part(self, name: str, span: MonthSpan, days: DaySpan, without: Collection[date]) -> Part:
        past = self.past
        return computed(past.backend, past.usecase, name, self._piece(name, span, days), without)

    def _key(
        self, keys: MonthKeys, name: str, month: date, days: DaySpan, without: Collection[date]
    ) -> str:
        """The key of a part, which is of one month: its histories, its outcomes, and which rows it has."""
        read = [own[month] for own in (keys.derived, keys.tiles, keys.snapshots)]
        if self.params.history_age:
            read.append(keys.until[month])
        until = self.past.as_of
        if self.outcomes.every is not None:
            until = self.outcomes.until(self.windows, name)
        left_out = [day for day in sorted(without) if days.start <= day < days.end]
        rows = [left_out, name != "current", self.params.join, self.further]
        return keys.of("rows", days, read, keys.inputs.known(month, until), rows)

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
