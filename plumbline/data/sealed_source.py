"""Seed and sealed days as one source: rows of the seed before its as-of date, then what was served from that day on.

Only days before data.as_of are read, so that a later sealed day changes nothing of an earlier run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from plumbline.core import sealed_days
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import ParamsError, PlumblineError, SourceError
from plumbline.core.sealed_days import SealedDay
from plumbline.core.sql import delayed, quote
from plumbline.core.usecase import Contract
from plumbline.data import (
    ingest,
    layouts,
    opened_source,
    outcome_rows,
    outcome_table,
    sealed_rows,
    sources,
)
from plumbline.data.outcome_table import ReadOutcomes
from plumbline.data.params import Data, Seed
from plumbline.data.sources import EventSource

ARRIVED = "__arrived"
"""Of an outcome: its sequence in the log; 0 for one of the seed."""


@dataclass(frozen=True)
class SealedSource:
    """The days that were read, what the datasheet says of them and of their outcomes, and the seed's unused columns.

    `repeated`: events that are in the seed or in an earlier day as well, and counted once.
    """

    source: EventSource
    late: ReadOutcomes
    unused: list[str]
    days: Sequence[SealedDay]
    repeated: int


def read(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    data: Data,
    seed: int,
    folder: Path,
    scratch: Path,
) -> SealedSource:
    """Fill `events` and `outcome_rows`. PlumblineError for days that do not follow on the seed, or on each other, that are
    changed or not here, for an as_of beyond them, and for what cannot be read.
    """
    sources.check(usecase, data)
    chosen = _seed(usecase, data)
    days = visible(usecase, data, chosen, folder / sealed_days.FOLDER)
    opened, unused = _read_seed(connection, usecase, chosen, seed, folder, scratch)
    seed_outcomes = _seed_outcomes(connection, usecase, chosen, scratch)
    connection.execute(
        f"DELETE FROM events WHERE {quote(str(usecase.time))} >= TIMESTAMP '{chosen.as_of}'"
    )
    repeated = sealed_rows.add_events(connection, usecase, days)
    sealed_outcomes = sealed_rows.outcomes(connection, usecase, days, ARRIVED)
    relation = " UNION ALL BY NAME ".join(filter(None, (seed_outcomes, sealed_outcomes)))
    outcome_rows.fill(connection, usecase, f"({relation})", order=[ARRIVED, KNOWN_AT])
    source = _source(opened, days, folder)
    return SealedSource(source, ReadOutcomes(source, []), unused, days, repeated)


def visible(usecase: Contract, data: Data, seed: Seed, folder: Path) -> list[SealedDay]:
    """The sealed days before the as-of date, all there and as they were sealed; PlumblineError where they are not."""
    days = sealed_days.listed(folder)
    if left := sealed_days.unpointed(folder):
        raise SourceError(
            f"{folder / left[0]}: no pointer names this day: its sealing was cut short, or its pointer is lost. "
            f"`plumbline seal {usecase.name}`, or `git checkout {folder}`"
        )
    sealed_days.chained(days, usecase.name)
    _refuse_span(usecase, data, seed, days, folder)
    read_days = [one for one in days if data.as_of is None or one.day < data.as_of]
    sealed_days.intact(read_days)
    return read_days


def _seed(usecase: Contract, data: Data) -> Seed:
    where = f"params.yaml, {usecase.name}.data"
    if usecase.time is None:
        raise ParamsError(
            f"{where}.source: {usecase.name} declares no time, so that its rows have no days; expected time=... in "
            f"usecases/{usecase.name}/contract.py, or another source"
        )
    assert data.seed is not None, "sources.check"
    if data.outcomes:
        raise ParamsError(
            f"{where}.outcomes: sealed days have outcomes of their own; did you mean {usecase.name}.data.seed.outcomes?"
        )
    return data.seed


def _refuse_span(
    usecase: Contract, data: Data, seed: Seed, days: Sequence[SealedDay], folder: Path
) -> None:
    where = f"params.yaml, {usecase.name}.data"
    assert data.as_of is not None, "sources.check"
    begin = seed.as_of
    if begin is None:
        raise ParamsError(
            f"{where}.seed.as_of: missing; expected the first sealed day{_first(days)}"
        )
    if data.as_of < begin:
        raise ParamsError(
            f"{where}.as_of: got '{data.as_of}', expected at least the seed's as_of, '{begin}'"
        )
    if days and days[0].day != begin:
        word = "a gap" if days[0].day > begin else "an overlap"
        raise ParamsError(
            f"{where}.seed.as_of: {word}: got '{begin}', expected '{days[0].day}', the first sealed day. The seed is read up "
            "to as_of and the sealed days from there on: move as_of to the first sealed day"
        )
    end = days[-1].day + timedelta(days=1) if days else begin
    if data.as_of > end:
        last = f"the last sealed day is {days[-1].day}" if days else f"{folder} has no sealed day"
        raise ParamsError(
            f"{where}.as_of: got '{data.as_of}', expected at most '{end}': {last}. `plumbline seal {usecase.name}` "
            "seals the finished days, `git pull` brings those that another machine sealed"
        )


def _first(days: Sequence[SealedDay]) -> str:
    return f", '{days[0].day}'" if days else ""


def _read_seed(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    seed: Seed,
    number: int,
    folder: Path,
    scratch: Path,
) -> tuple[EventSource, list[str]]:
    columns = layouts.events(usecase) if seed.outcomes else usecase
    try:
        opened = sources.open_source(columns, seed, number, folder, scratch)
        opened_source.announce(opened)
        return opened, ingest.load(connection, columns, opened)
    except PlumblineError as error:
        raise named(usecase, error) from None


def named(usecase: Contract, error: PlumblineError) -> PlumblineError:
    """The error of a param of the seed under its name."""
    own = f"{usecase.name}.data."
    return type(error)(str(error).replace(own, f"{own}seed.", 1))


def _seed_outcomes(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, seed: Seed, scratch: Path
) -> str:
    """SQL for the seed's outcomes that were known before its as-of date."""
    names = [quote(usecase.key), *(quote(c.name) for c in usecase.unknown)]
    known = f"{delayed(quote(str(usecase.time)), *usecase.delay_parts)}"
    table = "events"
    if seed.outcomes:
        try:
            outcome_table.read(connection, usecase, seed, scratch)
        except PlumblineError as error:
            raise named(usecase, error) from None
        known, table = quote(seed.outcomes.known_at), outcome_table.TABLE
    rows = f"SELECT {', '.join(names)}, {known} AS {KNOWN_AT}, 0 AS {ARRIVED} FROM {table}"
    connection.execute(
        f"CREATE TABLE seed_outcomes AS SELECT * FROM ({rows}) WHERE {KNOWN_AT} < TIMESTAMP '{seed.as_of}'"
    )
    return "SELECT * FROM seed_outcomes"


def _source(opened: EventSource, days: Sequence[SealedDay], folder: Path) -> EventSource:
    """What the datasheet says: of the seed, and which days."""
    place = (folder / sealed_days.FOLDER).as_posix()
    seed = {"kind": opened.kind, **opened.sheet, "sha256": opened.hash or ""}
    sheet = {
        "path": place,
        "files": len(days),
        "first": str(days[0].day) if days else "",
        "last": str(days[-1].day) if days else "",
        "seed_source": seed,
    }
    digest = hashlib.sha256((opened.hash or "").encode())
    digest.update(days[-1].statement.digest.encode() if days else b"")
    return EventSource(
        "served", f"{opened.name} and {place}", (), sheet, digest.hexdigest(), opened.warnings
    )
