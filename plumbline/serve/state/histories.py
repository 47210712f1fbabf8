"""All ledgers of a use case: read for an event, raised by a row's entries, trimmed as days pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries
from plumbline.serve.state.entries import LedgerEntry
from plumbline.serve.state.ledger import Ledger
from plumbline.serve.state.plan import DAY, LENGTHS, Book, HistoryPlan, Moment, micros

SWEPT = 4
"""Ledgers of each book that are looked at for old rows with each event."""


class Histories:
    """A ledger per book and id. By itself, a draft: the earlier events of one request."""

    def __init__(self, plan: HistoryPlan) -> None:
        self.plan = plan
        self.ledgers: list[dict[Any, Ledger]] = [{} for _ in plan.books]
        self._sweeps: list[Iterator[Any]] = [iter(()) for _ in plan.books]

    def read(self, event: RawEvent, counts: list[int], totals: list[int]) -> None:
        """Add the sums of the event's histories to those of other ledgers."""
        at = Moment.of(micros(event[str(self.plan.usecase.time)]))
        for book, ledgers in zip(self.plan.books, self.ledgers, strict=True):
            ledger = ledgers.get(book.id_of(event))
            if ledger is not None:
                add_sums(book, ledger, at, counts, totals)

    def seen(self, event: RawEvent) -> dict[str, bool]:
        """By entity, whether its id has a ledger; an event without an id needs none."""
        seen: dict[str, bool] = {}
        for book, ledgers in zip(self.plan.books, self.ledgers, strict=True):
            id_, name = book.id_of(event), book.entity.name
            seen[name] = seen.get(name, False) or id_ is None or id_ in ledgers
        return seen

    def add_event(self, event: RawEvent) -> None:
        """Count an event with its derived features."""
        time = Moment.of(micros(event[str(self.plan.usecase.time)]))
        self.add(entries.of_event(self.plan, event, time))

    def add(self, added: Iterable[LedgerEntry]) -> None:
        """Raise the ledgers."""
        for entry in added:
            ledgers, width = self.ledgers[entry.book], self.plan.books[entry.book].width
            ledger = ledgers.get(entry.id)
            if ledger is None:
                ledger = ledgers[entry.id] = Ledger(width)
            ledger.add(entry.number, entry.increments, width)

    def sweep(self, oldest: list[int]) -> None:
        """Trim the next few ledgers of each book, and drop those that hold nothing more."""
        for place, ledgers in enumerate(self.ledgers):
            for _ in range(SWEPT):
                id_ = next(self._sweeps[place], self)
                if id_ is self:
                    self._sweeps[place] = iter(list(ledgers))
                    break
                self._trim(place, id_, oldest[place])

    def _trim(self, place: int, id_: Any, oldest: int) -> None:
        ledger = self.ledgers[place].get(id_)
        if ledger is not None:
            ledger.trim(oldest, self.plan.books[place].width)
            if not ledger.at:
                del self.ledgers[place][id_]


def add_sums(book: Book, ledger: Ledger, at: Moment, counts: list[int], totals: list[int]) -> None:
    """Add to the counts and sums of a book's features, for an event at a moment."""
    sums, rows = ledger.sums, ledger.rows(book.bounds(at), book.width)
    for place, first, last, count, total in book.windows:
        low, high = rows[first], rows[last]
        if low != high:
            if count >= 0:
                counts[place] += sums[high + count] - sums[low + count]
            if total >= 0:
                totals[place] += sums[high + total] - sums[low + total]


def oldest(book: Book, day: int) -> int:
    """The oldest number of a book that an event of a day or a later one can reach."""
    return day * DAY // LENGTHS[book.grain] - (0 if book.grain == "moment" else book.reach)
