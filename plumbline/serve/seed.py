"""What a service and the batch start from: the commit's tiles and recent events, read from the out `tiles/`. An edge: reads files.

Needs pyarrow and numpy alone, no engine. The columns are the file's memory, not copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.core import definitions_md5, documents
from plumbline.core.declarations import Array, Measure
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.features.tile_documents import INDEX, RECENT, TileFile, TilesDocument
from plumbline.serve.single_event import RawEvent

REMEDY = "restore it with `dvc checkout`, or run `dvc repro`"
BATCH = 10_000
"""Recent events that are plain values at a time."""


@dataclass(frozen=True)
class SeedTiles:
    """The tiles of one entity and grain, in the order of (id, n).

    `ids`: each id once, an Arrow array (k,). `starts`: int64 (k + 1,), the rows of `ids[i]` are those from
    `starts[i]` up to `starts[i + 1]`. `n`: int64 (m,), days or hours since 1970. `counts`, `sums`: int64 (m,) per
    part, in the order of `parts`: of settled events (True) or of all, and which measure. `oldest`: the first number that was
    kept.
    """

    entity: str
    grain: Literal["day", "hour"]
    oldest: int
    parts: tuple[tuple[bool, Measure], ...]
    ids: Any
    starts: Array
    n: Array
    counts: tuple[Array, ...]
    sums: tuple[Array, ...]

    def by_id(self) -> Iterator[tuple[int | str, slice]]:
        """Each id as a plain value, with the slice of its rows."""
        ends = self.starts.tolist()
        for id_, low, high in zip(self.ids.to_pylist(), ends[:-1], ends[1:], strict=True):
            yield id_, slice(low, high)


@dataclass(frozen=True)
class Seed:
    """The histories as they were at midnight of `as_of`; of a plain table, nothing (None).

    `first_day`: of the first event. `recent_from`: events from this day on are in `recent`, an Arrow table in the
    order of (time, key): known columns, derived event features, and `known_at` and the columns not known at
    prediction time, null where the outcome was not known before as_of. What `recent` holds is in the tiles as well.
    `tiles`: by the name of the file, ENTITY or ENTITY.hourly. `definitions`: md5 of what the features mean.
    """

    as_of: date | None
    first_day: date | None
    recent_from: date | None
    definitions: str
    tiles: Mapping[str, SeedTiles]
    recent: Any

    def events(self) -> Iterator[RawEvent]:
        """The recent events as plain values."""
        for batch in self.recent.to_batches(BATCH):
            yield from batch.to_pylist()

    def waits(self, usecase: FeatureSet, late_days: int) -> int:
        """For how many days an event of a service waits for its outcome: the label delay, or the days of `recent`
        where those are more, and `late_days`."""
        held = 0
        if self.as_of is not None and self.recent_from is not None:
            held = (self.as_of - self.recent_from).days
        return max(usecase.delay_days, held) + late_days

    def check(self, usecase: FeatureSet) -> None:
        """PlumblineError where the tiles are not of these features."""
        if self.definitions != definitions_md5.definitions(usecase):
            raise PlumblineError(
                f"the tiles of {usecase.name} are of other features than the use case declares; run `dvc repro`"
            )


def read(folder: Path) -> Seed:
    """The seed in the folder `tiles/` of a use case.

    PlumblineError naming the file where one is missing, damaged, or not what tiles.json says.
    """
    index = documents.read(TilesDocument, folder / INDEX)
    timed = index.as_of is not None
    return Seed(
        index.as_of,
        index.first_day,
        index.recent_from,
        index.definitions,
        {one.name: _tiles(folder / f"{one.name}.parquet", one) for one in index.files},
        _table(folder / RECENT) if timed else pa.table({}),
    )


def _tiles(path: Path, described: TileFile) -> SeedTiles:
    table = _table(path).combine_chunks()
    names = [f"p{i}_{what}" for i in range(len(described.parts)) for what in ("count", "sum")]
    whole = all(pa.types.is_int64(table.schema.field(i).type) for i in range(1, table.num_columns))
    if table.column_names != ["id", "n", *names] or not whole:
        raise PlumblineError(
            f"{path}: expected the columns id, n and two for each of {len(described.parts)} parts, int64, found "
            f"{', '.join(table.column_names)[:120]}; {REMEDY}"
        )
    ids, starts = _groups(_whole(table.column("id")))
    n, *values = (_whole(table.column(name)).to_numpy() for name in ("n", *names))
    parts = tuple((p.matured, p.measure) for p in described.parts)
    return SeedTiles(
        described.entity,
        described.grain,
        described.oldest,
        parts,
        ids,
        starts,
        n,
        tuple(values[::2]),
        tuple(values[1::2]),
    )


def _groups(column: Any) -> tuple[Any, Array]:
    """Each value of an ordered array once, and where its rows begin, with the end of the last."""
    encoded = pc.dictionary_encode(column)
    codes = encoded.indices.to_numpy()
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    return encoded.dictionary, np.append(begins, len(codes)).astype(np.int64)


def _whole(column: Any) -> Any:
    """A column of at most one chunk as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _table(path: Path) -> Any:
    try:
        with pq.ParquetFile(path) as file:
            return file.read(use_threads=False)  # pq.read_table loads 40 MB of library
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; {REMEDY}") from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise PlumblineError(f"{path}: it cannot be read ({reason}); {REMEDY}") from None


def midnight(day: date) -> int:
    """Days since 1970, as tiles of days are numbered.

    >>> midnight(date(1970, 1, 3))
    2
    """
    return (day - date(1970, 1, 1)) // timedelta(days=1)
