"""Raw rows into one DuckDB table of the contract's columns, out of core; refused where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError, SpecError
from plumbline.core.sql import TYPES, literal, quote
from plumbline.core.usecase import Contract
from plumbline.data import delimited
from plumbline.data.casts import EXPECTED, HINTS, ROW_NUMBER, Cast, casts, ignored
from plumbline.data.sources import EventSource, SourcePart

SHOWN = 3  # bad values in a message
BAD, PLACE = '"__bad"', '"__place"'  # names that no contract has


def load(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, source: EventSource
) -> list[str]:
    """Fill the table `events` with the contract's columns, typed; the source's columns not used.

    Raises SourceError for what cannot be read, a missing column, or a value of the wrong type, and
    SpecError for a derived column that cannot be computed.
    """
    columns = [f"{quote(c.name)} {TYPES[c.type]}" for c in usecase.columns]
    connection.execute(f"CREATE TABLE events ({', '.join(columns)}, {BAD} BOOLEAN)")
    first: dict[str, str] = {}
    total = 0
    for part in source.parts:
        rows = 0
        with closing(part.chunks(connection)) as chunks:
            for relation in chunks:
                relation = _numbered(usecase, relation, total + rows)
                types = _columns(connection, source, part, relation)
                first = first or types
                _compare(part, types, source.parts[0], first)
                rows += _insert(connection, usecase, source, part, relation, types, rows)
        total += rows
    if not duckdb_session.rows(connection, "SELECT 1 FROM events LIMIT 1"):
        raise SourceError(
            f"{source.name}: no rows; expected at least one (is the export complete?)"
        )
    return ignored(usecase, first)


def _numbered(usecase: Contract, relation: str, before: int) -> str:
    """The relation with the number of each row in the whole source, where a column is derived from it."""
    if not any(ROW_NUMBER in expression for expression in usecase.derive.values()):
        return relation
    return f"(SELECT *, {before} + row_number() OVER () AS {quote(ROW_NUMBER)} FROM {relation})"


def _columns(
    connection: duckdb.DuckDBPyConnection, source: EventSource, part: SourcePart, relation: str
) -> dict[str, str]:
    """Names and DuckDB types."""
    described = _run(connection, f"DESCRIBE SELECT * FROM {relation}", source, part).fetchall()
    return {row[0]: row[1] for row in described}


def _compare(
    part: SourcePart, types: dict[str, str], other: SourcePart, first: dict[str, str]
) -> None:
    differing = sorted(set(types) ^ set(first))
    if differing:
        place = part.name if differing[0] in types else other.name
        raise SourceError(
            f"{part.name}: its columns differ from those of {other.name}: '{differing[0]}' is in {place} only; "
            "files read together need the same columns"
        )


def _insert(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    relation: str,
    types: dict[str, str],
    before: int,
) -> int:
    """Append a chunk, `before` rows into its part; the number of its rows."""
    column_casts = casts(usecase, types, part.name)
    _probe(connection, usecase, part, relation, column_casts)
    values = ", ".join(_stored(c) for c in column_casts)
    bad = " OR ".join(c.bad for c in column_casts)
    sql = f"INSERT INTO events SELECT {values}, {bad} FROM {relation}"
    rows = _run(connection, sql, source, part).fetchall()
    if duckdb_session.rows(connection, f"SELECT 1 FROM events WHERE {BAD} LIMIT 1"):
        _refuse(connection, part, relation, column_casts, before)
    return int(rows[0][0])


def _stored(cast: Cast) -> str:
    """The typed value; NaN, which only floats have, is stored as null."""
    return f"nullif({cast.value}, 'NaN'::DOUBLE)" if cast.column.type == "float" else cast.value


def _probe(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    part: SourcePart,
    relation: str,
    column_casts: Sequence[Cast],
) -> None:
    """SpecError where a derived column's expression cannot be computed at all."""
    for cast in (c for c in column_casts if c.derived):
        try:
            connection.execute(f"EXPLAIN SELECT {cast.value} FROM {relation}")
        except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
            reason = str(error).split("\n")[0].rstrip("!.")
            raise SpecError(
                f"{part.name}: column '{cast.column.name}', derived in usecases/{usecase.name}/contract.py, cannot "
                f"be computed: {reason}; correct the expression, or rename the source's column"
            ) from None


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, source: EventSource, part: SourcePart
) -> duckdb.DuckDBPyConnection:
    """Execute; what DuckDB says of a file as one SourceError."""
    try:
        return connection.execute(sql)
    except (
        duckdb.NotSupportedError
    ):  # lines longer than its buffers, which it cannot read in parallel
        if "auto_detect=false" not in sql or "parallel=false" in sql:
            raise
        alone = sql.replace("auto_detect=false", "auto_detect=false, parallel=false")
        return _run(connection, alone, source, part)
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        if not part.path:
            raise
        problem = delimited.explain(str(error))
        if problem is None:
            reason = str(error).splitlines()[0].replace(part.path, "it").rstrip("!.")
            problem = f": not readable as {source.kind}: {reason}; check its format, and that it is complete"
        raise SourceError(f"{part.name}{problem}") from None


def _refuse(
    connection: duckdb.DuckDBPyConnection,
    part: SourcePart,
    relation: str,
    column_casts: Sequence[Cast],
    before: int,
) -> None:
    """SourceError with file, column, rows and values of the first column that has bad ones."""
    numbered = f"(SELECT *, {before} + row_number() OVER () AS {PLACE} FROM {relation})"
    for cast in column_casts:
        rows = duckdb_session.rows(
            connection,
            f"SELECT {PLACE}, CAST({_seen(cast)} AS VARCHAR), count(*) OVER () FROM {numbered} "
            f"WHERE {cast.bad} ORDER BY {PLACE} LIMIT {SHOWN}",
        )
        if rows:
            raise SourceError(_message(part, cast, rows))


def _seen(cast: Cast) -> str:
    """The source's values that a bad one was made of."""
    if len(cast.inputs) == 1:
        return quote(cast.inputs[0])
    pairs = ", ".join(f"concat({literal(i)}, '=', {quote(i)})" for i in cast.inputs)
    return f"concat_ws(', ', {pairs})" if pairs else "''"


def _message(part: SourcePart, cast: Cast, rows: list[tuple[int, str | None, int]]) -> str:
    shown = ", ".join(
        f"{'nothing' if v is None else repr(v)} in row {place}" for place, v, _ in rows
    )
    more = f" and {rows[0][2] - len(rows):,} more" if rows[0][2] > len(rows) else ""
    whence = f" (derived from {', '.join(cast.inputs)})" if cast.derived else ""
    remedy = "every event needs one" if cast.needed else "or leave them empty"
    return (
        f"{part.name}: column '{cast.column.name}'{whence}: expected {EXPECTED[cast.column.type]}, found "
        f"{shown}{more}, counted below the header; correct the values in the source ({remedy})"
        f"{HINTS.get(cast.column.type, '')}"
    )
