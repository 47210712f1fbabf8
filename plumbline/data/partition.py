"""Typed events as a Parquet file per month, as far as they are known on the as-of date.

Left out: events of the as-of day and later, and outcomes (label and whatever else is not known at
prediction time) whose label delay has not passed, or which became known on the as-of day or later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import SourceError
from plumbline.core.sql import PARQUET, delayed, literal, quote
from plumbline.core.usecase import Contract
from plumbline.data import outcome_rows
from plumbline.data.visible_days import VisibleDays, end, start

EVENTS, OUTCOMES = "events", "outcomes"
VIEWS = {EVENTS: "visible", OUTCOMES: "due"}
"""The tables that are written, and the views that their rows are read from."""


def views(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    window: VisibleDays,
    *,
    own: bool = False,
    any_rows: bool = False,
) -> None:
    """Create the views `visible` (known columns) and `outcomes` over the table `events`.

    `any_rows`: there may be none. `own`: outcomes are those of the table `outcome_rows`, which `outcome_rows.fill` made. Raises SourceError where no
    event is visible.
    """
    known = ", ".join(quote(c.name) for c in usecase.known)
    outcomes = ", ".join(quote(c) for c in _outcome_columns(usecase))
    inside, due = "true", "SELECT * FROM events"
    if usecase.time:
        time = quote(usecase.time)
        inside = f"{time} >= {start(window)} AND {time} < {end(window)}"
        late = f"{delayed(time, *usecase.delay_parts)} AS {KNOWN_AT}"
        due = f"SELECT *, {late} FROM events WHERE {inside} AND {KNOWN_AT} < {end(window)}"
    connection.execute(f"CREATE VIEW visible AS SELECT {known} FROM events WHERE {inside}")
    if own:
        outcome_rows.due(connection, usecase, window)
    else:
        connection.execute(f"CREATE VIEW due AS {due}")
    connection.execute(f"CREATE VIEW outcomes AS SELECT {outcomes} FROM due")
    if usecase.time and not any_rows:
        _refuse_none(connection, usecase, quote(usecase.time), window)


def _outcome_columns(usecase: Contract) -> list[str]:
    first = [usecase.key, usecase.time, KNOWN_AT] if usecase.time else [usecase.key]
    return [*first, *(c.name for c in usecase.unknown)]


def _refuse_none(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, time: str, window: VisibleDays
) -> None:
    if duckdb_session.rows(connection, "SELECT 1 FROM visible LIMIT 1"):
        return
    count, first, last = duckdb_session.rows(
        connection, f"SELECT count(*), min({time}), max({time}) FROM events"
    )[0]
    since = f" and not before start ({window.start})" if window.start else ""
    raise SourceError(
        f"params.yaml, {usecase.name}.data.as_of: no event before {window.as_of}{since}; the source's "
        f"{count:,} rows go from {first} to {last} in '{usecase.time}'. Correct as_of, or start."
    )


def write(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, folder: Path, *, own: bool = False
) -> None:
    """Write `events-<month>.parquet` and `outcomes-<month>.parquet` into `folder` from the views.

    Sorted by time and key; where those are equal, by the known columns, then by the unknown ones. The
    n-th row of a key is therefore the same row of the source in the events and in the outcomes. Outcomes of their
    `own` are sorted by known_at and key, then by the unknown columns; those of no event go into a file beside.
    """
    if own:
        outcome_rows.write_unknown(connection, usecase, folder)
    for table in (EVENTS, OUTCOMES):
        for month in _months(connection, VIEWS[table], _clock(usecase, table)):
            write_month(connection, usecase, table, month, folder, own=own)


def write_month(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    table: str,
    month: str,
    folder: Path,
    *,
    own: bool = False,
) -> None:
    """Write the file of one month of EVENTS or OUTCOMES as `write` does; none where there is no row."""
    known, time = [c.name for c in usecase.known], _clock(usecase, table)
    columns = known if table == EVENTS else _outcome_columns(usecase)
    first = [time, usecase.key] if time else [usecase.key]
    order = _order([*first, *([] if own else known), *columns])
    rows = f"SELECT {', '.join(quote(c) for c in columns)} FROM {VIEWS[table]} WHERE {_during(month, time)}"
    if month == "all" or duckdb_session.rows(connection, f"{rows} LIMIT 1"):
        target = literal(folder / f"{table}-{month}.parquet")
        connection.execute(f"COPY ({rows} ORDER BY {order}) TO {target} ({PARQUET})")


def _clock(usecase: Contract, table: str) -> str | None:
    """The time by whose month a table's rows are written."""
    return usecase.time if table == EVENTS or not usecase.time else KNOWN_AT


def _months(connection: duckdb.DuckDBPyConnection, view: str, time: str | None) -> list[str]:
    if time is None:
        return ["all"]
    month = f"strftime({quote(time)}, '%Y-%m')"
    return [
        row[0]
        for row in duckdb_session.rows(
            connection, f"SELECT DISTINCT {month} FROM {view} ORDER BY 1"
        )
    ]


def _order(columns: Iterable[str]) -> str:
    return ", ".join(f"{quote(c)} NULLS LAST" for c in dict.fromkeys(columns))


def _during(month: str, time: str | None) -> str:
    if time is None:
        return "true"
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return f"{quote(time)} >= TIMESTAMP '{first}' AND {quote(time)} < TIMESTAMP '{after}'"
