"""The tables that a `data` section reads: events, their outcomes, and the same of the seed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.data.params import Data, EventTable, OutcomeTable


@dataclass(frozen=True)
class SourceTable:
    """A table, under the key of params.yaml that it stands at, and its kind of source."""

    key: str
    table: EventTable | OutcomeTable
    kind: str


def of(data: Data) -> Iterator[SourceTable]:
    """All tables of a section, each before its outcomes."""
    tables = {"data": data, "data.seed": data.seed} if data.seed else {"data": data}
    for key, table in tables.items():
        yield SourceTable(key, table, table.source)
        if table.outcomes:
            kind = table.outcomes.source or table.source
            yield SourceTable(f"{key}.outcomes", table.outcomes, kind)
