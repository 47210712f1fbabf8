"""Bodies of requests made from a table of events. An edge: reads Parquet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow.parquet as pq

from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.serve.online import times

Clock = Literal["system", "events"]
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


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


class Bodies:
    """Bodies of `each` events, for one run after another: by the clock `events` as they are, each once, in order."""

    def __init__(
        self,
        usecase: FeatureSet,
        events: Sequence[dict[str, Any]],
        each: int = 1,
        clock: Clock = "system",
    ) -> None:
        self._usecase, self._events, self._each, self._clock = usecase, events, each, clock
        self._sent = 0

    def of(self, offsets: Sequence[float], start: datetime | None = None) -> list[bytes]:
        """A body per offset, seconds from `start`, which is now if omitted.

        PlumblineError where there are fewer events than are to be sent as they are.
        """
        count = self._each * len(offsets)
        if self._clock == "events":
            events: Iterable[dict[str, Any]] = self._next(count)
        else:
            begin = start or datetime.now(UTC)
            run = int((begin - EPOCH) / timedelta(seconds=0.1))
            moments = [begin + timedelta(seconds=o) for o in offsets for _ in range(self._each)]
            events = renewed(self._usecase, self._events, moments, run)
        ready = iter(events)
        return [body(self._usecase, [next(ready) for _ in range(self._each)]) for _ in offsets]

    def _next(self, count: int) -> Sequence[dict[str, Any]]:
        first, self._sent = self._sent, self._sent + count
        if self._sent > len(self._events):
            raise PlumblineError(
                f"--clock events sends each event once: {self._sent:,} are needed and the table has "
                f"{len(self._events):,}; lower --rate, --seconds, --warmup or --batch"
            )
        return self._events[first : self._sent]


def body(usecase: Contract, rows: Sequence[Mapping[str, Any]], what: str = "events") -> bytes:
    """The JSON of a request with events, or `outcomes`; times in UTC, or local as the contract says."""
    local = {c.name for c in usecase.columns if times.is_local(c)}
    local |= {KNOWN_AT} if usecase.time in local else set()
    plain = [{n: _json(v, n in local) for n, v in row.items()} for row in rows]
    return msgspec.json.encode({what: plain})


def _json(value: Any, local: bool) -> Any:
    if not isinstance(value, datetime):
        return value
    utc = value if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat()}{'' if local else 'Z'}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
