"""Rows of a prediction log for the small use case, and a log of its own folder."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from plumbline.serve.protocols import LoggedEvent, LoggedOutcome

NOON = 1_741_608_000_000_000
"""2025-03-10 12:00 UTC, microseconds since 1970."""
DAY = 86_400_000_000
EVENT = {
    "number": 7,
    "at": datetime(2025, 3, 10, 11, 59, 59, 999999),
    "who_id": "Ann 'é'\x00",
    "place_id": None,
    "cents": 2**63 - 1,
    "grams": -5,
    "kind": "a",
    "ok": True,
}


def row(sequence: int, key: Any = None, received: int = NOON, **values: Any) -> LoggedEvent:
    """An event of the log; the key is the sequence if none is given."""
    number = sequence if key is None else key
    fields: dict[str, Any] = {
        "request_id": f"request-{sequence}",
        "digest": number.to_bytes(16, "little", signed=True)
        if isinstance(number, int)
        else b"d" * 16,
        "event": {**EVENT, "number": number},
        "aggregates": (1.0, 0.1, -0.0, *map(float, range(20))),
        "computed": (float("inf"), 2.5, -3.0, 1.0),
        "derived": (None,),
        "raw": (0.25,),
        "score": (0.125,),
        "alarm": False,
        "decision": None,
        "action": "none",
        "propensity": 1.0,
        "arm": "champion",
        "mode": "live",
        "route_version": 1,
        "bundle": "b" * 32,
        "definitions": "d" * 32,
        "watermark": sequence - 1,
        "flags": (),
        "micros": 900,
        "answer": f"answer {number}".encode(),
    }
    return LoggedEvent(sequence=sequence, received=received, key=number, **fields | values)


def outcome(sequence: int, key: Any, received: int = NOON, **values: Any) -> LoggedOutcome:
    """An outcome of the log."""
    fields: dict[str, Any] = {
        "request_id": f"request-{sequence}",
        "digest": b"o" * 16,
        "known_at": received - 1,
        "values": {"bad": 1, "loss": None},
        "matched": True,
    }
    return LoggedOutcome(sequence=sequence, received=received, key=key, **fields | values)


def micros(time: datetime) -> int:
    """A naive UTC time as microseconds since 1970."""
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)
