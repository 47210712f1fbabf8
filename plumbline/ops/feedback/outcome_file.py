"""A file of outcomes as the JSON objects that a service takes: typed as the data stage types them. An edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.core import duckdb_session
from plumbline.core.clocks import is_local
from plumbline.core.declarations import KNOWN_AT, Column
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.data import ingest, layouts
from plumbline.serve.bulk import event_file

TABLE = "feedback"


@dataclass(frozen=True)
class OutcomeFile:
    """The outcomes of a file, in its order; `place` says where a person finds a row, by its number from 0. `unused`:
    columns of the file that nothing is made of."""

    name: str
    outcomes: list[dict[str, Any]]
    place: Callable[[int], str]
    unused: list[str]


def read(usecase: Contract, path: str, known_at: str, scratch: Path) -> OutcomeFile:
    """The outcomes; SourceError with file, line, column, found and expected for what does not fit.

    Columns: the key, the late columns, and `known_at`, without which they are known when the service takes them.
    """
    with duckdb_session.connect(scratch) as connection:
        source = event_file.opened(usecase, path, {}, scratch)
        layout = layouts.feedback(usecase, known_at, ingest.first_columns(connection, source))
        unused = ingest.load(connection, layout, source, table=TABLE)
        layouts.refuse_offset(connection, usecase, layout, TABLE)
        listed = ", ".join(quote(c.name) for c in layout.columns)
        rows = duckdb_session.rows(connection, f"SELECT {listed} FROM {TABLE} ORDER BY rowid")
    columns = [_column(usecase, c, known_at) for c in layout.columns]
    outcomes = [_outcome(columns, row) for row in rows]
    one = source.parts[0] if len(source.parts) == 1 else None
    place = (lambda n: one.places([n + 1])[0]) if one else (lambda n: f"row {n + 1:,}")
    return OutcomeFile(source.name, outcomes, place, unused)


def _column(usecase: Contract, column: Column, known_at: str) -> tuple[str, bool]:
    """What a service calls the column, and whether its times are a place's own."""
    if column.name != known_at:
        return column.name, is_local(column)
    return KNOWN_AT, usecase.time is not None and is_local(usecase.column(usecase.time))


def _outcome(columns: list[tuple[str, bool]], row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        name: _plain(value, local)
        for (name, local), value in zip(columns, row, strict=True)
        if not (name == KNOWN_AT and value is None)
    }


def _plain(value: Any, local: bool) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + ("" if local else "Z")
    return value
