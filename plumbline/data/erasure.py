"""Erasure requests: rows of the listed ids are dropped on ingest, so that no later stage has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import Contract


def forget(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    ids_by_column: Mapping[str, Sequence[int | str]],
) -> int:
    """Delete from the table `events` the rows whose entity or key is listed; returns how many.

    Raises ParamsError for a column that is neither.
    """
    choices = [*usecase.entity_columns, usecase.key]
    before = _rows(connection)
    for column, ids in ids_by_column.items():
        if column not in choices:
            raise ParamsError(
                f"params.yaml, {usecase.name}.data.forget: '{column}' identifies no entity and no event; "
                f"{suggest(column, choices)}"
            )
        if ids:
            listed = ", ".join(literal(str(i)) for i in ids)
            connection.execute(
                f"DELETE FROM events WHERE CAST({quote(column)} AS VARCHAR) IN ({listed})"
            )
    return before - _rows(connection)


def _rows(connection: duckdb.DuckDBPyConnection) -> int:
    return int(duckdb_session.rows(connection, "SELECT count(*) FROM events")[0][0])
