"""The stored histories of every id as of a midnight, as the batch's snapshots have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from plumbline.core import tables
from plumbline.core.usecase import FeatureSet
from plumbline.serve.state import histories
from plumbline.serve.state.ledger import Ledger
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import Book, Moment, micros


def snapshots(state: MemoryState, day: date) -> dict[str, pa.Table]:
    """By the name of the history (ENTITY, ENTITY.hourly): its ids, `day` (`hour`), and a column per feature.

    A row per id that the state knows, of the declared defaults where its windows hold nothing.
    """
    found = {}
    for book, ledgers in zip(state.plan.books, state.histories.ledgers, strict=True):
        if book.grain != "moment":
            suffix = "" if book.grain == "day" else ".hourly"
            found[f"{book.entity.name}{suffix}"] = _table(state, book, ledgers, day)
    return found


def newest(state: MemoryState) -> date:
    """The last day that something was received of, or that of the seed: its midnight is the newest to be served."""
    day = max(state.newest, state.days.start or state.newest)
    return date.fromordinal(day + datetime(1970, 1, 1).toordinal())


def _table(state: MemoryState, book: Book, ledgers: Mapping[Any, Ledger], day: date) -> pa.Table:
    usecase, midnight = state.plan.usecase, datetime.combine(day, datetime.min.time())
    at = Moment.of(micros(midnight))
    values = [_values(state, book, ledger, at) for ledger in ledgers.values()]
    kind = _kind(usecase, book)
    columns = {
        book.entity.key: pa.array(list(ledgers), kind),
        book.grain: pa.array([midnight] * len(ledgers), pa.timestamp("us")),
    }
    for window in book.windows:
        name = usecase.aggregates[window.place].name
        columns[name] = pa.array([row[window.place] for row in values], pa.float64())
    return pa.table(columns)


def _values(state: MemoryState, book: Book, ledger: Ledger, at: Moment) -> list[float]:
    size = len(state.plan.usecase.aggregates)
    counts, totals = [0] * size, [0] * size
    histories.add_sums(book, ledger, at, counts, totals)
    return state.plan.values(counts, totals)


def _kind(usecase: FeatureSet, book: Book) -> Any:
    column = book.entity.column
    return pa.int64() if column is None else tables.ARROW[usecase.column(column).type]
