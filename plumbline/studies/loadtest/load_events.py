"""Bodies of requests made from a table of events. An edge: reads Parquet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow.parquet as pq

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet

Clock = Literal["system", "events"]
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def read(usecase: FeatureSet, table: Path, count: int) -> list[dict[str, Any]]:
    """The first `count` events of a table in time order, or all where it has fewer: known columns, null left out."""
    names = [column.name for column in usecase.known]
    try:
        rows = pq.read_table(table, columns=names)
    except FileNotFoundError:
        raise PlumblineError(f"{table}: not there; run `dvc checkout`, or `dvc repro`") from None
    if not len(rows):
        raise PlumblineError(f"{table}: there is no event in it; name another table with --table")
    if usecase.time:
        rows = rows.sort_by([(usecase.time, "ascending"), (usecase.key, "ascending")])
    return [_plain(row) for row in rows.slice(0, count).to_pylist()]


def renewed(
    usecase: FeatureSet, events: Sequence[dict[str, Any]], moments: Sequence[datetime], run: int
) -> Iterator[dict[str, Any]]:
    """An event for each moment, at that time and with a key of its own: one that was answered costs nothing.

    The events begin again after the last. `run`: a number that no other run on the same server has.
    """
    for index, moment in enumerate(moments):
        event = dict(events[index % len(events)])
        key = run * 1_000_000 + index
        event[usecase.key] = key if isinstance(event[usecase.key], int) else f"load-{key}"
        if usecase.time:
            event[usecase.time] = moment
        yield event


def bodies(
    usecase: FeatureSet,
    events: Sequence[dict[str, Any]],
    offsets: Sequence[float],
    *,
    each: int = 1,
    clock: Clock = "system",
    start: datetime | None = None,
) -> list[bytes]:
    """A body of `each` events per offset: at the time when it is sent, or as they are (`events`).

    `start`: the time of offset 0, now if omitted. PlumblineError where there are fewer events than are to
    be sent as they are.
    """
    begin = start or datetime.now(UTC)
    if clock == "events":
        if len(events) < each * len(offsets):
            raise PlumblineError(
                f"--clock events sends each event once: {each * len(offsets):,} are needed and the table has "
                f"{len(events):,}; lower --rate, --seconds or --batch"
            )
        ready: Iterator[dict[str, Any]] = iter(events)
    else:
        moments = [begin + timedelta(seconds=float(o)) for o in offsets for _ in range(each)]
        ready = renewed(usecase, events, moments, int((begin - EPOCH) / timedelta(seconds=0.1)))
    return [body([next(ready) for _ in range(each)]) for _ in offsets]


def body(events: Sequence[dict[str, Any]]) -> bytes:
    """The JSON of a request; times in UTC."""
    return msgspec.json.encode({"events": [{n: _json(v) for n, v in e.items()} for e in events]})


def _json(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return (value if value.tzinfo is None else value.astimezone(UTC)).strftime(FORMAT)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
