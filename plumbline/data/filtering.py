"""Rows that the use case is not about, by its own declaration: left out before any check, and counted."""

from __future__ import annotations

import duckdb

from plumbline.core import duckdb_session, only
from plumbline.core.errors import SourceError
from plumbline.core.usecase import Contract


def leave_out(connection: duckdb.DuckDBPyConnection, usecase: Contract) -> dict[str, int]:
    """Delete from the table `events` what does not meet every `only` rule; rows by the first rule unmet.

    Raises SourceError where nothing is left.
    """
    before, gone = _rows(connection), {}
    for rule in usecase.only:
        rows = _rows(connection)
        connection.execute(f"DELETE FROM events WHERE ({only.sql(rule)}) IS NOT TRUE")
        gone[only.words(rule)] = rows - _rows(connection)
    if gone and not _rows(connection):
        raise SourceError(
            f"usecases/{usecase.name}/contract.py: only: none of {before:,} rows meets "
            f"{'; '.join(gone)}. Correct the rule, or the source."
        )
    return gone


def _rows(connection: duckdb.DuckDBPyConnection) -> int:
    return int(duckdb_session.rows(connection, "SELECT count(*) FROM events")[0][0])
