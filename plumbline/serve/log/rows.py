"""Rows of the log as SQLite's values, and back: the row read is the row that was appended. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

import msgspec

from plumbline.serve.log.description import LogDescription
from plumbline.serve.protocols import (
    Claim,
    Flag,
    Key,
    LogError,
    LoggedEvent,
    LoggedOutcome,
)

INT64 = 2**63
PLAIN = frozenset({int, float, str, bytes, bool, type(None)})
"""What SQLite stores as it is."""
STORED_KINDS: set[tuple[type, ...]] = set()
"""Types of a row's values that were looked at once: rows have few kinds."""
REQUEST = 2
"""The place of the request's id in a row's values."""
Values = tuple[Any, ...]
"""A row of SQLite."""
ROUTE = 16
"""The place of `route` in an event's values."""
COLUMNS = {"events": 21, "outcomes": 9}
SELECT_EVENTS = (
    "SELECT e.*, r.arm, r.route_version, r.bundle, r.definitions, r.description "
    "FROM events e JOIN routes r USING (route)"
)
SELECT_OUTCOMES = "SELECT * FROM outcomes o"


@dataclass(frozen=True, slots=True)
class Route:
    """What many rows have in common: written once per file."""

    arm: str
    route_version: int
    bundle: str
    definitions: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row to write.

    `route`: of an event; None for an outcome. `claim`: of an event that was answered from this row; None for a
    shadow's. `values`: without the numbers that the file gives routes and descriptions.
    """

    sequence: int
    received: int
    key: Key
    digest: bytes
    route: Route | None
    claim: Claim | None
    values: Values


@cache
def insert(table: str, count: int) -> str:
    """The statement that inserts so many rows.

    One call of SQLite for many rows: after each call the writer waits for Python's lock, behind the requests.
    """
    row = f"({', '.join('?' * COLUMNS[table])})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * count)}"


def encode(row: LoggedEvent | LoggedOutcome) -> Encoded:
    """The row as SQLite's values; LogError where one cannot be written as it is."""
    try:
        encoded = _event(row) if isinstance(row, LoggedEvent) else _outcome(row)
        _check(encoded)
        return encoded
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


def _event(row: LoggedEvent) -> Encoded:
    route = Route(row.arm, row.route_version, row.bundle, row.definitions)
    values = (
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
    claim = Claim(row.digest, row.answer) if row.mode == "live" else None
    return Encoded(row.sequence, row.received, row.key, row.digest, route, claim, values)


def _outcome(row: LoggedOutcome) -> Encoded:
    values = (
        row.sequence,
        row.received,
        row.request_id,
        row.key,
        row.digest,
        row.known_at,
        _json(dict(row.values)),
        row.matched,
    )
    return Encoded(row.sequence, row.received, row.key, row.digest, None, None, values)


def _check(row: Encoded) -> None:
    """Whether SQLite stores each value as it is."""
    kinds = tuple(map(type, row.values))
    if kinds not in STORED_KINDS:
        _check_kinds(kinds)
        STORED_KINDS.add(kinds)
    if isinstance(row.key, str):
        row.key.encode()
    elif not -INT64 <= row.key < INT64:
        raise ValueError("expected a key of 64 bits")
    row.values[REQUEST].encode()


def _check_kinds(kinds: tuple[type, ...]) -> None:
    for kind in kinds:
        if kind not in PLAIN:
            raise TypeError(f"expected plain values, found a {kind.__name__}")


def _json(values: Any) -> str:
    return msgspec.json.encode(values).decode()


def _blob(values: Sequence[float]) -> bytes:
    return _packing(len(values)).pack(*values)


def _floats(blob: bytes) -> tuple[float, ...]:
    return _packing(len(blob) // 8).unpack(blob)


@lru_cache(maxsize=64)
def _packing(size: int) -> struct.Struct:
    return struct.Struct(f"<{size}d")
