"""The table of outcomes that data.outcomes names, read as the events are: typed, or refused with one message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core.errors import ParamsError, PlumblineError, SourceError, suggest
from plumbline.core.usecase import Contract
from plumbline.data import ingest, layouts, outcome_rows, sources
from plumbline.data.params import EventTable, OutcomeTable
from plumbline.data.sources import EventSource

TABLE = "outcome_source"
"""The DuckDB table that the source is read into."""
KINDS = ("csv", "parquet", "url", "sql")


@dataclass(frozen=True)
class ReadOutcomes:
    """Where the outcomes came from, and the columns of that source that are not used."""

    source: EventSource
    unused: list[str]


def read(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, data: EventTable, scratch: Path
) -> ReadOutcomes | None:
    """Fill `outcome_rows` from the table that `data.outcomes` names; None where it names none.

    PlumblineError, which names data.outcomes, where the table cannot be had or does not fit.
    """
    table = data.outcomes
    if table is None:
        return None
    kind = _kind(usecase, data, table)
    layout = layouts.outcomes(usecase, table.known_at)
    try:
        opened = _opened(layout, data, table, kind, scratch / "outcomes")
        if kind != "sql":  # a query is not run twice
            _refuse_unnamed(connection, opened, table)
        unused = ingest.load(connection, layout, opened, table=TABLE)
        layouts.refuse_offset(connection, usecase, layout, TABLE)
    except PlumblineError as error:
        raise _named(usecase, error) from None
    outcome_rows.fill(connection, usecase, TABLE, known_at=table.known_at)
    return ReadOutcomes(opened, unused)


def _kind(usecase: Contract, data: EventTable, table: OutcomeTable) -> Any:
    """The kind of source; ParamsError where it is not to be seen, or the use case has no times."""
    where = f"params.yaml, {usecase.name}.data.outcomes"
    if usecase.time is None:
        raise ParamsError(
            f"{where}: {usecase.name} declares no time, so that nothing becomes known at one; expected time=... in "
            f"usecases/{usecase.name}/contract.py, or the label in the rows themselves"
        )
    _refuse_other_column(usecase, where, table.known_at)
    kind = table.source or data.source
    if kind not in KINDS:
        raise ParamsError(
            f"{where}.source: missing; expected one of {', '.join(KINDS)}, as the events' own is {data.source}"
        )
    return kind


def _refuse_other_column(usecase: Contract, where: str, name: str) -> None:
    """ParamsError where `known_at` names a column of the contract that is no time of outcomes."""
    late = {c.name for c in usecase.unknown if c.type == "timestamp"}
    if name in {c.name for c in usecase.columns} - late - {usecase.time}:
        raise ParamsError(
            f"{where}.known_at: got '{name}', which the contract declares as something else; expected the column of "
            "the outcomes' table that says when each became known"
        )


def _opened(
    layout: Contract, data: EventTable, table: OutcomeTable, kind: Any, scratch: Path
) -> EventSource:
    own = table.model_dump(exclude={"source", "known_at"})
    own["address"] = table.address or data.address
    scratch.mkdir()
    chosen = EventTable(source=kind, as_of=data.as_of, **own)
    return sources.open_source(layout, chosen, 0, scratch, scratch)


def _refuse_unnamed(
    connection: duckdb.DuckDBPyConnection, source: EventSource, table: OutcomeTable
) -> None:
    """SourceError where the source has no column of the name that data.outcomes.known_at gives."""
    names = ingest.first_columns(connection, source)
    if table.known_at not in names:
        raise SourceError(
            f"{source.name}: no column '{table.known_at}', which says when an outcome became known; "
            f"{suggest(table.known_at, names)} (set data.outcomes.known_at)"
        )


def _named(usecase: Contract, error: PlumblineError) -> PlumblineError:
    """The error, which says that it is about the outcomes."""
    text = str(error)
    if text.startswith("params.yaml"):
        return type(error)(
            text.replace(f"{usecase.name}.data.", f"{usecase.name}.data.outcomes.", 1)
        )
    return type(error)(f"{usecase.name}.data.outcomes: {text}")
