"""How the state's keys in Redis are called, and how long they live. Pure.

All keys of a use case share one hash tag, so that a script's keys lie on one server of a cluster. Claims and the
sequence are the use case's; the histories have keys of their own for each definition of the features and each seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from plumbline.serve.protocols import Key
from plumbline.serve.state.entries import SumIncrement
from plumbline.serve.state.histories import oldest
from plumbline.serve.state.plan import DAY, LENGTHS, HistoryPlan, TileTable
from plumbline.serve.state.redis_rows import levels, split

DAY_MS = 86_400_000
SPARE = 2
"""Days that keys live longer than they are needed."""
Packed = tuple[str, int, int, int, int, list[int]]
"""As the scripts read it: field, oldest field, lifetime, most fields, width, columns and amounts."""


@dataclass(frozen=True)
class Keys:
    """The keys of a use case's state. `seed`: what it is made from, see `identity`. `late_days`, `remember_days`: see MemoryState."""

    plan: HistoryPlan
    seed: str
    late_days: int
    remember_days: int

    @cached_property
    def prefix(self) -> str:
        """Of the use case."""
        return f"plumbline:{{{self.plan.usecase.name}}}:"

    @property
    def sequence(self) -> str:
        """The last row of all processes."""
        return f"{self.prefix}sequence"

    def of(self, name: str) -> str:
        """`seeded`, `seeding`, `days`."""
        return f"{self.prefix}{self.seed}:{name}"

    def folded(self, writer: str) -> str:
        """The last row of one process's log that is counted."""
        return self.of(f"folded:{writer}")

    def claim(self, key: Key) -> bytes:
        return f"{self.prefix}claim:{key}".encode("utf-8", "surrogatepass")

    def event(self, key: Key) -> bytes:
        return self._with("event", key)

    def outcome(self, key: Key) -> bytes:
        return self._with("outcome", key)

    def tiles(self, tile_table: TileTable, id_: Any) -> bytes:
        """The hash of an id's tiles."""
        return self._with(tile_table.name, id_)

    def moments(self, tile_table: TileTable, id_: Any, level: int, number: int) -> bytes:
        """The hash of a day's hours, an hour's minutes, a minute's seconds or a second's moments of an id."""
        return self._with(f"{tile_table.name}:{level}:{number}", id_)

    @property
    def claimed_ms(self) -> int:
        """A key is claimed as long as its event would be taken."""
        return (self.late_days + SPARE) * DAY_MS

    @property
    def remembered_ms(self) -> int:
        return (self.remember_days + SPARE) * DAY_MS

    def packed(self, entry: SumIncrement, day: int) -> list[tuple[bytes, Packed]]:
        """An entry's hashes and what is added to each, for an event of a day."""
        tile_table = self.plan.tile_tables[entry.tile_table]
        parts = split(entry.increments, tile_table.width)
        if tile_table.grain == "moment":
            ttl = self.claimed_ms
            return [
                (
                    self.moments(tile_table, entry.id, level, entry.number // length),
                    (str(entry.number // row), 0, ttl, 0, tile_table.width, parts),
                )
                for level, (length, row) in enumerate(levels(tile_table))
            ]
        first, most = oldest(tile_table, day - self.late_days), self.most(tile_table)
        field = str(entry.number)
        ttl = self.lifetime_ms(tile_table)
        return [
            (self.tiles(tile_table, entry.id), (field, first, ttl, most, tile_table.width, parts))
        ]

    def most(self, tile_table: TileTable) -> int:
        """Tiles that windows can reach, and a few more: beyond these the old ones are removed."""
        return tile_table.reach + self.late_days * (DAY // LENGTHS[tile_table.grain]) + 8

    def lifetime_ms(self, tile_table: TileTable) -> int:
        """Of an id's tiles after its last event."""
        days = -(-tile_table.reach * LENGTHS[tile_table.grain] // DAY)
        return (days + self.late_days + SPARE) * DAY_MS

    def _with(self, name: str, value: Any) -> bytes:
        return f"{self.prefix}{self.seed}:{name}:{value}".encode("utf-8", "surrogatepass")
