"""The events that the contract refuses, found in the table `events` and set aside with their reasons. An edge: DuckDB.

The checks are those of the stage validate (`plumbline.validate.contract`), of single rows and of the key.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from plumbline.core import only
from plumbline.core.declarations import Array
from plumbline.core.duckdb_session import rows
from plumbline.core.safe_text import HIDDEN
from plumbline.core.sql import PARQUET, literal, quote
from plumbline.data.ingest import BAD, FOUND
from plumbline.serve.bulk.event_file import EventLayout
from plumbline.validate import contract
from plumbline.validate.check import ContractCheck

OF_ROWS = ("null", "range", "set")
TABLE = '("row" BIGINT, "column" VARCHAR, reason VARCHAR, expected VARCHAR, value VARCHAR)'
LAST = date.max
GONE = 'SELECT "row" FROM refused'
EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "timestamp": "a time like 2025-01-31 23:59:59",
}


def find(
    connection: duckdb.DuckDBPyConnection, layout: EventLayout, since: date | None = None
) -> None:
    """Create the table `refused`, a row per reason, and the view `kept` of the other events with their `__row`.

    `since`: the first day whose events can be given their histories.
    """
    connection.execute(f"CREATE TABLE refused {TABLE}")
    _types(connection, layout)
    for check in contract.checks(layout):
        if check.table == "events" and check.kind in OF_ROWS:
            _insert(
                connection, check.column, check.kind, check.expects, _broken(check), check.hidden
            )
    for rule in layout.only:
        broken = f"{_left()} AND ({only.sql(rule)}) IS NOT TRUE"
        _insert(
            connection, rule.column, "only", only.words(rule), broken, _hidden(layout, rule.column)
        )
    if since and layout.time:
        early = f"{_left()} AND {quote(layout.time)} < TIMESTAMP '{since} 00:00:00'"
        words = f"from {since} on, where the tiles have all that histories look back on"
        _insert(connection, layout.time, "past", words, early)
        last = f"{_left()} AND {quote(layout.time)} >= TIMESTAMP '{LAST} 00:00:00'"
        _insert(connection, layout.time, "future", f"before {LAST}, the last day there is", last)
    _copies(connection, layout.key, _hidden(layout, layout.key))
    names = ", ".join(quote(c.name) for c in layout.columns)
    connection.execute(
        f"CREATE VIEW kept AS SELECT rowid AS __row, {names} FROM events WHERE {_left()}"
        if count(connection)
        else f"CREATE VIEW kept AS SELECT rowid AS __row, {names} FROM events"
    )


def count(connection: duckdb.DuckDBPyConnection) -> int:
    """How many events are refused."""
    return int(rows(connection, f'SELECT count(DISTINCT "row") FROM ({GONE})')[0][0])


def reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """By "column.reason", how many events; the most frequent first."""
    grouped = "SELECT \"column\" || '.' || reason, count(*) AS n FROM refused GROUP BY 1 ORDER BY n DESC, 1"
    return {name: int(n) for name, n in rows(connection, grouped)}


def first(connection: duckdb.DuckDBPyConnection) -> str:
    """The first reason in words."""
    row, column, expected, value = rows(
        connection,
        'SELECT "row", "column", expected, value FROM refused ORDER BY "row", "column" LIMIT 1',
    )[0]
    found = "null" if value is None else value
    return f"row {row + 1:,}: {column} is {found}, expected {expected}"


def set_aside(
    connection: duckdb.DuckDBPyConnection, number: Array, column: str, expected: str
) -> None:
    """Enter scored events that no model answers: those not met by a rule of `eligible`."""
    connection.register("unscored", pa.table({"row": number}))
    connection.execute(
        f"INSERT INTO refused SELECT \"row\", {literal(column)}, 'eligible', {literal(expected)}, NULL "
        "FROM unscored"
    )
    connection.unregister("unscored")


def write(connection: duckdb.DuckDBPyConnection, layout: EventLayout, path: Path) -> None:
    """A row per event and reason: its number in the file from 1, key, column, reason, what was expected and
    found, and the whole event, in the file's order."""
    names = [c.name for c in layout.columns]
    event = ", ".join(f"{literal(n)}: {quote(n)}" for n in names)
    chosen = (
        f'SELECT r."row" + 1 AS "row", CAST({quote(layout.key)} AS VARCHAR) AS "key", r."column", r.reason, '
        f'r.expected, r.value, {{{event}}} AS event FROM refused r JOIN events e ON e.rowid = r."row" '
        'ORDER BY r."row", r."column", r.reason'
    )
    connection.execute(f"COPY ({chosen}) TO {literal(path)} ({PARQUET})")


def _types(connection: duckdb.DuckDBPyConnection, layout: EventLayout) -> None:
    """Rows with a value that is none of its column's type."""
    for column in layout.columns:
        value = f"{literal(HIDDEN)}" if column.forbidden else FOUND
        connection.execute(
            f"INSERT INTO refused SELECT rowid, {BAD}, 'type', {literal(EXPECTED[column.type])}, {value} "
            f"FROM events WHERE {BAD} = {literal(column.name)}"
        )


def _broken(check: ContractCheck) -> str:
    """The condition over a row of `events`; a value of the wrong type has its reason already."""
    fits = f"{BAD} IS DISTINCT FROM {literal(check.column)}"
    return f"{fits} AND rowid IN (SELECT r FROM (SELECT rowid AS r, {check.value} AS v FROM events) WHERE {check.broken})"


def _insert(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    reason: str,
    expected: str,
    broken: str,
    hidden: bool = False,
) -> None:
    value = literal(HIDDEN) if hidden else f"CAST({quote(column)} AS VARCHAR)"
    connection.execute(
        f"INSERT INTO refused SELECT rowid, {literal(column)}, {literal(reason)}, {literal(expected)}, {value} "
        f"FROM events WHERE {broken}"
    )


def _copies(connection: duckdb.DuckDBPyConnection, key: str, hidden: bool) -> None:
    """Rows whose key an earlier one has. Where keys rise from row to row, as exports often are, no row is compared."""
    name = quote(key)
    rising = f"SELECT bool_and({name} > before) FROM (SELECT {name}, lag({name}) OVER () AS before FROM events)"
    if rows(connection, rising)[0][0]:
        return
    left = f"SELECT rowid AS r, {name} FROM events WHERE {_left()}"
    twice = f"SELECT {name} FROM ({left}) GROUP BY 1 HAVING count(*) > 1"
    numbered = (
        f"SELECT r, row_number() OVER (PARTITION BY {name} ORDER BY r) AS place FROM ({left}) SEMI JOIN ({twice}) "
        f"USING ({name})"
    )
    broken = f"rowid IN (SELECT r FROM ({numbered}) WHERE place > 1)"
    _insert(connection, key, "unique", "one row per key", broken, hidden)


def _left() -> str:
    return f"rowid NOT IN ({GONE})"


def _hidden(layout: EventLayout, name: str) -> bool:
    return any(c.name == name and bool(c.forbidden) for c in layout.columns)
