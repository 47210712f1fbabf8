"""Rows of the log as SQLite's values, and back: the row read is the row that was appended. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from plumbline.serve.log.description import LogDescription
from plumbline.serve.protocols import (
    Flag,
    LogError,
    LoggedEvent,
    LoggedOutcome,
)

ROUTE = 16
"""The place of `route` in an event's values, which is put in when the row is written."""
Values = tuple[Any, ...]
"""A row of SQLite."""
_encode_json = msgspec.json.Encoder().encode
COLUMNS = {"events": 21, "outcomes": 9}
SELECT_EVENTS = (
    "SELECT e.*, r.arm, r.route_version, r.bundle, r.definitions, r.description "
    "FROM events e JOIN routes r USING (route)"
)
SELECT_OUTCOMES = "SELECT * FROM outcomes o"


class Route(NamedTuple):
    """What many rows have in common: written once per file."""

    arm: str
    route_version: int
    bundle: str
    definitions: str


class Taken(NamedTuple):
    """A row of a log, and the file that it goes into. `day`: since 1970; `document`: the description of the row, JSON."""

    day: int
    row: LoggedEvent | LoggedOutcome
    document: str

    @property
    def sequence(self) -> int:
        """Its place in the log."""
        return self.row.sequence

    @property
    def is_answer(self) -> bool:
        """Whether an event was answered from it: no outcome, no shadow."""
        return is_answer(self.row)


class Encoded(NamedTuple):
    """A row as SQLite's values.

    `route`: of an event; None for an outcome. `values`: of its table, without the numbers that the file gives routes and
    descriptions.
    """

    route: Route | None
    values: Values

    @property
    def sequence(self) -> int:
        """Its place in the log."""
        return int(self.values[0])


@cache
def insert(table: str, count: int) -> str:
    """The statement that inserts so many rows.

    One call of SQLite for many rows: after each call the writer waits for Python's lock, behind the requests.
    """
    row = f"({', '.join('?' * COLUMNS[table])})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * count)}"


def is_answer(row: LoggedEvent | LoggedOutcome) -> bool:
    """Whether an event was answered from this row."""
    return isinstance(row, LoggedEvent) and row.mode == "live"


def encode(row: LoggedEvent | LoggedOutcome) -> Encoded:
    """The row as SQLite's values; LogError where one cannot be written as it is."""
    try:
        if isinstance(row, LoggedEvent):
            route = Route(row.arm, row.route_version, row.bundle, row.definitions)
            return Encoded(route, _event(row))
        return Encoded(None, _outcome(row))
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        raise LogError(f"the row of the key {row.key!r} cannot be logged: {error}") from error


def event(values: Values, description: LogDescription) -> LoggedEvent:
    """The event of a row of SELECT_EVENTS."""
    (sequence, received, request_id, key, digest, raw_event, aggregates, computed) = values[:8]
    (derived, raw, score, alarm, decision, action, propensity, shadow) = values[8:16]
    (watermark, flags, micros, answer, arm, route_version, bundle, definitions) = values[17:25]
    return LoggedEvent(
        sequence=sequence,
        received=received,
        request_id=request_id,
        key=key,
        digest=digest,
        event=description.event_of(msgspec.json.decode(raw_event)),
        aggregates=_floats(aggregates),
        computed=_floats(computed),
        derived=tuple(msgspec.json.decode(derived)),
        raw=_floats(raw),
        score=_floats(score),
        alarm=None if alarm is None else bool(alarm),
        decision=decision,
        action=action,
        propensity=propensity,
        arm=arm,
        mode="shadow" if shadow else "live",
        route_version=route_version,
        bundle=bundle,
        definitions=definitions,
        watermark=watermark,
        flags=cast(tuple[Flag, ...], tuple(flags.split())),
        micros=micros,
        answer=answer,
    )


def outcome(values: Values, description: LogDescription) -> LoggedOutcome:
    """The outcome of a row of SELECT_OUTCOMES."""
    sequence, received, request_id, key, digest, known_at, late, matched = values[:8]
    return LoggedOutcome(
        sequence=sequence,
        received=received,
        request_id=request_id,
        key=key,
        digest=digest,
        known_at=known_at,
        values=description.outcome_of(msgspec.json.decode(late)),
        matched=bool(matched),
    )


def _event(row: LoggedEvent) -> Values:
    return (
        row.sequence,
        row.received,
        row.request_id,
        row.key,
        row.digest,
        _json(dict(row.event)),
        _blob(row.aggregates),
        _blob(row.computed),
        _json(row.derived),
        _blob(row.raw),
        _blob(row.score),
        row.alarm,
        row.decision,
        row.action,
        row.propensity,
        row.mode == "shadow",
        row.watermark,
        " ".join(row.flags),
        row.micros,
        row.answer,
    )


def _outcome(row: LoggedOutcome) -> Values:
    return (
        row.sequence,
        row.received,
        row.request_id,
        row.key,
        row.digest,
        row.known_at,
        _json(dict(row.values)),
        row.matched,
    )


def _json(values: Any) -> str:
    return _encode_json(values).decode()


def _blob(values: Sequence[float]) -> bytes:
    return _packing(len(values)).pack(*values)


def _floats(blob: bytes) -> tuple[float, ...]:
    return _packing(len(blob) // 8).unpack(blob)


@lru_cache(maxsize=64)
def _packing(size: int) -> struct.Struct:
    return struct.Struct(f"<{size}d")
