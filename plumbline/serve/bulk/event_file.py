"""A file, a folder or an address of events as a DuckDB table `events`, read as the stage data reads its source. An edge.

The columns are the source's, from which the contract derives its own, or the contract's themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from plumbline.core.declarations import Column
from plumbline.core.errors import PlumblineError
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.data import download, ingest, sources
from plumbline.data.casts import ROW_NUMBER
from plumbline.data.environment import expand
from plumbline.data.params import Data
from plumbline.data.sources import EventSource

Shape = Literal["source", "contract"]
ADDRESSES = ("http://", "https://", "file://")
LAST = date(9999, 12, 31)


@dataclass(frozen=True, kw_only=True)
class EventLayout(Contract):
    """What `events` holds: known columns, histories that came along, and the later columns where the file has them.

    `histories`: their names. `shape`: whose columns the file has. Not checked as a contract is: the use case was.
    """

    histories: tuple[str, ...] = ()
    shape: Shape = "contract"

    def __post_init__(self) -> None:
        """Nothing is left to check."""

    @property
    def outcomes(self) -> bool:
        """Whether the file has the columns that are not known at prediction time."""
        return bool(self.unknown)


def opened(usecase: Contract, place: str, style: Mapping[str, Any], scratch: Path) -> EventSource:
    """The file, folder, pattern or address; `style`: delimiter, encoding and max_unpacking of CSV.

    PlumblineError where there is none, or it cannot be read.
    """
    if place.startswith(ADDRESSES):
        path = str(download.fetch(expand(place, "the address"), scratch))
    elif not Path(place).exists() and not any(c in place for c in "*?["):
        raise PlumblineError(
            f"{place}: no such file; give a CSV or Parquet file, a folder, or a URL"
        )
    else:
        path = place
    given = Data(source=_kind(path), path=path, as_of=LAST, **style)
    return sources.open_source(usecase, given, 0, scratch, scratch)


def _kind(path: str) -> Literal["csv", "parquet"]:
    """Of a folder parquet where it holds such a file."""
    inside = [p.name for p in Path(path).iterdir()] if Path(path).is_dir() else [path]
    parquet = sources.SUFFIXES["parquet"]
    return "parquet" if any(n.lower().endswith(parquet) for n in inside) else "csv"


def layout(
    connection: duckdb.DuckDBPyConnection,
    usecase: FeatureSet,
    source: EventSource,
    histories: Sequence[str],
    shape: Shape | None,
) -> EventLayout:
    """What is read of the source; `shape`: None where its columns are to show it.

    PlumblineError where they could be both, the source's and the contract's.
    """
    names = ingest.first_columns(connection, source)
    chosen = shape or _shape(connection, usecase, source, names)
    derive = dict(usecase.derive) if chosen == "source" else {}
    late = usecase.unknown
    there = all(_there(connection, source, c.name, derive, names) for c in late)
    taken = [*usecase.known, *(_history(usecase, n) for n in histories), *(late if there else ())]
    wanted = {c.name for c in taken}
    inherited = {f.name: getattr(usecase, f.name) for f in fields(Contract)}
    return EventLayout(
        **inherited
        | {
            "columns": tuple(taken),
            "derive": {n: e for n, e in derive.items() if n in wanted},
            "optional": tuple(n for n in usecase.optional if n in wanted),
            "histories": tuple(histories),
            "shape": chosen,
        }
    )


def _shape(
    connection: duckdb.DuckDBPyConnection,
    usecase: FeatureSet,
    source: EventSource,
    names: Collection[str],
) -> Shape:
    needed = [c.name for c in usecase.known if c.name not in usecase.optional]
    derived = [n for n in needed if n in usecase.derive]
    contract = all(n in names for n in needed)
    derivable = all(_there(connection, source, n, usecase.derive, names) for n in needed)
    if derived and contract and derivable:
        raise PlumblineError(
            f"{source.name}: it has the contract's columns, and '{derived[0]}' can be derived from them once more; "
            "say whose columns it has: --columns source, or --columns contract"
        )
    return "source" if derived and not contract else "contract"


def _there(
    connection: duckdb.DuckDBPyConnection,
    source: EventSource,
    name: str,
    derive: Mapping[str, str],
    names: Collection[str],
) -> bool:
    """Whether the source has a column, or what it is derived from."""
    if name not in derive:
        return name in names
    part = source.parts[0]
    with closing(part.chunks(connection)) as chunks:
        rows = f"(SELECT *, 1 AS {quote(ROW_NUMBER)} FROM {next(chunks)})"
        try:
            connection.execute(f"EXPLAIN SELECT TRY({derive[name]}) FROM {rows}")
        except (duckdb.ProgrammingError, duckdb.NotSupportedError):
            return False
    return True


def _history(usecase: FeatureSet, name: str) -> Column:
    described = next(f.description for f in usecase.aggregates if f.name == name)
    return Column(name, "float", "-", described or name)
