"""What `tiles/` is called and what its tiles.json holds: which parts each file of tiles has, in order."""

from __future__ import annotations

from datetime import date
from typing import Literal

from plumbline.core.declarations import Measure, Where
from plumbline.core.documents import Document

INDEX, RECENT = "tiles.json", "recent.parquet"


class TileRange(Document):
    """A condition of a part, as `Where`: `column` lies in [low, high), each None for no limit."""

    column: str
    low: int | None
    high: int | None


class TilePart(Document):
    """What a part counts and sums: of settled events or of all, which column (None: the events), which of them."""

    matured: bool
    column: str | None
    where: tuple[TileRange, ...]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, matured: bool, measure: Measure) -> TilePart:
        """The part of a measure."""
        ranges = tuple(TileRange(column=w.column, low=w.low, high=w.high) for w in measure.where)
        return cls(matured=matured, column=measure.column, where=ranges, edges=measure.edges)

    @property
    def measure(self) -> Measure:
        """What is counted and summed, as declared."""
        where = tuple(Where(r.column, r.low, r.high) for r in self.where)
        return Measure(self.column, where, self.edges)


class TileFile(Document):
    """A file of tiles: `NAME.parquet`, the columns `id` and `n`, then `pI_count` and `pI_sum` of each part.

    `n`: the tile's number, days or hours since 1970. `oldest`: the first number that is kept.
    """

    name: str
    entity: str
    grain: Literal["day", "hour"]
    oldest: int
    parts: tuple[TilePart, ...]


class TilesDocument(Document):
    """tiles.json. A plain table has no days and no files.

    `as_of`: nothing later is in the tiles. `first_day`: of the first event. `recent_from`: events from this
    day on are in recent.parquet, and find in the tiles all that their windows see. `definitions`: the md5 of what
    the features mean, as in a bundle's manifest.
    """

    format: Literal[1] = 1
    as_of: date | None
    first_day: date | None
    recent_from: date | None
    definitions: str
    files: tuple[TileFile, ...]
