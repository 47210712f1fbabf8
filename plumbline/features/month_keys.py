"""The keys under which features keeps what it computed of a month: hashes of all that the values depend on. Pure.

A month's tiles depend on its events, and on the outcomes that became known in it with their events; a history on the
tiles that its longest window reaches back to; a row on its event, its history, and the outcomes that tell its label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from plumbline.core import hashing
from plumbline.core.partition_cache import PartitionCache
from plumbline.features import month_spans
from plumbline.features.month_inputs import MonthInputs

Keys = Mapping[date, str]
LIBRARIES = ("duckdb", "feast", "ibis-framework", "numpy", "pyarrow")
"""Whose versions can change a value."""
MARGIN = timedelta(days=2)
"""By which a window is taken to reach further back than it does."""


@dataclass(frozen=True)
class MonthKeys:
    """By month, a hash of what each kind of value depends on.

    `leading`: the tiles of the derived features' own histories; `derived`: events with derived features; `tiles`: of the
    stored histories, `snapshots`: their rows; `until`: all events and outcomes so far; `kinds`: of which there are files.
    """

    cache: PartitionCache
    inputs: MonthInputs
    leading: Keys
    derived: Keys
    tiles: Keys
    snapshots: Keys
    until: Keys
    kinds: Sequence[str]

    def of(self, kind: str, *parts: Any) -> str:
        """The cache's key of a value."""
        return self.cache.key(kind, *parts)

    def month(self, kind: str, month: date) -> str:
        """The cache's key of the files of one kind of a month."""
        return self.of(kind, getattr(self, kind)[month])

    def kept(self) -> set[date]:
        """The months of which all is kept."""
        return {
            m for m in self.tiles if all(self.cache.has(self.month(kind, m)) for kind in self.kinds)
        }


def of(
    cache: PartitionCache,
    inputs: MonthInputs,
    definitions: str,
    as_of: date,
    months: Sequence[date],
    reach: tuple[timedelta, timedelta],
    *,
    derived: bool,
) -> MonthKeys:
    """The keys of months, oldest first. `definitions`: a hash of the use case; `reach`: of the longest window of the
    derived features' histories, and of all; `derived`: there are derived features."""
    ends = {m: min(as_of, month_spans.following(m)) for m in months}
    read = {m: _hash(definitions, inputs.events.get(m), ends[m]) for m in months}
    leading = _tiles(inputs, read, ends)
    before = _histories(leading, ends, reach[0])
    events = {m: _hash(read[m], leading[m], before[m]) for m in months}
    tiles = _tiles(inputs, events, ends)
    snapshots = _histories(tiles, ends, reach[1])
    until, so_far = {}, ""
    for month in months:
        so_far = until[month] = _hash(so_far, events[month], tiles[month])
    kinds = [*(["leading", "derived"] if derived else []), "tiles", "snapshots"]
    return MonthKeys(cache, inputs, leading, events, tiles, snapshots, until, kinds)


def _tiles(inputs: MonthInputs, events: Keys, ends: Mapping[date, date]) -> dict[date, str]:
    """Of a month's events, and of the outcomes that became known in it, with their events."""
    return {
        m: _hash(
            events[m],
            [[own, events.get(own), inputs.known(own, end)] for own in inputs.concerned(m, end)],
        )
        for m, end in ends.items()
    }


def _histories(tiles: Keys, ends: Mapping[date, date], reach: timedelta) -> dict[date, str]:
    """Of the tiles of the months that windows of a month's days reach back to."""
    return {
        m: _hash(
            end,
            [
                [o, tiles[o]]
                for o in ends
                if o <= m and month_spans.following(o) > m - reach - MARGIN
            ],
        )
        for m, end in ends.items()
    }


def _hash(*parts: Any) -> str:
    return hashing.md5_bytes(json.dumps(parts, default=str).encode())
