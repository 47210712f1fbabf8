"""What one row of the log adds to the books: an entry per book and id. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from plumbline.serve.single_event import RawEvent
from plumbline.serve.state.plan import HistoryPlan, Increments, Moment, increments


class LedgerEntry(NamedTuple):
    """What is added to one id's ledger: in which book (its place in the plan), at which number, to which columns."""

    book: int
    id: Any
    number: int
    increments: Increments


def with_derived(plan: HistoryPlan, event: RawEvent, derived: tuple[int | None, ...]) -> RawEvent:
    """The event with its derived features, given in the order of `FeatureSet.derived`."""
    names = plan.usecase.derived
    return {**event, **dict(zip(names, derived, strict=True))} if names else event


def of_event(plan: HistoryPlan, event: RawEvent, at: Moment) -> list[LedgerEntry]:
    """What an event with its derived features adds when it comes."""
    entries = []
    for place, book in enumerate(plan.books):
        if book.plain or book.marks:
            id_ = book.id_of(event)
            added = increments(book.plain, event) if id_ is not None else []
            if added or (book.marks and id_ is not None):
                entries.append(LedgerEntry(place, id_, at.number(book.grain), added))
    return entries


def of_outcome(
    plan: HistoryPlan, event: RawEvent, values: Mapping[str, Any], known: Moment
) -> list[LedgerEntry]:
    """What an event adds once its outcome is known: `event` holds at least the plan's `remembered` columns."""
    settled = {**event, **values}
    entries = []
    for place, book in enumerate(plan.books):
        if book.settled:
            id_ = book.id_of(settled)
            added = increments(book.settled, settled) if id_ is not None else []
            if added:
                entries.append(LedgerEntry(place, id_, known.number(book.grain), added))
    return entries
