"""The rows of the log that an answer, and a shadow's score of the same event, become. Pure but for the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from plumbline.serve.online.actions import Action
from plumbline.serve.online.scorer import Scored
from plumbline.serve.protocols import Flag, LoggedEvent
from plumbline.serve.requests.events import Received
from plumbline.serve.requests.histories import Histories
from plumbline.serve.requests.parts import Parts
from plumbline.serve.routes.router import LoadedArm


@dataclass(frozen=True, slots=True)
class Answered:
    """An event with its answer, not counted yet."""

    one: Received
    arm: LoadedArm
    histories: Histories
    scored: Scored
    action: Action
    flags: tuple[Flag, ...]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `started`: nanoseconds of `time.perf_counter_ns`."""

    request_id: str
    started: int


def row(done: Answered, sequence: int, at: int, call: Call) -> LoggedEvent:
    """The row of an answer. The state had folded all rows before it."""
    scored, arm, one = done.scored, done.arm, done.one
    return LoggedEvent(
        sequence=sequence,
        received=at,
        request_id=call.request_id,
        key=one.key,
        digest=one.digest,
        event=one.event,
        aggregates=done.histories[arm.loaded.features],
        computed=scored.computed,
        derived=scored.derived,
        raw=scored.raw,
        score=scored.score,
        alarm=scored.alarm,
        decision=scored.decision,
        action=done.action.name,
        propensity=done.action.propensity,
        arm=arm.name,
        mode="live",
        route_version=arm.version,
        bundle=arm.bundle,
        definitions=arm.loaded.definitions,
        watermark=sequence - 1,
        flags=done.flags,
        micros=(time.perf_counter_ns() - call.started) // 1000,
        answer=done.answer,
    )


def shadow(
    live: LoggedEvent,
    aggregates: tuple[float, ...],
    scored: Scored,
    arm: LoadedArm,
    sequence: int,
) -> LoggedEvent:
    """The row of a shadow's score of an event that was answered; nobody was given it."""
    return replace(
        live,
        sequence=sequence,
        aggregates=aggregates,
        computed=scored.computed,
        derived=scored.derived,
        raw=scored.raw,
        score=scored.score,
        alarm=scored.alarm,
        decision=scored.decision,
        action="",
        propensity=1.0,
        arm=arm.name,
        mode="shadow",
        route_version=arm.version,
        bundle=arm.bundle,
        definitions=arm.loaded.definitions,
        micros=0,
        answer=b"",
    )


def numbered(parts: Parts, row: LoggedEvent) -> LoggedEvent:
    """A folded row as it is logged: where several processes share the state, with the sequence that it gave."""
    if not parts.shared:
        return row
    given = parts.state.watermark
    return replace(row, sequence=given, watermark=given - 1)
