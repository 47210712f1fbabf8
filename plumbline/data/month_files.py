"""A source in files with a hash each, month by month: what is known of a file, and a month's rows, are kept.

A file more costs its own check and the months that its rows lie in; of the others nothing is read again. The bytes are
those that `ingest` and `partition` write of the whole source at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from plumbline.core.errors import PlumblineError, SourceError
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.sql import TYPES, quote
from plumbline.core.usecase import Contract
from plumbline.data import file_rows, ingest, partition
from plumbline.data.casts import ROW_NUMBER, ignored
from plumbline.data.file_rows import FileRows
from plumbline.data.params import Data
from plumbline.data.sources import EventSource, SourcePart
from plumbline.data.visible_days import VisibleDays

Span = tuple[datetime, datetime]
"""The first time, and that after the last."""
LIBRARIES = ("duckdb", "numpy", "pyarrow")
"""Whose versions can change a row."""
FAR = "TIMESTAMP '0001-01-01'"
"""The time of a row that is in no month."""


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
        shape = self._nulls(), self._has_times()
        key = self.cache.key("month", path.name, self.contract, hashes, shape, span)
        self.cache.fill(key, path.parent, partial(self._compute, table, path, held, span))
        return key

    def _compute(
        self, table: str, path: Path, held: Sequence[FileRows], span: Span, folder: Path
    ) -> None:
        _fill(self.connection, self.usecase, self.source, [f.part for f in held], span)
        for one in (f for f in held if file_rows.facts_of(f.part) != f.facts):
            raise SourceError(f"{one.part.name}: the file changed while it was read; run again")
        _hint(self.connection, self.usecase, self._nulls(), several=self._has_times())
        month = path.stem.removeprefix(f"{table}-")
        partition.write_month(self.connection, self.usecase, table, month, folder)

    def _nulls(self) -> list[bool]:
        """Of each column whether any file has nulls in it: Parquet files of DuckDB say whether there can be some."""
        return [any(column) for column in zip(*(f.nulls for f in self.files), strict=True)]

    def _has_times(self) -> bool:
        """Whether the source has more than one time: with one alone DuckDB knows that `known_at` is never null."""
        return len({time for f in self.files for time in f.ends}) > 1


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
    identified = all(map(file_rows.is_identified, source.parts))
    if usecase.time is None or numbered or gone or not identified:
        return None
    contract = cache.key({f.name: getattr(usecase, f.name) for f in fields(Contract)})
    read_as = (contract, source.kind, data.delimiter, data.encoding)
    connection.execute(ingest.EVERY_VALUE)
    try:
        files = tuple(
            file_rows.known(connection, usecase, source, p, cache, read_as) for p in source.parts
        )
    except (PlumblineError, duckdb.Error):
        return None
    finally:
        connection.execute(ingest.AS_BEFORE)
    known = [f for f in files if f is not None]
    if len(known) < len(files) or not file_rows.alike(known):
        return None
    return MonthFiles(connection, usecase, source, cache, contract, tuple(known))


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
        for relation, _, casts in file_rows.typed(connection, usecase, source, part):
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


def _hint(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    nulls: Sequence[bool],
    *,
    several: bool,
) -> None:
    """Add a row that is in no month, with nulls where the whole source has some, where it has `several` times."""
    empty = [
        f"NULL AS {quote(c.name)}" for c, some in zip(usecase.columns, nulls, strict=True) if some
    ]
    if empty or several:
        values = ", ".join([*empty, f"{FAR} AS {quote(str(usecase.time))}"])
        connection.execute(f"INSERT INTO events SELECT * REPLACE ({values}) FROM events LIMIT 1")


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
