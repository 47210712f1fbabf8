"""How old histories are, some months of events at a time: what is older is carried as the newest moment of each id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from plumbline.core import history_ages
from plumbline.core.declarations import Entity
from plumbline.features import history_age, ibis_session
from plumbline.features.history_age import AgedHistories, HistoryAges
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
                own = _moments(past, entity, start, after.days.start - lag)
                older = _fold(past, entity, span, own, older)
    return {span: AgedHistories(moments[span], before[span]) for span in past.spans}


def counted(
    past: Past, aged: Mapping[MonthSpan, AgedHistories], windows: Mapping[str, SplitWindow]
) -> dict[str, dict[str, HistoryAges]]:
    """By window and entity, its events by the age of their newest history."""
    days = {name: (window.start, window.end) for name, window in windows.items()}
    parts = {
        e.name: [
            history_age.groups(past.usecase, e, past.inside(span.days), aged[span], days)
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


def _moments(past: Past, entity: Entity, start: date, end: date) -> Any:
    """What the entity's features could see on these days."""
    days = DaySpan(start, end)
    if history_age.sees_events(past.usecase, entity):
        return history_age.moments(past.usecase, entity, past.inside(days), past.outcomes)
    known = past.known(days)
    return history_age.moments(past.usecase, entity, past.concerned(known), known)


def _fold(past: Past, entity: Entity, span: MonthSpan, own: Any, older: Any) -> Any:
    import ibis

    both = own if older is None else ibis.union(own, older.select(own.columns))
    path = past.scratch / f"newest-{entity.name}-{span.days.start}.parquet"
    return ibis_session.scratch(past.backend, history_age.newest(both), path)
