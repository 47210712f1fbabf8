"""Outcomes of their own in DuckDB: what became known of which event, and when, corrections included.

How to call it, whatever the outcomes come from, after `ingest.load` has filled `events` and before anything is
deleted from it (stages/data.py has these lines):

    unused = ingest.load(connection, layouts.events(case), opened)  # the events' known columns alone
    outcome_rows.fill(connection, case, "a_relation")               # key, known_at and the late columns, typed
    erasure.forget(...); filtering.leave_out(...)
    partition.views(connection, case, window, own=True)             # makes `due` of them
    partition.write(connection, case, folder, own=True)
    counts = outcome_counts.of(connection, case, window)

The relation is any that DuckDB can select from: a table, a view, a query in brackets, `read_parquet(...)`. Several
are put together by UNION ALL. Its columns have the contract's types (`plumbline.core.sql.TYPES`), none but the late
ones null; others are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.sql import PARQUET, literal, quote
from plumbline.core.usecase import Contract
from plumbline.data.visible_days import VisibleDays, end, start

TABLE = "outcome_rows"
"""The key, known_at and the late columns, under the contract's names; `__event`: whether `events` had the key;
`__moved`: whether known_at is another than the source's."""
RECEIVED = "outcome_rows_received"
"""How many rows the relation had."""
PLACED = "outcome_rows_placed"
"""The rows with their event's time, and `__place`: visible, or why not."""
UNKNOWN = "unknown-outcomes.parquet"
"""Where outcomes are kept whose event is not there."""


def fill(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    relation: str,
    *,
    known_at: str = KNOWN_AT,
    order: Sequence[str] = (),
) -> None:
    """Make the table `outcome_rows` of a relation with the key, a column `known_at` and the late columns.

    Rows equal in all of these count once. `order`: columns of the relation by which rows arrived, where that is
    known (the day and sequence of a log): then of two outcomes of one event the one that arrived later is the
    correction, whatever its known_at says; it counts from known_at on, at the earliest a microsecond after the one
    before. Without it known_at decides, and validate sets two different outcomes of one moment aside.
    """
    names = [quote(usecase.key), *(quote(c.name) for c in usecase.unknown)]
    columns = (
        f"{names[0]}, CAST({quote(known_at)} AS TIMESTAMP) AS {KNOWN_AT}, {', '.join(names[1:])}"
    )
    known = f"{names[0]} IN (SELECT {names[0]} FROM events) AS __event"
    connection.execute(
        f"CREATE OR REPLACE TABLE {TABLE} AS SELECT *, {known} FROM ({_distinct(names, columns, relation, order)})"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE {RECEIVED} AS SELECT count(*) AS n FROM {relation}"
    )


def _distinct(names: Sequence[str], columns: str, relation: str, order: Sequence[str]) -> str:
    """SQL for the rows, each once, with `__moved`."""
    if not order:
        return f"SELECT DISTINCT {columns}, FALSE AS __moved FROM {relation}"
    (key, *late), places = names, [f"__order{i}" for i in range(len(order))]
    values, arrival = ", ".join(late), ", ".join(places)
    arrived = ", ".join(f"{quote(n)} AS {p}" for n, p in zip(order, places, strict=True))
    once = (
        f"SELECT * FROM (SELECT {columns}, {arrived} FROM {relation}) QUALIFY row_number() "
        f"OVER (PARTITION BY {key}, {KNOWN_AT}, {values} ORDER BY {arrival}) = 1"
    )
    numbered = (
        f"SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY {arrival}, {KNOWN_AT}, {values}) AS __n "
        f"FROM ({once})"
    )
    moment = f"max(epoch_us({KNOWN_AT}) - __n) OVER (PARTITION BY {key} ORDER BY __n) + __n"
    counted = f"SELECT *, make_timestamp({moment}) AS __at FROM ({numbered})"
    return f"SELECT {key}, __at AS {KNOWN_AT}, {values}, __at <> {KNOWN_AT} AS __moved FROM ({counted})"


def forget(connection: duckdb.DuckDBPyConnection, usecase: Contract, listed: str) -> None:
    """Let the outcomes with these keys, as SQL, count as those of an event that is removed, where there are outcomes."""
    there = f"SELECT 1 FROM information_schema.tables WHERE table_name = {literal(TABLE)}"
    if duckdb_session.rows(connection, there):
        connection.execute(
            f"UPDATE {TABLE} SET __event = TRUE WHERE {quote(usecase.key)} IN ({listed})"
        )


def due(connection: duckdb.DuckDBPyConnection, usecase: Contract, window: VisibleDays) -> None:
    """Make the view `due`: of the visible events the outcomes known before the as-of date, each with its event's
    time. Where a key stands twice in the events, the first visible one's."""
    key, time = quote(usecase.key), quote(str(usecase.time))
    inside = f"{time} >= {start(window)} AND {time} < {end(window)}"
    first = f"coalesce(min({time}) FILTER ({inside}), min({time}))"
    rows = f"{TABLE} LEFT JOIN (SELECT {key}, {first} AS {time} FROM events GROUP BY {key}) USING ({key})"
    place = (
        f"CASE WHEN {KNOWN_AT} >= {end(window)} OR {time} >= {end(window)} THEN 'after_as_of' "
        f"WHEN {time} < {start(window)} THEN 'before_start' WHEN {time} IS NOT NULL THEN 'visible' "
        "WHEN __event THEN 'of_removed_events' ELSE 'unknown' END"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE {PLACED} AS SELECT *, {place} AS __place FROM {rows}"
    )
    connection.execute(
        f"CREATE OR REPLACE VIEW due AS SELECT * FROM {PLACED} WHERE __place = 'visible'"
    )


def write_unknown(connection: duckdb.DuckDBPyConnection, usecase: Contract, folder: Path) -> None:
    """Write the outcomes known before the as-of date whose event is not there, if there are any: key, known_at and
    the late columns, sorted by known_at and key."""
    names = [KNOWN_AT, usecase.key, *(c.name for c in usecase.unknown)]
    listed, order = ", ".join(map(quote, names)), ", ".join(f"{quote(n)} NULLS LAST" for n in names)
    rows = f"SELECT {listed} FROM {PLACED} WHERE __place = 'unknown' ORDER BY {order}"
    if duckdb_session.rows(connection, f"SELECT 1 FROM ({rows}) LIMIT 1"):
        connection.execute(f"COPY ({rows}) TO {literal(folder / UNKNOWN)} ({PARQUET})")
