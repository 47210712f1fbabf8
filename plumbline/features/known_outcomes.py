"""What is known of events' outcomes, and from when, where outcomes have a table of their own. Ibis expressions.

Histories of settled events count an event once, by its first outcome, at that outcome's `known_at`, as the online
state does. A label is the latest outcome that was known when the label is used: a model that stands at a window's start
knows no later one. Where outcomes are columns of the events, an event has one, and both are that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import ibis

from plumbline.core.declarations import KNOWN_AT
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session
from plumbline.features.month_spans import DaySpan, MonthSpan
from plumbline.features.splits import SplitWindow

IbisTable = Any
STANDS_AT = {"train": "valid", "valid": "test"}
"""What is learnt from a window is used from the start of the other one on; all else stands at the as-of date."""


@dataclass(frozen=True)
class KnownOutcomes:
    """The outcomes known before `as_of`. `first`: a row per event; `every`: all of them, corrections included, or
    None where outcomes have no table of their own."""

    usecase: FeatureSet
    as_of: date
    first: IbisTable
    every: IbisTable | None = None

    def settled_labels(self) -> IbisTable | None:
        """As `labels` at `as_of`, with the moment from which the label is what it is: that of its last correction."""
        if self.every is None:
            return None
        return _one(self.usecase, self.every, ibis.desc(self.every[KNOWN_AT]))

    def labels(self, before: date | None = None) -> IbisTable | None:
        """A row per event: its latest outcome that was known before midnight of that day (None: `as_of`), with the
        moment from which a first one was, as `known_at`. None where outcomes have no table of their own."""
        if self.every is None:
            return None
        known = _before(self.every, before or self.as_of)
        whole = ibis.window(group_by=known[self.usecase.key])
        known = known.mutate(__since=known[KNOWN_AT].min().over(whole))
        latest = _one(self.usecase, known, ibis.desc(known[KNOWN_AT]))
        return latest.mutate(**{KNOWN_AT: latest["__since"]}).drop("__since")

    def of_windows(self, windows: Mapping[str, SplitWindow]) -> dict[str, IbisTable]:
        """By window, the labels of its rows; nothing where outcomes have no table of their own."""
        names = windows if self.every is not None else ()
        return {name: self.labels(self.until(windows, name)) for name in names}

    def of_days(self, days: DaySpan) -> KnownOutcomes:
        """Those of the events of these days; the outcomes have the time of their event."""
        every = self.every
        if every is not None:
            every = batch.between(self.usecase, every, days.start, days.end)
        first = batch.between(self.usecase, self.first, days.start, days.end)
        return replace(self, first=first, every=every)

    def of_window(self, windows: Mapping[str, SplitWindow], name: str) -> IbisTable | None:
        """The labels of the rows of one window, as `of_windows` has them."""
        return self.labels(self.until(windows, name))

    def until(self, windows: Mapping[str, SplitWindow], name: str) -> date:
        """The day before which the outcomes are known that tell the labels of one window."""
        following = windows.get(STANDS_AT.get(name, ""))
        return following.start if following else self.as_of


def of(
    backend: Any, usecase: FeatureSet, outcomes: IbisTable, as_of: date, own: bool
) -> KnownOutcomes:
    """The outcomes of the valid months; `own`: they have a table of their own."""
    if not own:
        return KnownOutcomes(usecase, as_of, outcomes)
    known = _before(outcomes, as_of)
    first = ibis_session.keep(backend, "first_outcomes", _one(usecase, known, known[KNOWN_AT]))
    return KnownOutcomes(usecase, as_of, first, known)


def by_month(
    backend: Any,
    usecase: FeatureSet,
    outcomes: IbisTable,
    as_of: date,
    spans: Iterable[MonthSpan],
    scratch: Path,
    own: bool,
) -> KnownOutcomes:
    """As `of`, some months of events at a time; the outcomes have the time of their event."""
    if not own:
        return KnownOutcomes(usecase, as_of, outcomes)
    known, paths = _before(outcomes, as_of), []
    for span in spans:
        rows = batch.between(usecase, known, span.days.start, span.days.end)
        paths.append(scratch / f"first-{span.days.start}.parquet")
        ibis_session.scratch(backend, _one(usecase, rows, rows[KNOWN_AT]), paths[-1])
    return KnownOutcomes(usecase, as_of, ibis_session.scan(backend, paths), known)


def timed(usecase: FeatureSet, events: IbisTable, outcomes: IbisTable) -> IbisTable:
    """The outcomes with the time of their event, which the data stage writes beside them."""
    if usecase.time in outcomes.columns:
        return outcomes
    at = events.select(__key=events[usecase.key], __time=events[usecase.time])
    joined = outcomes.inner_join(at, outcomes[usecase.key] == at["__key"]).drop("__key")
    return joined.rename({str(usecase.time): "__time"})


def _before(outcomes: IbisTable, day: date) -> IbisTable:
    midnight = ibis.literal(datetime.combine(day, time.min), "timestamp(6)")
    return outcomes.filter(outcomes[KNOWN_AT] < midnight)


def _one(usecase: FeatureSet, outcomes: IbisTable, order: Any) -> IbisTable:
    """The first row of each key in the order."""
    window = ibis.window(group_by=outcomes[usecase.key], order_by=order)
    numbered = outcomes.mutate(__n=ibis.row_number().over(window))
    return numbered.filter(numbered["__n"] == 0).drop("__n")
