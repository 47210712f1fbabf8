"""The features of past events in a range of days, as the model tables have them: the same code, the same bytes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial, reduce
from pathlib import Path
from typing import Any

from plumbline.core import history_ages, tables
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.documents import Document
from plumbline.core.errors import ContractError, PlumblineError
from plumbline.core.tables import Counts
from plumbline.core.usecase import FeatureSet
from plumbline.features import (
    assemble,
    batch,
    catalog,
    history_age,
    ibis_session,
    known_outcomes,
    live_definitions,
    model_tables,
    sum_limits,
)
from plumbline.features.catalog_documents import CatalogEntry
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow

FILE = "backfill.json"
log = logging.getLogger("plumbline")


class BackfillReport(Document):
    """backfill.json: what was computed, of which events, by which definitions.

    `last` is included; `commit` is null for a work tree; `files`: rows by file.
    """

    usecase: str
    commit: str | None
    first: date
    last: date
    as_of: date
    rows: int
    without_label: int
    ineligible: int
    files: dict[str, int]
    features: list[CatalogEntry]


def write(
    backend: Any,
    usecase: FeatureSet,
    params: Features,
    as_of: date | None,
    valid: Path,
    window: SplitWindow,
    folder: Path,
    commit: str | None = None,
    *,
    own: bool = False,
) -> BackfillReport:
    """Write `USECASE-YYYY-MM.parquet` per month of the window, rows in (time, key) order; the report. `own`: outcomes have a
    table of their own.

    Raises PlumblineError for days that the valid events in the folder `valid` do not cover.
    """
    if usecase.time is None:
        raise PlumblineError(
            f"backfill: {usecase.name} is a plain table without time: there is no range of days; its rows are in "
            f"data/{usecase.name}/tables"
        )
    events, outcomes = ibis_session.read(backend, usecase, valid)
    known, until = assemble.span(usecase, events, as_of)
    _refuse_days(usecase, window, known, until)
    late = known_outcomes.of(backend, usecase, outcomes, until, own)
    events, outcomes = assemble.visible(backend, usecase, events, late.first, until)
    sum_limits.check(usecase, events, outcomes)
    further = history_ages.wanted(usecase) if params.history_age else []
    join = _join(backend, usecase, events, outcomes, until, further)
    counts = {}
    labels, columns = late.labels(), [*further, *([KNOWN_AT] if own else [])]
    for month in months(window):
        _, rows = model_tables.rows_of(usecase, month, events, outcomes, join, further, labels)
        rows = rows.order_by(usecase.time, usecase.key)
        batches = ibis_session.batches(backend, rows, tables.CHUNK)
        name = f"{usecase.name}-{month.start:%Y-%m}.parquet"
        counts[name] = tables.write(usecase, batches, folder / name, columns)
        log.info("backfill: %s, %d rows", name, counts[name].rows)
    return _report(usecase, window, until, counts, commit)


def _join(
    backend: Any,
    usecase: FeatureSet,
    events: Any,
    outcomes: Any,
    until: date,
    further: Sequence[str],
) -> Callable[[Any], Any]:
    """What gives events the histories before them, and their ages where those are columns."""
    with tempfile.TemporaryDirectory(prefix="plumbline-backfill-") as scratch:
        path = Path(scratch)
        by_entity = assemble.write_snapshots(backend, usecase, events, outcomes, until, path)
    join = partial(batch.join_snapshots, usecase, by_entity=by_entity)
    aged = partial(history_age.with_ages, usecase, events=events, outcomes=outcomes)
    return (lambda rows: aged(join(rows))) if further else join


def _report(
    usecase: FeatureSet,
    window: SplitWindow,
    until: date,
    counts: Mapping[str, Counts],
    commit: str | None,
) -> BackfillReport:
    total = reduce(Counts.plus, counts.values())
    if not total.rows:
        raise ContractError(
            f"backfill: {usecase.name}: no event from {window.start} to {_last(window)}"
        )
    return BackfillReport(
        usecase=usecase.name,
        commit=commit,
        first=window.start,
        last=_last(window),
        as_of=until,
        rows=total.rows,
        without_label=total.rows - total.labelled,
        ineligible=total.ineligible,
        files={name: one.rows for name, one in counts.items()},
        features=catalog.versioned(usecase, live_definitions.of(usecase)),
    )


def months(window: SplitWindow) -> Iterator[SplitWindow]:
    """The window cut where months end.

    >>> [f"{m.start} {m.end}" for m in months(SplitWindow(date(2025, 1, 30), date(2025, 2, 3)))]
    ['2025-01-30 2025-02-01', '2025-02-01 2025-02-03']
    """
    start = window.start
    while start < window.end:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield SplitWindow(start, min(following, window.end))
        start = following


def _last(window: SplitWindow) -> date:
    return window.end - timedelta(days=1)


def _refuse_days(usecase: FeatureSet, window: SplitWindow, known: date, until: date) -> None:
    """PlumblineError for a range that is empty, or reaches beyond the events."""
    if window.days < 1:
        raise PlumblineError(
            f"backfill: --from {window.start} lies after --to {_last(window)}; expected the first day first"
        )
    if window.start < known or window.end > until:
        raise PlumblineError(
            f"backfill: {usecase.name}: expected days from {known} to {until - timedelta(days=1)}, which the "
            f"events cover; found {window.start} to {_last(window)}. Narrow the range, or move data.as_of"
        )
