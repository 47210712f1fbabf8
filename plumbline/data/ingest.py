"""Raw rows into one DuckDB table of the contract's columns, out of core; refused where they do not fit."""

from __future__ import annotations

import re
from contextlib import closing

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError, SpecError
from plumbline.core.sql import TYPES, literal, quote
from plumbline.core.usecase import Contract
from plumbline.data import headers
from plumbline.data.casts import ROW_NUMBER, Cast, casts, ignored
from plumbline.data.derivations import derivations
from plumbline.data.refusals import refuse, refuse_mixed
from plumbline.data.sources import EventSource, SourcePart

BAD, ZONE, FOUND = '"__bad"', "__zone", '"__found"'
"""Columns of the table beside the contract's, under names that no contract has: whether a value of the row is
bad, and of each time whether it has an offset. Where bad rows are kept: the first column whose value is bad, null
for none, and that value as text."""

EVERY_VALUE = "SET disabled_optimizers = 'statistics_propagation'"
"""Parquet's smallest and largest values know of no NaN: DuckDB would take isnan() as false for all rows."""
AS_BEFORE = "RESET disabled_optimizers"
"""What is written from here on says again which columns have no nulls."""


def load(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    *,
    keep_bad: bool = False,
    table: str = "events",
) -> list[str]:
    """Fill the table `table` with the contract's columns, typed; the source's columns not used.

    `keep_bad`: rows with a value of the wrong type are kept, the value as null, and marked. Raises
    SourceError for what cannot be read, a missing column, or otherwise such a value, and SpecError for a derived
    column that cannot be computed.
    """
    connection.execute(EVERY_VALUE)
    create(connection, usecase, keep_bad=keep_bad, table=table)
    first: dict[str, str] = {}
    total = 0
    for part in source.parts:
        rows = 0
        with closing(part.chunks(connection)) as chunks:
            for relation in chunks:
                relation = _numbered(usecase, relation, total + rows)
                relation = completed(connection, usecase, source, part, relation)
                types = columns_of(connection, source, part, relation)
                first = first or types
                _compare(part, types, source.parts[0], first)
                rows += _insert(
                    connection, usecase, source, part, relation, types, rows, keep_bad, table
                )
        part.check(rows)
        total += rows
    connection.execute(AS_BEFORE)
    if not duckdb_session.rows(connection, f"SELECT 1 FROM {table} LIMIT 1"):
        raise SourceError(
            f"{source.name}: no rows; expected at least one (is the export complete?)"
        )
    return ignored(usecase, first)


def create(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    *,
    keep_bad: bool = False,
    table: str = "events",
) -> None:
    """The table that `load` fills, without a row."""
    columns = [f"{quote(c.name)} {TYPES[c.type]}" for c in usecase.columns]
    times = [c for c in usecase.columns if c.type == "timestamp"]
    zones = "".join(f', "{ZONE}{i}" BOOLEAN' for i in range(len(times)))
    faults = f"{BAD} VARCHAR, {FOUND} VARCHAR" if keep_bad else f"{BAD} BOOLEAN"
    connection.execute(f"CREATE TABLE {table} ({', '.join(columns)}, {faults}{zones})")


def mixed_times(connection: duckdb.DuckDBPyConnection, usecase: Contract) -> bool:
    """Whether the rows of `events` have times with and times without an offset in one column."""
    times = [c for c in usecase.columns if c.type == "timestamp"]
    return any(_mixed(connection, "events", number) for number in range(len(times)))


def _numbered(usecase: Contract, relation: str, before: int) -> str:
    """The relation with the number of each row in the whole source, where a column is derived from it."""
    if not any(ROW_NUMBER in expression for expression in usecase.derive.values()):
        return relation
    return f"(SELECT *, {before} + row_number() OVER () AS {quote(ROW_NUMBER)} FROM {relation})"


def completed(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    source: EventSource,
    part: SourcePart,
    relation: str,
) -> str:
    """The relation with nulls for the optional columns that it lacks."""
    if not usecase.optional:
        return relation
    there = columns_of(connection, source, part, relation)
    absent = [usecase.column(n) for n in usecase.optional if n not in there]
    nulls = "".join(f", CAST(NULL AS {TYPES[c.type]}) AS {quote(c.name)}" for c in absent)
    return f"(SELECT *{nulls} FROM {relation})" if absent else relation


def columns_of(
    connection: duckdb.DuckDBPyConnection, source: EventSource, part: SourcePart, relation: str
) -> dict[str, str]:
    """Names and DuckDB types."""
    described = run(connection, f"DESCRIBE SELECT * FROM {relation}", source, part).fetchall()
    return {row[0]: row[1] for row in described}


def first_columns(connection: duckdb.DuckDBPyConnection, source: EventSource) -> list[str]:
    """The names of the columns of the source's first part."""
    part = source.parts[0]
    with closing(part.chunks(connection)) as chunks:
        return list(columns_of(connection, source, part, next(chunks)))


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
    keep_bad: bool,
    table: str,
) -> int:
    """Append a chunk, `before` rows into its part; the number of its rows."""
    columns = column_casts(connection, usecase, part, relation, types)
    times = [c for c in columns if c.column.type == "timestamp"]
    values = ", ".join(stored(c) for c in columns)
    bad = _first_bad(columns) if keep_bad else " OR ".join(c.bad for c in columns)
    zones = "".join(f", CASE WHEN {c.value} IS NOT NULL THEN {c.zoned} END" for c in times)
    sql = f"INSERT INTO {table} SELECT {values}, {bad}{zones} FROM {relation}"
    rows = run(connection, sql, source, part).fetchall()
    if not keep_bad and duckdb_session.rows(
        connection, f"SELECT 1 FROM {table} WHERE {BAD} LIMIT 1"
    ):
        refuse(connection, part, relation, columns, before)
    for number, cast in enumerate(times):
        if _mixed(connection, table, number):
            refuse_mixed(connection, part, relation, cast, before, source.parts[0].name)
    return int(rows[0][0])


def column_casts(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    part: SourcePart,
    relation: str,
    types: dict[str, str],
) -> tuple[Cast, ...]:
    """How the contract's columns come from a relation with columns of these DuckDB types."""
    headers.check_all(usecase, types, part.name)
    return casts(usecase, types, derivations(connection, usecase, part.name, relation))


def _first_bad(column_casts: tuple[Cast, ...]) -> str:
    """The SQL of the first column whose value is bad, and of that value."""
    names = " ".join(f"WHEN {c.bad} THEN {literal(c.column.name)}" for c in column_casts)
    values = " ".join(f"WHEN {c.bad} THEN CAST({c.raw} AS VARCHAR)" for c in column_casts)
    return f"CASE {names} END, CASE {values} END"


def stored(cast: Cast) -> str:
    """The typed value; NaN, which only floats have, is stored as null."""
    if cast.column.type != "float":
        return cast.value
    return f"CASE WHEN NOT isnan({cast.value}) THEN {cast.value} END"


def _mixed(connection: duckdb.DuckDBPyConnection, table: str, number: int) -> bool:
    """Whether the times of the column of this number have an offset in some rows, and none in others."""
    zone = f'"{ZONE}{number}"'
    seen = f"SELECT bool_or({zone}), bool_or(NOT {zone}) FROM {table}"
    return duckdb_session.rows(connection, seen) == [(True, True)]


def run(
    connection: duckdb.DuckDBPyConnection, sql: str, source: EventSource, part: SourcePart
) -> duckdb.DuckDBPyConnection:
    """Execute; what DuckDB says of a file as one SourceError."""
    try:
        return connection.execute(sql)
    except duckdb.NotSupportedError as error:
        zone = re.search(r"Unknown TimeZone '[^']*'", str(error))
        if zone:
            raise SpecError(
                f"{part.name}: {zone.group()} in an expression of derive=...; expected a name such as 'Europe/Berlin'"
            ) from None
        # lines longer than its buffers, which it cannot read in parallel
        if "auto_detect=false" not in sql or "parallel=false" in sql:
            raise
        alone = sql.replace("auto_detect=false", "auto_detect=false, parallel=false")
        return run(connection, alone, source, part)
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        if not part.path:
            raise
        part.explain()
        raise SourceError(
            f"{part.name}: not readable as {source.kind}: {_reason(str(error), part.path)}; check its format, and that "
            "it is complete"
        ) from None


def _reason(error: str, path: str) -> str:
    """What DuckDB says, without its advice: a first line, or what is wrong near a line of a CSV file."""
    lines = [line for line in error.replace(path, "it").splitlines() if line.strip()]
    near = re.search(r"CSV Error on Line: (\d+)", lines[0])
    words = next(
        (w for w in lines if "found" in w.lower() and not w.startswith("Original")), lines[0]
    )
    return (f"near line {near.group(1)}: {words}" if near else lines[0]).rstrip("!.")
