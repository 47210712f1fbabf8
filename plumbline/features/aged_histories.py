"""How old histories are, some months of events at a time: what is older is carried as the newest moment of each id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import history_ages
from plumbline.core.declarations import Entity
from plumbline.features import history_age, ibis_session
from plumbline.features.history_age import AgedHistories, Groups, HistoryAges
from plumbline.features.month_spans import DaySpan, MonthSpan
from plumbline.features.past import Past
from plumbline.features.splits import SplitWindow


def of(past: Past) -> dict[MonthSpan, AgedHistories]:
    """By span, what its events' ages are computed from; the newest moments before it are kept in scratch files."""
    moments: dict[MonthSpan, dict[str, Any]] = {span: {} for span in past.spans}
    before: dict[MonthSpan, dict[str, Any]] = {span: {} for span in past.spans}
    for entity in history_ages.entities(past.usecase):
        lag = timedelta(days=history_age.lag_days(past.usecase, entity))
        older = None
        for span, after in zip(past.spans, [*past.spans[1:], None], strict=True):
            start = date.min if older is None else span.days.start - lag
            moments[span][entity.name] = _moments(past, entity, start, span.days.end)
            if older is not None:
                before[span][entity.name] = older
            if after is not None:
                end = after.days.start - lag
                older = _folded(past, entity, span, (start, end), older)
    return {span: AgedHistories(moments[span], before[span]) for span in past.spans}


def counted(
    past: Past, aged: Mapping[MonthSpan, AgedHistories], windows: Mapping[str, SplitWindow]
) -> dict[str, dict[str, HistoryAges]]:
    """By window and entity, its events by the age of their newest history."""
    days = {name: (window.start, window.end) for name, window in windows.items()}
    parts = {
        e.name: [
            _groups(past, e, span, aged[span], days)
            for span in past.spans
            if any(span.days.within(*window) for window in days.values())
        ]
        for e in history_ages.entities(past.usecase)
    }
    if not parts:
        return {}
    return {
        name: {entity: history_age.document(part, name) for entity, part in parts.items()}
        for name in windows
    }


def _groups(
    past: Past,
    entity: Entity,
    span: MonthSpan,
    aged: AgedHistories,
    windows: Mapping[str, tuple[date, date]],
) -> Groups:
    """As `history_age.groups`, of the events of a span."""

    inside = past.inside(span.days)
    if past.keys is None:
        return history_age.groups(past.usecase, entity, inside, aged, windows)
    parts = _by_month(span, windows)
    of = {
        p: past.keys.of("groups", entity.name, d, past.keys.until[m]) for p, (m, d) in parts.items()
    }
    found = {part: past.keys.cache.read(key) for part, key in of.items()}
    if None in found.values():
        days = {" ".join(part): (d.start, d.end) for part, (_, d) in parts.items()}
        own = history_age.groups(past.usecase, entity, inside, aged, days)
        for part, key in of.items():
            rows = [[group, n] for (name, group), n in own.items() if name == " ".join(part)]
            found[part] = past.keys.cache.write(key, rows)
    totals: dict[tuple[str, int | None], int] = {}
    for (name, _), listed in found.items():
        for group, n in listed:
            totals[name, group] = totals.get((name, group), 0) + n
    return totals


def _by_month(
    span: MonthSpan, windows: Mapping[str, tuple[date, date]]
) -> dict[tuple[str, str], tuple[date, DaySpan]]:
    """By window and month of the span, the month and those of its days that the window has."""
    cut = {
        (name, f"{month:%Y-%m}"): (month, MonthSpan((month,)).days.within(*own))
        for name, own in windows.items()
        for month in span.months
    }
    return {part: (month, days) for part, (month, days) in cut.items() if days is not None}


def _moments(past: Past, entity: Entity, start: date, end: date) -> Any:
    """What the entity's features could see on these days."""
    days = DaySpan(start, end)
    if history_age.sees_events(past.usecase, entity):
        return history_age.moments(past.usecase, entity, past.inside(days), past.outcomes)
    known = past.known(days)
    return history_age.moments(past.usecase, entity, past.concerned(known), known)


def _folded(
    past: Past, entity: Entity, span: MonthSpan, days: tuple[date, date], older: Any
) -> Any:
    """The newest moments of each id up to these days' end, in a scratch file; `older`: those before the days."""
    name = f"newest-{entity.name}-{span.days.start}.parquet"
    compute = partial(_fold, past, entity, days, older, name)
    if past.keys is None:
        compute(past.scratch)
    else:
        key = past.keys.of("newest", name, days[1], past.keys.until[span.months[-1]])
        past.keys.cache.fill(key, past.scratch, compute)
    return ibis_session.scan(past.backend, [past.scratch / name])


def _fold(
    past: Past, entity: Entity, days: tuple[date, date], older: Any, name: str, folder: Path
) -> None:
    import ibis

    own = _moments(past, entity, *days)
    both = own if older is None else ibis.union(own, older.select(own.columns))
    ibis_session.scratch(past.backend, history_age.newest(both), folder / name)
