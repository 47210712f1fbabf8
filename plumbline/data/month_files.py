"""A source in files with a hash each, month by month: what is known of a file, and a month's rows, are kept.

A file more costs its own check and the months that its rows lie in; of the others nothing is read again. The bytes are
those that `ingest` and `partition` write of the whole source at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session, hashing
from plumbline.core.errors import PlumblineError, SourceError
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.sql import TYPES, quote
from plumbline.core.usecase import Contract
from plumbline.data import ingest, partition
from plumbline.data.casts import ROW_NUMBER, Cast, ignored
from plumbline.data.params import Data
from plumbline.data.sources import EventSource, SourcePart
from plumbline.data.visible_days import VisibleDays

Span = tuple[datetime, datetime]
"""The first time, and that after the last."""
LIBRARIES = ("duckdb", "numpy", "pyarrow")
"""Whose versions can change a row."""
SUFFIXES = (".parquet", ".pq")
FAR = "TIMESTAMP '0001-01-01'"
"""The time of a row that is in no month."""


@dataclass(frozen=True)
class FileRows:
    """What is known of a file: its hash, columns with their DuckDB types, rows by day, and of each column of the
    contract whether it has nulls, of each time whether it has offsets, and none."""

    part: SourcePart
    facts: tuple[int, ...]
    hash: str
    types: dict[str, str]
    days: dict[date, int]
    nulls: list[bool]
    zones: list[list[bool]]

    def between(self, first: datetime, after: datetime) -> bool:
        """Whether a row may lie between two times: it lies on one of their days."""
        last = (after - timedelta.resolution).date()
        return any(first.date() <= day <= last for day in self.days)


@dataclass(frozen=True)
class MonthFiles:
    """The files of a source that can be read month by month."""

    connection: duckdb.DuckDBPyConnection
    usecase: Contract
    source: EventSource
    cache: PartitionCache
    contract: str  # its md5
    files: tuple[FileRows, ...]

    @property
    def unused(self) -> list[str]:
        """The source's columns that are not used."""
        return ignored(self.usecase, self.files[0].types)

    def rows(self, first: date | None, after: date | None) -> int:
        """Rows from the day `first` to before the day `after`; None: without a bound."""
        days = (d for f in self.files for d in f.days.items())
        return sum(n for d, n in days if (not first or d >= first) and (not after or d < after))

    def write(self, folder: Path, window: VisibleDays) -> dict[str, str]:
        """Write the months as `partition.write` does; each file's name with the key of its partition."""
        _fill(self.connection, self.usecase, self.source, [], (datetime.min, datetime.min))
        partition.views(self.connection, self.usecase, window, any_rows=True)
        keys = {}
        for table, late in (
            (partition.EVENTS, timedelta(0)),
            (partition.OUTCOMES, self.usecase.delay),
        ):
            for month, span in _months(self.files, window, late):
                held = [f for f in self.files if f.between(*span)]
                path = folder / f"{table}-{month}.parquet"
                keys[path.name] = self._month(table, path, held, span)
        return keys

    def _month(self, table: str, path: Path, held: Sequence[FileRows], span: Span) -> str:
        """Write one file, or take it as it was written before; nothing where it has no row. Returns its key."""
        hashes = [f.hash for f in held]
        key = self.cache.key("month", path.name, self.contract, hashes, self._nulls(), span)
        self.cache.fill(key, path.parent, partial(self._compute, table, path, held, span))
        return key

    def _compute(
        self, table: str, path: Path, held: Sequence[FileRows], span: Span, folder: Path
    ) -> None:
        _fill(self.connection, self.usecase, self.source, [f.part for f in held], span)
        for one in (f for f in held if _facts(f.part) != f.facts):
            raise SourceError(f"{one.part.name}: the file changed while it was read; run again")
        _hint(self.connection, self.usecase, self._nulls())
        month = path.stem.removeprefix(f"{table}-")
        partition.write_month(self.connection, self.usecase, table, month, folder)

    def _nulls(self) -> list[bool]:
        """Of each column whether any file has nulls in it: Parquet files of DuckDB say whether there can be some."""
        return [any(column) for column in zip(*(f.nulls for f in self.files), strict=True)]


def read(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    data: Data,
    source: EventSource,
    cache: PartitionCache,
) -> MonthFiles | None:
    """The files of the source; None where they are to be read at once: without time or hashes, with rows that go, with
    rows that are numbered, and where a file is not as expected, so that the reader at once says what is wrong."""
    numbered = any(ROW_NUMBER in expression for expression in usecase.derive.values())
    gone = usecase.only or data.forget or data.outcomes
    if usecase.time is None or numbered or gone or not all(map(_identified, source.parts)):
        return None
    contract = cache.key({f.name: getattr(usecase, f.name) for f in fields(Contract)})
    read_as = (contract, source.kind, data.delimiter, data.encoding)
    connection.execute(ingest.EVERY_VALUE)
    try:
        files = tuple(_known(connection, usecase, source, p, cache, read_as) for p in source.parts)
    except (PlumblineError, duckdb.Error):
        return None
    finally:
        connection.execute(ingest.AS_BEFORE)
    known = [f for f in files if f is not None]
    if len(known) < len(files) or not _alike(known):
        return None
    return MonthFiles(connection, usecase, source, cache, contract, tuple(known))


def _identified(part: SourcePart) -> bool:
    """Whether the part is a file of this machine whose bytes have a hash: one that lies elsewhere is fetched only once."""
    return Path(part.path).is_file() and (bool(part.hash) or part.path.endswith(SUFFIXES))


def _alike(files: Sequence[FileRows]) -> bool:
    """Whether all files have the same columns, and their times all offsets or none; and there are rows."""
    columns = {frozenset(f.types) for f in files}
    zones = [
        list(map(any, zip(*both, strict=True)))
        for both in zip(*(f.zones for f in files), strict=True)
    ]
    return len(columns) == 1 and not any(all(z) for z in zones) and any(f.days for f in files)


def _known(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    cache: PartitionCache,
    read_as: tuple[str, ...],
) -> FileRows | None:
    """What is known of a file; None where a value of it does not fit."""
    facts = _facts(part)
    digest = part.hash or hashing.md5_file(part.path)
    key = cache.key("file", digest, read_as)
    one = cache.value(key, partial(_seen, connection, usecase, source, part, facts))
    if one["bad"]:
        return None
    days = {date.fromisoformat(day): rows for day, rows in one["days"]}
    part.check(sum(days.values()))
    return FileRows(part, facts, digest, one["types"], days, one["nulls"], one["zones"])


def _seen(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    facts: tuple[int, ...],
) -> dict[str, Any]:
    one = _examined(connection, usecase, source, part)
    if _facts(part) != facts:
        raise SourceError(f"{part.name}: the file changed while it was read; run again")
    return one


def _examined(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, source: EventSource, part: SourcePart
) -> dict[str, Any]:
    days: list[tuple[str, int]] = []
    nulls, bad = [False] * len(usecase.columns), False
    zones: list[list[bool]] = []
    held: dict[str, str] = {}
    for relation, types, columns in _typed(connection, usecase, source, part):
        held = types
        times = [c for c in columns if c.column.type == "timestamp"]
        time = next(c for c in columns if c.column.name == usecase.time)
        zoned = [f"{z}{c.zoned} AND {c.value} IS NOT NULL" for c in times for z in ("", "NOT ")]
        missing = [f"{ingest.stored(c)} IS NULL" for c in columns]
        seen = ", ".join(f"bool_or({c})" for c in (*(c.bad for c in columns), *missing, *zoned))
        query = f"SELECT CAST({time.value} AS DATE), count(*), {seen} FROM {relation} GROUP BY 1"
        found = duckdb_session.rows(connection, query)
        days += [(str(row[0]), row[1]) for row in found]
        flags = [any(row[i] for row in found) for i in range(2, 2 + 2 * len(columns) + len(zoned))]
        bad |= any(flags[: len(columns)])
        nulls = [a or b for a, b in zip(nulls, flags[len(columns) :], strict=False)]
        new = flags[2 * len(columns) :]
        zones = zones or [[False, False] for _ in times]
        zones = [
            [a or b for a, b in zip(z, new[2 * i :], strict=False)] for i, z in enumerate(zones)
        ]
    shown = [] if bad else days
    return {"types": held, "days": shown, "nulls": nulls, "zones": zones, "bad": bad}


def _typed(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, source: EventSource, part: SourcePart
) -> Iterator[tuple[str, dict[str, str], tuple[Cast, ...]]]:
    """Each relation of a part, with its columns' types, and how they become the contract's."""
    with closing(part.chunks(connection)) as chunks:
        for relation in chunks:
            whole = ingest.completed(connection, usecase, source, part, relation)
            types = ingest.columns_of(connection, source, part, whole)
            yield whole, types, ingest.column_casts(connection, usecase, part, whole, types)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    parts: Sequence[SourcePart],
    span: Span,
) -> None:
    """Make the table `events` of the rows of these parts whose time lies in the span, in their order."""
    columns = ", ".join(f"{quote(c.name)} {TYPES[c.type]}" for c in usecase.columns)
    connection.execute(f"CREATE OR REPLACE TABLE events ({columns})")
    connection.execute(ingest.EVERY_VALUE)
    connection.execute("BEGIN")
    waiting: list[str] = []
    for part in parts:
        for relation, _, casts in _typed(connection, usecase, source, part):
            time = next(c.value for c in casts if c.column.name == usecase.time)
            values = ", ".join(ingest.stored(c) for c in casts)
            inside = f"{time} >= TIMESTAMP '{span[0]}' AND {time} < TIMESTAMP '{span[1]}'"
            waiting.append(f"SELECT {values} FROM {relation} WHERE {inside}")
            if (
                part.hash or part is parts[-1]
            ):  # one with a hash may be a copy that ends with its turn
                rows = " UNION ALL ".join(waiting)
                ingest.run(connection, f"INSERT INTO events {rows}", source, part)
                waiting = []
    connection.execute("COMMIT")
    connection.execute(ingest.AS_BEFORE)


def _facts(part: SourcePart) -> tuple[int, ...]:
    """What changes where a file does; of one with a hash nothing: its reader looks itself."""
    if part.hash:
        return ()
    facts = os.stat(part.path)
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _hint(connection: duckdb.DuckDBPyConnection, usecase: Contract, nulls: Sequence[bool]) -> None:
    """Add a row that is in no month, with nulls where the whole source has some."""
    empty = [c for c, some in zip(usecase.columns, nulls, strict=True) if some]
    if empty:
        values = ", ".join(f"NULL AS {quote(c.name)}" for c in empty)
        connection.execute(
            f"INSERT INTO events SELECT * REPLACE ({values}, {FAR} AS {quote(str(usecase.time))}) FROM events LIMIT 1"
        )


def _months(
    files: Sequence[FileRows], window: VisibleDays, late: timedelta
) -> list[tuple[str, Span]]:
    """The months in which visible rows can lie `late` after their time, each with the times of these rows."""
    days = {d for f in files for d in f.days}
    seen = [_midnight(d) + late for d in days if _visible(d, window)]
    ends = [*seen, *(t + timedelta(days=1) - timedelta.resolution for t in seen)]
    months = []
    for month in sorted({t.date().replace(day=1) for t in ends}):
        after = (month + timedelta(days=31)).replace(day=1)
        low, high = _midnight(month) - late, min(_midnight(after), _midnight(window.as_of)) - late
        low = max(low, _midnight(window.start)) if window.start else low
        if low < high and any(f.between(low, high) for f in files):
            months.append((f"{month:%Y-%m}", (low, high)))
    return months


def _visible(day: date, window: VisibleDays) -> bool:
    return (not window.start or day >= window.start) and (not window.as_of or day < window.as_of)


def _midnight(day: date | None) -> datetime:
    return datetime.combine(day or date.max, datetime.min.time())
