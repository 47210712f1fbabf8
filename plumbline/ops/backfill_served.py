"""Valid events of a commit together with those of sealed days that it does not have. An edge: DuckDB writes Parquet.

Live rows have passed the contract when they were received; they are held against its types here. Outcomes are those of
sealed days, too; of several the first counts in histories, as it does in the online state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from plumbline.core import duckdb_session, sealed_days
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import ContractError, SourceError, suggest
from plumbline.core.sealed_days import SealedDay, SealedKind
from plumbline.core.sql import PARQUET, TYPES, literal, literal_path, quote
from plumbline.core.usecase import FeatureSet

NAME = "served"


def usable(days: Sequence[SealedDay], usecase: str, as_of: date, last: date) -> list[SealedDay]:
    """The sealed days that a range up to `last` needs beside valid events before `as_of`; [] where it needs none.

    SourceError where a day is missing, changed, or not here, and where the first one leaves a gap after `as_of`.
    """
    if last < as_of or not days or days[-1].day < as_of:
        return []
    sealed_days.chained(days, usecase)
    if days[0].day > as_of:
        raise SourceError(
            f"backfill: {usecase}: the valid events end before {as_of}, and the first sealed day is {days[0].day}: what was "
            "received between is missing. Choose days before, or a commit whose data reach the first sealed day"
        )
    sealed_days.intact(days)
    return list(days)


def until(days: Sequence[SealedDay]) -> date:
    """The day after the last sealed one."""
    return days[-1].day + timedelta(days=1)


def join(
    usecase: FeatureSet, valid: Path, days: Sequence[SealedDay], folder: Path, scratch: Path
) -> Path:
    """The folder, with the files of `valid` and those of sealed days beside them: events and outcomes, each once."""
    folder.mkdir()
    for path in sorted(valid.glob("*.parquet")):
        (folder / path.name).symlink_to(path.absolute())
    with duckdb_session.connect(scratch) as connection:
        _events(connection, usecase, valid, days, folder / f"events-{NAME}.parquet")
        _outcomes(connection, usecase, days, folder)
    return folder


def _events(
    connection: Any, usecase: FeatureSet, valid: Path, days: Sequence[SealedDay], target: Path
) -> None:
    """Events of sealed days that the valid ones do not have."""
    columns = [c.name for c in usecase.known]
    rows = _read(days, "events", columns, usecase)
    known = f"SELECT {quote(usecase.key)} FROM read_parquet({literal(valid / 'events-*.parquet')})"
    query = f"SELECT * FROM ({rows}) WHERE {quote(usecase.key)} NOT IN ({known})"
    _copy(connection, query, _order(usecase.time, usecase.key), target)


def _outcomes(
    connection: Any, usecase: FeatureSet, days: Sequence[SealedDay], folder: Path
) -> None:
    """Outcomes of sealed days whose event is known, in the form of the valid ones."""
    key, time = quote(usecase.key), quote(str(usecase.time))
    like = next(iter(sorted(folder.glob("outcomes-*.parquet"))), None)
    names = (
        pq.read_schema(like).names
        if like
        else [usecase.key, KNOWN_AT, *(c.name for c in usecase.unknown)]
    )
    late = [c.name for c in usecase.unknown]
    rows = _read(days, "outcomes", [usecase.key, KNOWN_AT, *late], usecase)
    events = f"SELECT {key}, {time} FROM read_parquet({literal(folder / 'events-*.parquet')}, union_by_name=true)"
    listed = ", ".join(f"{'e' if n == usecase.time else 'o'}.{quote(n)}" for n in names)
    query = f"SELECT {listed} FROM ({rows}) o JOIN ({events}) e ON o.{key} = e.{key}"
    _copy(connection, query, _order(KNOWN_AT, usecase.key), folder / f"outcomes-{NAME}.parquet")


def _read(
    days: Sequence[SealedDay], kind: SealedKind, names: Sequence[str], usecase: FeatureSet
) -> str:
    """The columns of sealed files with the contract's types; ContractError where a day has none of that name."""
    files = [one.file(kind) for one in days if one.statement.rows[kind]]
    types = {c.name: TYPES[c.type] for c in usecase.columns} | {KNOWN_AT: "TIMESTAMP"}
    if not files:
        empty = ", ".join(f"CAST(NULL AS {types[n]}) AS {quote(n)}" for n in names)
        return f"SELECT {empty} WHERE false"
    for file in files:
        held = pq.read_schema(file).names
        missing = [n for n in names if n not in held and n not in usecase.optional]
        if missing:
            raise ContractError(
                f"{file}: no column '{missing[0]}', which the contract declares; {suggest(missing[0], held)}"
            )
    there = {n for file in files for n in pq.read_schema(file).names}
    listed = ", ".join(
        f"CAST({quote(n) if n in there else 'NULL'} AS {types[n]}) AS {quote(n)}" for n in names
    )
    paths = ", ".join(map(literal_path, files))
    return (
        f"SELECT {listed} FROM read_parquet([{paths}], union_by_name=true, hive_partitioning=false)"
    )


def _order(*names: str | None) -> str:
    return ", ".join(f"{quote(n)} NULLS LAST" for n in names if n)


def _copy(connection: Any, query: str, order: str, target: Path) -> None:
    try:
        connection.execute(f"COPY ({query} ORDER BY {order}) TO {literal(target)} ({PARQUET})")
    except duckdb.ConversionException as error:
        raise ContractError(
            f"backfill: a sealed day does not fit the contract: {str(error).splitlines()[0]}"
        ) from None
