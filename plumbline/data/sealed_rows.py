"""Rows of sealed days in DuckDB: events beside the seed's, each once; outcomes as they were received."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session, sealed_days
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import SourceError
from plumbline.core.sealed_days import SealedDay
from plumbline.core.sql import TYPES, literal, literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.data import columnar, ingest, layouts
from plumbline.data.sources import EventSource, SourcePart

SEALED = "sealed_events"
KEYS = "sealed_keys"
"""The keys of all sealed events, before any is removed from `events`."""


def add_events(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, days: Sequence[SealedDay]
) -> int:
    """Add the events of these days to `events`; how many were there already, with the same values.

    SourceError for one that was there with others, and for a file that does not fit the contract.
    """
    key = quote(usecase.key)
    kept = [one for one in days if one.statement.rows["events"]]
    if not kept:
        connection.execute(f"CREATE TABLE {KEYS} AS SELECT {key} FROM events LIMIT 0")
        return 0
    layout = replace(layouts.events(usecase), derive={}, optional=())
    parts = tuple(_part(usecase, one.file("events")) for one in kept)
    name = str(kept[0].folder)
    ingest.load(connection, layout, EventSource("parquet", name, parts, {}, None), table=SEALED)
    connection.execute(f"CREATE TABLE {KEYS} AS SELECT DISTINCT {key} FROM {SEALED}")
    return _once(connection, usecase, kept)


def outcomes(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    days: Sequence[SealedDay],
    arrived: str,
) -> str | None:
    """SQL for the outcomes of these days: key, known_at, the late columns, and their sequence as `arrived`; None for none."""
    files = [one.file("outcomes") for one in days if one.statement.rows["outcomes"]]
    if not files:
        return None
    relation = f"read_parquet([{', '.join(map(_path, files))}], hive_partitioning=false, union_by_name=true)"
    held = _columns(connection, relation)
    columns = [usecase.column(usecase.key), *usecase.unknown]
    values = ", ".join(
        f"CAST({quote(c.name) if c.name in held else 'NULL'} AS {TYPES[c.type]}) AS {quote(c.name)}"
        for c in columns
    )
    sequence = sealed_days.own_name("sequence", [c.name for c in columns])
    return f"SELECT {values}, {KNOWN_AT}, {quote(sequence)} AS {arrived} FROM {relation}"


def _part(usecase: Contract, path: Path) -> SourcePart:
    return SourcePart(str(path), partial(_events, usecase, path), str(path))


def _events(usecase: Contract, path: Path, connection: duckdb.DuckDBPyConnection) -> Generator[str]:
    """The contract's columns; null for those that it did not have then, where that may be."""
    relation = columnar.relation(path, str(path), None)
    held = _columns(connection, relation)
    for column in usecase.known:
        if column.name not in held and not (column.null or column.name in usecase.optional):
            raise SourceError(
                f"{path}: no column '{column.name}': it was not in the contract when the day was served, and a sealed day is "
                f"never rewritten. Declare it in usecases/{usecase.name}/contract.py as one that may be null (null=True)"
            )
    values = (
        quote(c.name) if c.name in held else f"CAST(NULL AS {TYPES[c.type]}) AS {quote(c.name)}"
        for c in usecase.known
    )
    yield f"(SELECT {', '.join(values)} FROM {relation})"


def _once(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, days: Sequence[SealedDay]
) -> int:
    key, columns = quote(usecase.key), ", ".join(quote(c.name) for c in usecase.known)
    all_keys = f"SELECT {key} FROM {SEALED} UNION ALL SELECT DISTINCT {key} FROM events"
    connection.execute(
        f"CREATE TABLE repeated_keys AS SELECT {key} FROM ({all_keys}) GROUP BY 1 HAVING count(*) > 1"
    )
    twice = f"{key} IN (SELECT {key} FROM repeated_keys)"
    both = " UNION ALL ".join(
        f"SELECT {key}, row({columns}) AS v FROM {t} WHERE {twice}" for t in ("events", SEALED)
    )
    differing = (
        f"SELECT {key} FROM ({both}) GROUP BY 1 HAVING count(DISTINCT v) > 1 ORDER BY 1 LIMIT 1"
    )
    for (value,) in duckdb_session.rows(connection, differing):
        raise _overlap(connection, usecase, value, days)
    before = _count(connection, "events")
    here = f"{twice} AND {key} IN (SELECT {key} FROM events)"
    new = f"SELECT {columns} FROM {SEALED} WHERE NOT ({twice}) UNION ALL SELECT DISTINCT {columns} FROM {SEALED} WHERE {twice} AND NOT ({here})"
    connection.execute(f"INSERT INTO events BY NAME {new}")
    return _count(connection, SEALED) + before - _count(connection, "events")


def _overlap(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, key: Any, days: Sequence[SealedDay]
) -> SourceError:
    """The refusal of a key that stands twice with different values."""
    find = f"WHERE {quote(usecase.key)} = {literal(key)}"
    files = [one.file("events") for one in days]
    having = [
        str(f) for f in files if duckdb_session.rows(connection, f"SELECT 1 FROM {_one(f)} {find}")
    ]
    places = having if len(having) > 1 else ["the seed", *having]
    return SourceError(
        f"{' and '.join(places)}: an overlap: both have the event {usecase.key}={key!r}, with different values. One key is "
        "one event: correct the seed, or its as_of; where both are sealed, the log lost what it had answered before"
    )


def _one(path: Path) -> str:
    return f"read_parquet([{_path(path)}], hive_partitioning=false)"


def _path(path: Path) -> str:
    return literal_path(path.absolute())


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    return {row[0] for row in duckdb_session.rows(connection, f"DESCRIBE SELECT * FROM {relation}")}


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(duckdb_session.rows(connection, f"SELECT count(*) FROM {table}")[0][0])
