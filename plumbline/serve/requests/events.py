"""The events of a request, checked: which are new, which were answered before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.serve.online import checks
from plumbline.serve.protocols import Claim, Key
from plumbline.serve.requests.conflicts import ConflictError
from plumbline.serve.requests.parts import Parts
from plumbline.serve.single_event import RawEvent


@dataclass(frozen=True, slots=True)
class Received:
    """One checked event; `index`: its place in the request."""

    index: int
    event: RawEvent
    key: Key
    digest: bytes
    late: bool


def received(
    parts: Parts, raws: Sequence[Mapping[str, Any]], *, counted: bool = True
) -> list[Received]:
    """The checked events; EventRefused with the faults of all. `counted`: whether they move a clock of events."""
    key, times = parts.usecase.key, parts.clock
    pairs = (
        _replayed(parts, raws, counted)
        if times.replayed
        else parts.checks.events(raws, times.now())
    )
    return [
        Received(i, event, event[key], checks.digest(event), late)
        for i, (event, late) in enumerate(pairs)
    ]


def _replayed(
    parts: Parts, raws: Sequence[Mapping[str, Any]], counted: bool
) -> list[tuple[RawEvent, bool]]:
    """As `CompiledCheck.events`, where each event moves the clock for those after it."""
    pairs = []
    for index, event in enumerate([parts.checks.parsed(raw, i) for i, raw in enumerate(raws)]):
        time = parts.checks.time(event)
        pairs.append((event, parts.checks.late(event, parts.clock.after(time), index)))
        if counted:
            parts.clock.see(time)
    return pairs


def claims(parts: Parts, events: Sequence[Received]) -> dict[Key, Claim]:
    """What was answered before, by key; ConflictError where it was about another event."""
    known: dict[Key, Claim] = {}
    timed = parts.usecase.time is not None
    for one in events:
        claim = parts.claims.find(one.key, parts.checks.time(one.event) if timed else None)
        if claim is not None:
            if claim.digest != one.digest:
                raise ConflictError(one.index, parts.usecase.key, one.key)
            known[one.key] = claim
    return known


def unanswered(
    parts: Parts, events: Sequence[Received], known: Mapping[Key, Claim]
) -> list[Received]:
    """The events without a claim, each key once; ConflictError where one key has two events."""
    new: dict[Key, Received] = {}
    for one in events:
        if one.key not in known and new.setdefault(one.key, one).digest != one.digest:
            raise ConflictError(one.index, parts.usecase.key, one.key)
    return list(new.values())
