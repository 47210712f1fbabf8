"""From events to derived features and snapshots on disk, some months at a time. An edge: files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.features import batch, derived_events, ibis_session, past
from plumbline.features import grain as grains
from plumbline.features.month_spans import DaySpan, MonthSpan
from plumbline.features.past import Past


def with_derived(own: Past) -> Past:
    """The past with its events' derived features, kept in scratch files."""
    if not own.usecase.derived:
        return own
    folder = own.scratch / "leading"
    folder.mkdir()
    leading = replace(own, usecase=own.usecase.derivation, scratch=folder, sums={})
    paths = []
    for span in leading.spans:
        past.add(leading, span, "leading")
        own.fill("derived", span, own.scratch, partial(_write_derived, own, leading, span))
        paths += [own.scratch / _event_file(part) for part in own.parts_of(span)]
    return replace(own, events=ibis_session.scan(own.backend, paths))


def _event_file(span: MonthSpan) -> str:
    return f"events-{span.days.start}.parquet"


def _write_derived(own: Past, leading: Past, span: MonthSpan, folder: Path) -> None:
    """Write the span's events with their derived features, from the histories of `leading`."""
    known = leading.known(span.days)
    by_entity = {n: past.stored(leading, span, n) for n, *_ in grains.stored(leading.usecase)}
    events = leading.inside(span.days)
    today = batch.fresh(leading.usecase, events, known, _earlier(leading, known))
    joined = batch.join_snapshots(leading.usecase, today, by_entity)
    whole = own.scratch / "derived.parquet"
    derived_events.write(own.backend, own.usecase, joined, whole)
    parts = own.parts_of(span)
    files_of = [folder / _event_file(part) for part in parts]
    starts = [part.days.start for part in parts]
    ibis_session.split(own.backend, whole, str(own.usecase.time), starts, files_of)


def _earlier(own: Past, known: Any) -> Any:
    """What outcomes are looked up in, where a fresh feature counts them."""
    return own.concerned(known) if any(f.matured for f in own.usecase.fresh) else None


def write_snapshots(own: Past, folder: Path) -> None:
    """Write `<entity>-YYYY-MM.parquet` (hourly: `<entity>.hourly-...`) in (day or hour, id) order; tiles to scratch files.

    A history without a row has one file, that of the month of as_of.
    """
    for span in own.spans:
        past.add(own, span)
        own.fill("snapshots", span, folder, partial(_write_span, own, span))
    last = MonthSpan((own.as_of.replace(day=1),))
    for name, *_ in grains.stored(own.usecase):
        if not files(folder, name):
            _write_months(own, last, name, folder, empty=True)


def _write_span(own: Past, span: MonthSpan, folder: Path) -> None:
    for name, *_ in grains.stored(own.usecase):
        _write_months(own, span, name, folder)


def files(folder: Path, name: str, days: DaySpan | None = None) -> list[Path]:
    """The files of a stored history, by month: all, or those that hold something of these days."""
    paths = sorted(folder.glob(f"{name}-????-??.parquet"))
    if days is None:
        return paths
    first, last = f"{days.start:%Y-%m}", f"{days.end:%Y-%m}"
    return [p for p in paths if first <= p.stem[-7:] <= last] or paths[:1]


def of_days(own: Past, folder: Path, days: DaySpan) -> dict[str, Any]:
    """By name, the stored histories in the folder that events of these days are joined to."""
    return {
        name: ibis_session.scan(own.backend, files(folder, name, days))
        for name, *_ in grains.stored(own.usecase)
    }


def _write_months(
    own: Past, span: MonthSpan, name: str, folder: Path, *, empty: bool = False
) -> None:
    """Write a file for each of the span's months that has rows, or (`empty`) that has none.

    The rows are kept first: DuckDB then knows which columns hold no null, and writes it.
    """
    rows = past.stored(own, span, name)
    kept = ibis_session.keep(own.backend, f"snapshots_{name}_{span.days.start:%Y%m}", rows)
    for month in span.months:
        path = _write(own, kept, month, name, folder)
        if not empty and not pq.read_metadata(path).num_rows:
            path.unlink()
    ibis_session.drop(own.backend, kept)


def _write(own: Past, rows: Any, month: date, name: str, folder: Path) -> Path:
    entity, grain = grains.named(own.usecase, name)
    path = folder / f"{name}-{month:%Y-%m}.parquet"
    ordered = batch.month(rows, month, grain.column).order_by(grain.column, entity.key)
    ibis_session.write(own.backend, ordered, path)
    return path
