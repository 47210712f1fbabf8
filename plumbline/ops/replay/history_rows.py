"""Every row that histories are added up from, in the order in which it was folded: sealed days, then the log. An edge.

`ids`: only events of one of these entities, by column, and their outcomes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Any

from plumbline.core import duckdb_session
from plumbline.core.sealed_days import SealedDay, SealedKind
from plumbline.core.sql import literal_path, quote
from plumbline.core.usecase import FeatureSet
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.serving import sealed_events
from plumbline.serve.log.reader import LAST, LoggedRow, LogReader
from plumbline.serve.protocols import LoggedEvent

BATCH = 5_000
BY_SEQUENCE = attrgetter("sequence")
Ids = Mapping[str, Any]


def rows(
    sources: RowSources, usecase: FeatureSet, until: int = LAST, ids: Ids | None = None
) -> Iterator[LoggedRow]:
    """Live answers and outcomes up to a sequence; shadows count nowhere, and are left out."""
    reader = LogReader(sources.log)
    first, last = _bounds(sources.every)
    if first > 1:
        yield from _of_log(reader.rows(0, min(first - 1, until)), ids)
    for days in [list(sources.every)] if ids else [[one] for one in sources.every]:
        yield from _of_days(days, usecase, until, ids)
    if until > last:
        yield from _of_log(reader.rows(last, until), ids)


def _bounds(every: Sequence[SealedDay]) -> tuple[int, int]:
    """The first sealed sequence and the last one; of no days such that all is in the log."""
    if not every:
        return 1, 0
    return every[0].statement.first_sequence, every[-1].statement.last_sequence


def _of_log(listed: Iterator[LoggedRow], ids: Ids | None) -> Iterator[LoggedRow]:
    keys: set[Any] = set()
    for row in listed:
        if isinstance(row, LoggedEvent):
            if row.mode == "live" and (ids is None or is_of(row.event, ids)):
                keys |= {row.key} if ids else set()
                yield row
        elif ids is None or row.key in keys:
            yield row


def is_of(event: Mapping[str, Any], ids: Ids) -> bool:
    """Whether an event is about one of these entities."""
    return any(event.get(column) == value for column, value in ids.items())


def _of_days(
    days: Sequence[SealedDay], usecase: FeatureSet, until: int, ids: Ids | None
) -> Iterator[LoggedRow]:
    """The rows of some days, out of core."""
    events = [one for one in days if one.statement.rows["events"]]
    outcomes = [one for one in days if one.statement.rows["outcomes"]]
    with tempfile.TemporaryDirectory(prefix="plumbline-replay-") as scratch:
        none: Iterator[LoggedRow] = iter(())
        yield from merge(
            _events(events, usecase, until, ids, Path(scratch) / "events") if events else none,
            _outcomes(outcomes, events, usecase, until, ids, Path(scratch) / "outcomes")
            if outcomes
            else none,
            key=BY_SEQUENCE,
        )


def _events(
    days: Sequence[SealedDay], usecase: FeatureSet, until: int, ids: Ids | None, scratch: Path
) -> Iterator[LoggedRow]:
    where, values = _where(ids)
    query = (
        f"SELECT p.*, e AS event FROM {_files(days, 'predictions')} p "
        f"JOIN (SELECT e FROM {_files(days, 'events')} e) e ON p.key = e.{quote(usecase.key)} "
        f"WHERE p.mode = 'live' AND p.sequence <= {until} {where} ORDER BY p.sequence"
    )
    for given in _fetched(query, values, scratch):
        structs = {name: given.get(name) or {} for name in sealed_events.STRUCTS}
        yield sealed_events.as_logged(given, given["event"], structs)


def _outcomes(
    days: Sequence[SealedDay],
    events: Sequence[SealedDay],
    usecase: FeatureSet,
    until: int,
    ids: Ids | None,
    scratch: Path,
) -> Iterator[LoggedRow]:
    key, (where, values) = quote(usecase.key), _where(ids)
    own = ""
    if ids:
        if not events:
            return
        own = f"AND {key} IN (SELECT e.{key} FROM {_files(events, 'events')} e WHERE true {where})"
    query = f"SELECT * FROM {_files(days, 'outcomes')} WHERE sequence <= {until} {own} ORDER BY sequence"
    for given in _fetched(query, values, scratch):
        yield sealed_events.outcome(given, usecase.key)


def _where(ids: Ids | None) -> tuple[str, list[Any]]:
    if not ids:
        return "", []
    return f"AND ({' OR '.join(f'e.{quote(column)} = ?' for column in ids)})", list(ids.values())


def _files(days: Sequence[SealedDay], kind: SealedKind) -> str:
    paths = ", ".join(literal_path(one.file(kind)) for one in days)
    return f"read_parquet([{paths}], union_by_name=true, hive_partitioning=false)"


def _fetched(query: str, values: Sequence[Any], scratch: Path) -> Iterator[dict[str, Any]]:
    scratch.mkdir()
    with duckdb_session.connect(scratch) as connection:
        for batch in connection.sql(query, params=list(values)).to_arrow_reader(BATCH):
            yield from batch.to_pylist()
