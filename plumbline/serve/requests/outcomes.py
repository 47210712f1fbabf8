"""POST /v1/USECASE/outcomes: what became of events, for the histories of settled events and the next training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from plumbline.core.declarations import KNOWN_AT
from plumbline.serve.online import bodies, checks
from plumbline.serve.online.refusals import EventRefused, Problem
from plumbline.serve.protocols import Key, LogError, LoggedOutcome
from plumbline.serve.requests.parts import Parts

_encode = msgspec.json.Encoder().encode


def outcomes(parts: Parts, body: bytes, request_id: str) -> bytes:
    """How many outcomes were taken; EventRefused or LogError where none is.

    `repeated`: of these, received before, which counts nothing again. `unknown`: new, and of no event that the state
    knows; they are logged, and count once their event comes.
    """
    raws = bodies.objects(body, "outcomes", parts.settings.max_events)
    rows = _rows(parts, raws, request_id)
    _refuse_unlogged(parts)
    first = parts.log.next_sequence()
    done: dict[tuple[Key, bytes], LoggedOutcome] = {}
    try:
        for row in rows:
            place = (row.key, row.digest)
            if place not in done and not parts.log.has_outcome(*place):
                one = replace(row, sequence=first + len(done))
                matched = parts.state.add_outcome(one)
                number = parts.state.watermark if parts.shared else one.sequence
                done[place] = replace(one, matched=matched, sequence=number)
    finally:
        if done:
            parts.log.append(list(done.values()))
    parts.others.fold(done.values())
    for row in done.values():
        parts.observer.outcome(parts.usecase.name, row.matched)
    unknown = sum(not row.matched for row in done.values())
    return _encode({"accepted": len(rows), "repeated": len(rows) - len(done), "unknown": unknown})


def _rows(parts: Parts, raws: Sequence[Mapping[str, Any]], request_id: str) -> list[LoggedOutcome]:
    now = parts.clock.now()
    rows: list[LoggedOutcome] = []
    problems: list[Problem] = []
    for index, raw in enumerate(raws):
        try:
            rows.append(_row(parts, raw, now, index, request_id))
        except EventRefused as refused:
            problems += refused.problems
    if problems:
        raise EventRefused(problems)
    return rows


def _row(
    parts: Parts, raw: Mapping[str, Any], now: int, index: int, request_id: str
) -> LoggedOutcome:
    key, values, known_at = parts.checks.outcome(raw, now, index, replayed=parts.clock.replayed)
    given = {**values, KNOWN_AT: known_at} if raw.get(KNOWN_AT) is not None else values
    digest = checks.digest({parts.usecase.key: key, **given})
    return LoggedOutcome(0, now, request_id, key, digest, known_at, values, True)


def _refuse_unlogged(parts: Parts) -> None:
    """Outcomes are kept in the log or not taken: the sender has them still."""
    if not parts.log.ready():
        raise LogError(
            "the prediction log is broken: outcomes are not taken; send them again later"
        )
