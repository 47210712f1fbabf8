"""Checkpoints of the embedded state, written in small slices beside the work: a restart reads the log's tail alone.

A slice is put together in the service's thread, in well under a millisecond per hundred cumulative sums, and written by
another once the log has its rows on disk: a checkpoint is never ahead of the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from plumbline.serve.protocols import LoggedOutcome
from plumbline.serve.seed import Seed
from plumbline.serve.state import plain_values
from plumbline.serve.state.checkpoint_file import CheckpointFile, Saved, Slice
from plumbline.serve.state.cumulative_sums import CumulativeSums
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import HistoryPlan
from plumbline.serve.state.recent import Waiting

log = logging.getLogger("plumbline")

CUMULATIVE_SUMS, MOST, PASSES = 100, 1000, 60
"""Cumulative sums of a slice: at least, at most, and slices in which all that were touched are written."""
WAIT = 0.02


class Checkpoint:
    """Writes a state's checkpoints. `committed`: the last row of the log that is on disk.

    `slice` is to be called from the thread that changes the state, about once a second.
    """

    def __init__(self, path: Path, state: MemoryState, committed: Callable[[], int]) -> None:
        self._file = CheckpointFile(path, state.identity)
        self._state, self._committed = state, committed
        self._watermark = 0
        self._failed: Slice | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._warned = False

    def slice(self) -> bool:
        """Write the next slice, where the last one is on disk; whether there was one to write."""
        if self._busy():
            return True
        self._put_back()
        touched = len(self._state.touched_sums)
        if not touched and not self._state.touched_keys:
            return False
        part = self._next(min(MOST, max(CUMULATIVE_SUMS, touched // PASSES)))
        self._thread = threading.Thread(target=self._write, args=(part,), daemon=True)
        self._thread.start()
        return True

    def close(self, seconds: float = 5.0) -> None:
        """Write what is left, as far as the log has it and time allows, and close the file."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.slice():
            self._join(until - time.monotonic())
            if self._failed is not None:
                break
        self._closing.set()
        self._join(None)
        self._file.close()

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _join(self, seconds: float | None) -> None:
        if self._thread is not None:
            self._thread.join(seconds if seconds is None else max(0.0, seconds))

    def _next(self, size: int) -> Slice:
        state = self._state
        cumulative_sums = _taken(state.touched_sums, size)
        keys = _taken(state.touched_keys, 10 * size)
        rest = [next(iter(t.values()), None) for t in (state.touched_sums, state.touched_keys)]
        watermark = min((first - 1 for first in rest if first), default=state.watermark)
        known, waiting = state.recent.events, state.recent.outcomes
        return Slice(
            [_cumulative_row(state, *place) for place in cumulative_sums],
            [_event_row(key, known[key]) for key in keys if key in known],
            [_outcome_row(state, waiting[key]) for key in keys if key in waiting],
            sorted(state.days.received),
            watermark,
            state.watermark,
            state.newest,
            state.newest_time,
            min(state.newest - state.recent.days, state.newest - state.plan.longest - state.late_days),
        )  # fmt: skip

    def _write(self, part: Slice) -> None:
        """In the writer's thread: once the log has all that the slice holds."""
        while self._committed() < part.sequence:
            if self._closing.wait(WAIT):
                return
        self._failed = part
        try:
            self._file.write(part)
            self._failed, self._watermark, self._warned = None, part.watermark, False
        except sqlite3.Error as error:
            if not self._warned:
                self._warned = True
                log.warning(
                    "state: %s cannot be written (%s); a restart will read more of the log",
                    self._file.path,
                    error,
                )

    def _put_back(self) -> None:
        """What a failed slice held is to be written again, and counts from the last watermark on disk."""
        part, self._failed = self._failed, None
        if part is not None:
            first, state = self._watermark + 1, self._state
            cumulative_sums = {(row[0], row[1]): first for row in part.cumulative_sums}
            keys = {row[0]: first for row in (*part.events, *part.outcomes)}
            state.touched_sums = {**cumulative_sums, **state.touched_sums, **cumulative_sums}
            state.touched_keys = {**keys, **state.touched_keys, **keys}


def identity(plan: HistoryPlan, seed: Seed, late_days: int) -> str:
    """What a state is of: the features, how they are kept, the tiles, and for how long."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(
        repr(
            [(tile_table.name, list(tile_table.columns.items())) for tile_table in plan.tile_tables]
        ).encode()
    )
    for name, tiles in sorted(seed.tiles.items()):
        digest.update(f"{name} {tiles.oldest}".encode())
        for values in (tiles.n, *tiles.counts, *tiles.sums):
            digest.update(values.tobytes())
    text = f"{seed.as_of} {seed.recent_from} {seed.definitions} {seed.recent.num_rows} {late_days}"
    digest.update(text.encode())
    return digest.hexdigest()


def restore(state: MemoryState, saved: Saved) -> None:
    """Put a checkpoint over the seed; the log's rows after its watermark are to be folded next."""
    for place, id_, _, at, sums in saved.cumulative_sums:
        state.histories.cumulative_sums[place][id_] = _cumulative(at, sums)
    usecase = state.plan.usecase
    own = plain_values.times(usecase, state.plan.remembered)
    for key, day, sequence, settled, values in saved.events:
        state.recent.put(key, Waiting(day, sequence, settled, plain_values.loads(values, own)))
    names = [c.name for c in usecase.unknown]
    late = plain_values.times(usecase, names)
    for key, sequence, known_at, values in saved.outcomes:
        known = dict(zip(names, plain_values.loads(values, late), strict=True))
        state.recent.wait(LoggedOutcome(sequence, 0, "", key, b"", known_at, known, False))
    for day in saved.days:
        state.days.add(day)
    held = {(place, id_): sequence for place, id_, sequence, *_ in saved.cumulative_sums}
    state.restore(held, saved.newest, saved.newest_time, saved.watermark)


def _taken(touched: dict[Any, int], size: int) -> list[Any]:
    places = list(islice(touched, size))
    for place in places:
        with suppress(KeyError):
            del touched[place]
    return places


def _cumulative_row(state: MemoryState, place: int, id_: Any) -> tuple[Any, ...]:
    cumulative = state.histories.cumulative_sums[place].get(id_) or CumulativeSums(
        state.plan.tile_tables[place].width
    )
    sums = cumulative.sums
    stored = sums.tobytes() if isinstance(sums, array) else plain_values.dumps(sums)
    return place, id_, state.watermark, cumulative.at.tobytes(), stored


def _cumulative(at: bytes, sums: bytes | str) -> CumulativeSums:
    cumulative = CumulativeSums(0)
    cumulative.at = array("q", at)
    if isinstance(sums, bytes):
        cumulative.sums = array("q", sums)
    else:
        cumulative.sums = json.loads(sums)
    return cumulative


def _event_row(key: Any, event: Waiting) -> tuple[Any, ...]:
    return key, event.day, event.sequence, event.settled, plain_values.dumps(event.values)


def _outcome_row(state: MemoryState, row: LoggedOutcome) -> tuple[Any, ...]:
    values = plain_values.late(state.plan.usecase, row.values)
    return row.key, row.sequence, row.known_at, plain_values.dumps(values)
