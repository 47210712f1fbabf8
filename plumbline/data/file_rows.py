"""What the data stage knows of one file of a source: found out once, and kept by the file's hash.

Rows by day, types, and what the bytes of a month depend on beside its own rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session, hashing
from plumbline.core.errors import SourceError
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.usecase import Contract
from plumbline.data import ingest
from plumbline.data.casts import Cast
from plumbline.data.sources import EventSource, SourcePart

SUFFIXES = (".parquet", ".pq")


@dataclass(frozen=True)
class FileRows:
    """What is known of a file: its hash, columns with their DuckDB types, rows by day, the first and the last time, and
    of each column of the contract whether it has nulls, of each time whether it has offsets, and none."""

    part: SourcePart
    facts: tuple[int, ...]
    hash: str
    types: dict[str, str]
    days: dict[date, int]
    ends: list[str]
    nulls: list[bool]
    zones: list[list[bool]]

    def between(self, first: datetime, after: datetime) -> bool:
        """Whether a row may lie between two times: it lies on one of their days."""
        last = (after - timedelta.resolution).date()
        return any(first.date() <= day <= last for day in self.days)


def is_identified(part: SourcePart) -> bool:
    """Whether the part is a file of this machine whose bytes have a hash: one that lies elsewhere is fetched only once."""
    return Path(part.path).is_file() and (bool(part.hash) or part.path.endswith(SUFFIXES))


def alike(files: Sequence[FileRows]) -> bool:
    """Whether all files have the same columns, and their times all offsets or none; and there are rows."""
    columns = {frozenset(f.types) for f in files}
    zones = [
        list(map(any, zip(*both, strict=True)))
        for both in zip(*(f.zones for f in files), strict=True)
    ]
    return len(columns) == 1 and not any(all(z) for z in zones) and any(f.days for f in files)


def known(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    cache: PartitionCache,
    read_as: tuple[str, ...],
) -> FileRows | None:
    """What is known of a file; None where a value of it does not fit."""
    facts = facts_of(part)
    digest = part.hash or hashing.md5_file(part.path)
    key = cache.key("file", digest, read_as)
    one = cache.value(key, partial(_seen, connection, usecase, source, part, facts))
    if one["bad"]:
        return None
    days = {date.fromisoformat(day): rows for day, rows in one["days"]}
    part.check(sum(days.values()))
    return FileRows(
        part, facts, digest, one["types"], days, one["ends"], one["nulls"], one["zones"]
    )


def _seen(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    facts: tuple[int, ...],
) -> dict[str, Any]:
    one = _examined(connection, usecase, source, part)
    if facts_of(part) != facts:
        raise SourceError(f"{part.name}: the file changed while it was read; run again")
    return one


def _examined(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, source: EventSource, part: SourcePart
) -> dict[str, Any]:
    days: list[tuple[str, int]] = []
    ends: list[str] = []
    nulls, bad = [False] * len(usecase.columns), False
    zones: list[list[bool]] = []
    held: dict[str, str] = {}
    for relation, types, columns in typed(connection, usecase, source, part):
        held = types
        times = [c for c in columns if c.column.type == "timestamp"]
        time = next(c for c in columns if c.column.name == usecase.time)
        zoned = [f"{z}{c.zoned} AND {c.value} IS NOT NULL" for c in times for z in ("", "NOT ")]
        missing = [f"{ingest.stored(c)} IS NULL" for c in columns]
        seen = ", ".join(f"bool_or({c})" for c in (*(c.bad for c in columns), *missing, *zoned))
        day, both = f"CAST({time.value} AS DATE)", f"min({time.value}), max({time.value})"
        query = f"SELECT {day}, count(*), {both}, {seen} FROM {relation} GROUP BY 1"
        rows = duckdb_session.rows(connection, query)
        days += [(str(row[0]), row[1]) for row in rows]
        ends = sorted([*ends, *(str(end) for row in rows for end in row[2:4])])
        flags = [any(row[i] for row in rows) for i in range(4, 4 + 2 * len(columns) + len(zoned))]
        bad |= any(flags[: len(columns)])
        nulls = [a or b for a, b in zip(nulls, flags[len(columns) :], strict=False)]
        new = flags[2 * len(columns) :]
        zones = zones or [[False, False] for _ in times]
        zones = [
            [a or b for a, b in zip(z, new[2 * i :], strict=False)] for i, z in enumerate(zones)
        ]
    result = {"types": held, "nulls": nulls, "zones": zones, "bad": bad}
    return {**result, "days": [] if bad else days, "ends": sorted({*ends[:1], *ends[-1:]})}


def typed(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, source: EventSource, part: SourcePart
) -> Iterator[tuple[str, dict[str, str], tuple[Cast, ...]]]:
    """Each relation of a part, with its columns' types, and how they become the contract's."""
    with closing(part.chunks(connection)) as chunks:
        for relation in chunks:
            whole = ingest.completed(connection, usecase, source, part, relation)
            types = ingest.columns_of(connection, source, part, whole)
            yield whole, types, ingest.column_casts(connection, usecase, part, whole, types)


def facts_of(part: SourcePart) -> tuple[int, ...]:
    """What changes where a file does; of one with a hash nothing: its reader looks itself."""
    if part.hash:
        return ()
    facts = os.stat(part.path)
    return facts.st_size, facts.st_mtime_ns, facts.st_ino
