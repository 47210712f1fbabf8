"""A state from the commit's tiles: each id's ledger at once, and the events whose outcomes may still come."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.serve.seed import Seed, SeedTiles
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries
from plumbline.serve.state.ledger import Ledger
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import DAY, EPOCH, Book, HistoryPlan, Moment, micros
from plumbline.serve.state.recent import OPEN

SAFE = 2.0**62


def sow(state: MemoryState, seed: Seed) -> None:
    """Fill an empty state with the seed; a plain table's seed is empty."""
    if seed.as_of is None:
        return
    seed.check(state.plan.usecase)
    for place, (book, tiles) in books(state.plan, seed).items():
        state.histories.ledgers[place] = _ledgers(book, tiles)
    as_of = number(seed.as_of)
    state.begin(as_of, as_of if seed.recent_from is None else number(seed.recent_from))
    for event in seed.events():
        _sow_recent(state, event)


def books(plan: HistoryPlan, seed: Seed) -> dict[int, tuple[Book, SeedTiles]]:
    """The books that have tiles, by their place in the plan."""
    tiles = {(one.entity, one.grain): one for one in seed.tiles.values()}
    return {
        place: (book, tiles[book.entity.name, book.grain])
        for place, book in enumerate(plan.books)
        if book.grain != "moment" and (book.entity.name, book.grain) in tiles
    }


def columns(book: Book, tiles: SeedTiles) -> Array:
    """The tiles' rows as the book has them, int64 (m, width)."""
    stored = dict(zip(tiles.parts, zip(tiles.counts, tiles.sums, strict=True), strict=True))
    rows = np.zeros((len(tiles.n), book.width), np.int64)
    for part, places in book.columns.items():
        if part not in stored:
            raise PlumblineError(
                f"the tiles of {book.entity.name} have no {part[1]}; run `dvc repro` and serve what it wrote"
            )
        for place, values in zip(places, stored[part], strict=True):
            if place >= 0:
                rows[:, place] = values
    return rows


def number(day: date) -> int:
    """ReceivedDays since 1970."""
    return day.toordinal() - EPOCH


def recent_entries(
    plan: HistoryPlan, event: RawEvent
) -> tuple[list[entries.LedgerEntry], int | None]:
    """What a recent event adds to the books of moments, and when its outcome was known (microseconds)."""
    at = Moment.of(micros(event[str(plan.usecase.time)]))
    added = entries.of_event(plan, event, at)
    known = None if event["known_at"] is None else micros(event["known_at"])
    if known is not None:
        added += entries.of_outcome(plan, event, {}, Moment.of(known))
    return [e for e in added if plan.books[e.book].grain == "moment"], known


def _sow_recent(state: MemoryState, event: Mapping[str, Any]) -> None:
    """Moments of the day's events, and what their outcomes will need: the tiles have all else."""
    usecase = state.plan.usecase
    added, known = recent_entries(state.plan, event)
    state.histories.add(e for e in added if e.number >= state.oldest[e.book])
    day = micros(event[str(usecase.time)]) // DAY
    state.recent.add(event[usecase.key], event, day, 0, OPEN if known is None else 0)


def _ledgers(book: Book, tiles: SeedTiles) -> dict[Any, Ledger]:
    rows = columns(book, tiles)
    if len(rows) and np.abs(rows.astype(np.float64)).sum(axis=0).max(initial=0) >= SAFE:
        return {id_: _exact(book, tiles.n[part], rows[part]) for id_, part in tiles.by_id()}
    running = np.concatenate([np.zeros((1, book.width), np.int64), np.cumsum(rows, axis=0)])
    return {
        id_: _ledger(tiles.n[part], running[part.start : part.stop + 1])
        for id_, part in tiles.by_id()
    }


def _ledger(numbers: Array, running: Array) -> Ledger:
    ledger = Ledger(0)
    ledger.at = array("q", numbers.tobytes())
    ledger.sums = array("q", running.tobytes())
    return ledger


def _exact(book: Book, numbers: Array, rows: Array) -> Ledger:
    """As `_ledger`, of sums that may be beyond 64 bits."""
    ledger = Ledger(book.width)
    for place, row in zip(numbers.tolist(), rows.tolist(), strict=True):
        ledger.add(place, list(enumerate(row)), book.width)
    return ledger
