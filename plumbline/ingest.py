"""Raw events by DuckDB, out of core: derive, type, sort, a Parquet file per month, and the counts.

What is not yet known on the as-of date is left out: events of that day and later, and outcomes
(label and whatever else is not known at prediction time) whose delay has not passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from plumbline import delimited
from plumbline.casts import EXPECTED, Cast, casts, ignored, quote, text
from plumbline.errors import SourceError, SpecError
from plumbline.sources import Part, Source
from plumbline.usecase import UseCase

SHOWN = 3  # bad values per message


@dataclass(frozen=True)
class Window:
    """Visible days: from midnight of `start` (None: no bound) to midnight of `as_of`."""

    start: date | None
    as_of: date | None


def load(connection: duckdb.DuckDBPyConnection, usecase: UseCase, source: Source) -> list[str]:
    """Fill the table `events` with the contract's columns, typed; the source's columns not used.

    Raises SourceError for what cannot be read, a missing column, or a value of the wrong type.
    """
    found = _columns(connection, source)
    made = casts(usecase, found, source.name)
    _probe(connection, usecase, source, made)
    source.attach(connection)
    columns = ", ".join(f"{c.value} AS {quote(c.column.name)}" for c in made)
    bad = " OR ".join(c.bad for c in made)
    whole = " UNION ALL ".join(f"SELECT {columns}, {bad} AS bad FROM {p.relation}" for p in source.parts)
    _run(connection, f"CREATE TABLE events AS {whole}", source)
    if _number(connection, "SELECT count(*) FROM events WHERE bad"):
        _refuse(connection, source, made)
    if not _number(connection, "SELECT count(*) FROM events"):
        raise SourceError(f"{source.name}: a header and no rows; export it again, with its rows")
    return ignored(usecase, found)


def partition(
    connection: duckdb.DuckDBPyConnection, usecase: UseCase, window: Window, folder: Path
) -> None:
    """Write `events-<month>.parquet` and `outcomes-<month>.parquet` into `folder`.

    Sorted by time and key, and by everything else where those are equal.
    """
    views(connection, usecase, window)
    for table, time in (("visible", usecase.time), ("outcomes", "known_at")):
        name = "events" if table == "visible" else table
        for month in _months(connection, table, time) if usecase.time else ["all"]:
            _write(connection, usecase, table, time, month, folder / f"{name}-{month}.parquet")


def views(connection: duckdb.DuckDBPyConnection, usecase: UseCase, window: Window) -> None:
    """Create the views `visible` (known columns) and `outcomes`; SourceError where no row is visible."""
    known = ", ".join(quote(c.name) for c in usecase.known)
    unknown = ", ".join(quote(c.name) for c in usecase.unknown)
    key = quote(usecase.key)
    if usecase.time is None:
        connection.execute(f"CREATE VIEW visible AS SELECT {known} FROM events")
        connection.execute(f"CREATE VIEW outcomes AS SELECT {key}, {unknown} FROM events")
        return
    time = quote(usecase.time)
    inside = f"{time} < {_at(window.as_of)} AND {time} >= {_at(window.start)}"
    connection.execute(f"CREATE VIEW visible AS SELECT {known} FROM events WHERE {inside}")
    connection.execute(
        f"CREATE VIEW outcomes AS SELECT * FROM (SELECT {key}, {time}, "
        f"{time} + to_days({usecase.label_delay}) AS known_at, {unknown} FROM events WHERE {inside}) "
        f"WHERE known_at < {_at(window.as_of)}"
    )


def _at(day: date | None) -> str:
    return f"TIMESTAMP '{day} 00:00:00'" if day else "TIMESTAMP '-infinity'"


def _months(connection: duckdb.DuckDBPyConnection, table: str, time: str | None) -> list[str]:
    month = f"strftime({quote(time or '')}, '%Y-%m')"
    rows = connection.execute(f"SELECT DISTINCT {month} FROM {table} ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def _write(
    connection: duckdb.DuckDBPyConnection,
    usecase: UseCase,
    table: str,
    time: str | None,
    month: str,
    path: Path,
) -> None:
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    names = [row[0] for row in described]
    first = [n for n in (time if usecase.time else None, usecase.key) if n]
    order = ", ".join(f"{quote(n)} NULLS LAST" for n in dict.fromkeys([*first, *names]))
    where = ""
    if usecase.time and time:
        begin = date.fromisoformat(f"{month}-01")
        after = (begin + timedelta(days=31)).replace(day=1)
        where = f"WHERE {quote(time)} >= {_at(begin)} AND {quote(time)} < {_at(after)}"
    connection.execute(
        f"COPY (SELECT * FROM {table} {where} ORDER BY {order}) TO {text(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


def _columns(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """Names and DuckDB types of the source's columns, the same in all parts."""
    source.attach(connection)
    found: dict[str, str] = {}
    for part in source.parts:
        described = _run(connection, f"DESCRIBE SELECT * FROM {part.relation}", source).fetchall()
        columns = {row[0]: row[1] for row in described}
        if found and set(columns) != set(found):
            odd = sorted(set(columns) ^ set(found))[0]
            raise SourceError(
                f"{part.name}: column '{odd}' is in this file or in {source.parts[0].name}, not in both; "
                "files read together need the same columns"
            )
        found = found or columns
    return found


def _probe(
    connection: duckdb.DuckDBPyConnection, usecase: UseCase, source: Source, made: Sequence[Cast]
) -> None:
    """SpecError or SourceError where a derived column's expression cannot be computed at all."""
    for cast in (c for c in made if c.derived):
        try:
            connection.execute(f"EXPLAIN SELECT {cast.value} FROM {source.parts[0].relation} LIMIT 0")
        except duckdb.Error as error:
            reason = str(error).split("\n")[0]
            raise SpecError(
                f"{source.name}: column '{cast.column.name}' is derived in usecases/{usecase.name}.py "
                f"and cannot be: {reason} Mend the expression, or the source's columns."
            ) from None


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, source: Source
) -> duckdb.DuckDBPyConnection:
    """Execute; what DuckDB says of the source as one SourceError."""
    try:
        return connection.execute(sql)
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        names = [p.name for p in source.parts]
        said = delimited.explain(str(error), names)
        if said is None:
            said = f"{source.name}: not readable as {source.kind}: {str(error).splitlines()[0]}"
        raise SourceError(said) from None


def _refuse(connection: duckdb.DuckDBPyConnection, source: Source, made: Sequence[Cast]) -> None:
    """Raise a SourceError with file, column, rows and values of the first column that has bad ones."""
    source.attach(connection)
    for part in source.parts:
        for cast in made:
            rows = _bad_rows(connection, part, cast)
            if rows:
                raise SourceError(_message(part, cast, rows))


def _bad_rows(
    connection: duckdb.DuckDBPyConnection, part: Part, cast: Cast
) -> list[tuple[int, str, int]]:
    """Row (from 1), value and count of the first bad ones."""
    return connection.execute(
        f"SELECT place, CAST({_seen(cast)} AS VARCHAR), count(*) OVER () FROM "
        f"(SELECT *, row_number() OVER () AS place FROM {part.relation}) "
        f"WHERE {cast.bad} ORDER BY place LIMIT {SHOWN}"
    ).fetchall()


def _seen(cast: Cast) -> str:
    if len(cast.inputs) == 1:
        return quote(cast.inputs[0])
    return "concat_ws(', ', " + ", ".join(f"concat({text(i)}, '=', {quote(i)})" for i in cast.inputs) + ")"


def _message(part: Part, cast: Cast, rows: list[tuple[int, str, int]]) -> str:
    shown = ", ".join(f"'{value}' in row {place}" for place, value, _ in rows)
    more = f" and {rows[0][2] - len(rows)} more" if rows[0][2] > len(rows) else ""
    whence = f" (derived from {', '.join(cast.inputs)})" if cast.derived else ""
    return (
        f"{part.name}: column '{cast.column.name}'{whence}: expected {EXPECTED[cast.column.type]}, found "
        f"{shown}{more} (rows count from 1 below the header). Mend the values in the source, or leave "
        "them empty."
    )


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0

