"""A source read as the data stage does, without the stage: what is stored, or what is said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core.declarations import Column, ColumnType
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import Contract
from plumbline.data import ingest, sources
from plumbline.data.params import Data


def contract(
    columns: Mapping[str, ColumnType],
    time: str | None = None,
    derive: Mapping[str, str] | None = None,
) -> Contract:
    """A table with the key `id`, the label `y` and these columns between them."""
    middle = (Column(n, t, "-", "a value", null=True) for n, t in columns.items())
    return Contract(
        name="table",
        title="Table",
        owner="tests@example.com",
        problem="regression",
        key="id",
        label="y",
        time=time,
        derive=dict(derive or {}),
        columns=(
            Column("id", "int", "-", "number"),
            *middle,
            Column("y", "float", "-", "answer", known=False),
        ),
    )


def read(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    settings: Mapping[str, Any],
    scratch: Path,
) -> list[tuple[Any, ...]] | str:
    """The stored rows without key and label, by key; the message where the source is refused."""
    connection.execute("DROP TABLE IF EXISTS events")
    scratch.mkdir(exist_ok=True)
    try:
        data = Data(as_of=date(2030, 1, 1) if usecase.time else None, **settings)
        source = sources.open_source(usecase, data, 1, Path("sources/table"), scratch)
        ingest.load(connection, usecase, source)
    except PlumblineError as error:
        return str(error)
    names = ", ".join(f'"{c.name}"' for c in usecase.columns[1:-1])
    return connection.execute(f"SELECT {names} FROM events ORDER BY id").fetchall()
