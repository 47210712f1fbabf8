"""Erasure requests: rows of the listed ids are dropped on ingest, so that no later stage has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import Column
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import Contract
from plumbline.data import outcome_rows
from plumbline.data.casts import EXPECTED
from plumbline.data.conversions import typed_value


def forget(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    ids_by_column: Mapping[str, Sequence[int | str]],
) -> int:
    """Delete from the table `events` the rows whose entity or key is listed; returns how many.

    Ids are compared as the column's type. Raises ParamsError for a column that is neither, an id that the
    type cannot be, and one that no row has where a row has it in another spelling.
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
            _check(connection, usecase, usecase.column(column), ids)
            listed = ", ".join(_typed(usecase.column(column), i) for i in ids)
            connection.execute(f"DELETE FROM events WHERE {quote(column)} IN ({listed})")
            if column == usecase.key:
                outcome_rows.forget(connection, usecase, listed)
    return before - _rows(connection)


def _check(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    column: Column,
    ids: Sequence[int | str],
) -> None:
    """ParamsError for an id that is none of the column's type, or spelt in another way than in the rows."""
    where = f"params.yaml, {usecase.name}.data.forget.{column.name}"
    for one in ids:
        if duckdb_session.rows(connection, f"SELECT {_typed(column, one)}") == [(None,)]:
            raise ParamsError(
                f"{where}: got {one!r}, expected {EXPECTED[column.type]}, as the column is of type {column.type}"
            )
    if column.type != "string":
        return
    listed = ", ".join(f"({literal(str(i))})" for i in ids)
    alike = duckdb_session.rows(
        connection,
        f"SELECT id, any_value(value) FROM (SELECT DISTINCT {quote(column.name)} AS value FROM events) "
        f"JOIN (VALUES {listed}) ids(id) ON {_loose('value')} = {_loose('id')} "
        "GROUP BY id HAVING bool_and(value <> id) ORDER BY id LIMIT 1",
    )
    if alike:
        raise ParamsError(
            f"{where}: no row has {alike[0][0]!r}, but one has {alike[0][1]!r}; write the id in quotes, as the source "
            "has it, or its rows stay"
        )


def _typed(column: Column, one: int | str) -> str:
    text = literal(str(one))
    return text if column.type == "string" else typed_value(text, column.type, "VARCHAR")


def _loose(text: str) -> str:
    """An id without case, blanks, zeros before it and a fraction of zeros after it."""
    bare = f"regexp_replace(lower({text}), '[\\s\u00a0]', '', 'g')"
    return f"regexp_replace(regexp_replace({bare}, '\\.0+$', ''), '^0+(.)', '\\1')"


def _rows(connection: duckdb.DuckDBPyConnection) -> int:
    return int(duckdb_session.rows(connection, "SELECT count(*) FROM events")[0][0])
