"""Histories read from Redis: the cumulative sums of one event's ids, in one step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import redis_rows, redis_scripts
from plumbline.serve.state.histories import Histories
from plumbline.serve.state.plan import Moment, TileTable, micros
from plumbline.serve.state.redis_errors import lost, redis_errors
from plumbline.serve.state.redis_keys import Keys
from plumbline.serve.state.redis_rows import Hash

FRESH = 0.5
"""Seconds for which an event's histories that were read are those of the same request."""
READ_AT_ONCE = 1_000


class RedisReads:
    """Reads histories, of each event once per request."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._keys = keys
        self._reading = client.register_script(redis_scripts.READ)
        self._read: dict[int, tuple[RawEvent, Histories]] = {}
        self._read_at = 0.0

    def clear(self) -> None:
        """What was read is not current any more."""
        self._read.clear()

    def histories(self, event: RawEvent) -> Histories:
        """The cumulative sums of an event's ids, read once per request."""
        now = time.monotonic()
        if now - self._read_at > FRESH or len(self._read) >= READ_AT_ONCE:
            self._read.clear()
        held = self._read.get(id(event))
        if held is not None and held[0] is event:
            return held[1]
        histories = self._fetched(event)
        self._read[id(event)], self._read_at = (event, histories), now
        return histories

    def _fetched(self, event: RawEvent) -> Histories:
        """The cumulative sums of an event's ids, read in one step."""
        at = Moment.of(micros(event[str(self._keys.plan.usecase.time)]))
        ids = [
            (place, tile_table, tile_table.id_of(event))
            for place, tile_table in enumerate(self._keys.plan.tile_tables)
        ]
        wanted = [one for one in ids if one[2] is not None]
        keys = [(key, 8 * b.width) for _, b, id_ in wanted for key in self._hashes(b, id_, at)]
        with redis_errors():
            answers = self._reading(
                keys=[self._keys.of("seeded"), *(k for k, _ in keys)], args=[w for _, w in keys]
            )
        if answers is None:
            raise lost()
        histories, rest = Histories(self._keys.plan), iter(answers)
        for place, tile_table, id_ in wanted:
            cumulative = redis_rows.cumulative(_hashes_read(tile_table, at, rest), tile_table.width)
            if cumulative is not None:
                histories.cumulative_sums[place][id_] = cumulative
        return histories

    def _hashes(self, tile_table: TileTable, id_: Any, at: Moment) -> list[bytes]:
        if tile_table.grain != "moment":
            return [self._keys.tiles(tile_table, id_)]
        levels = redis_rows.moments(tile_table, at)
        return [self._keys.moments(tile_table, id_, level, number) for level, number, *_ in levels]


def _hashes_read(tile_table: TileTable, at: Moment, answers: Iterator[bytes]) -> list[Hash]:
    """The next hashes, which are a tile table's."""
    if tile_table.grain != "moment":
        return [redis_rows.unpacked(next(answers), next(answers))]
    return [
        redis_rows.below(length, end, redis_rows.unpacked(next(answers), next(answers)))
        for _, _, length, end in redis_rows.moments(tile_table, at)
    ]
