"""POST /v1/USECASE/score: events to answers, folded and logged, whole or not at all.

Nothing is counted before every event of the request has an answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from plumbline.serve.live_check.window import Seen
from plumbline.serve.online import answers, bodies
from plumbline.serve.online.actions import Actions
from plumbline.serve.online.scorer import Scored
from plumbline.serve.protocols import Claim, Flag, Key, LoggedEvent, State
from plumbline.serve.requests import histories, logged_rows
from plumbline.serve.requests.conflicts import ConflictError, StaleError
from plumbline.serve.requests.events import Received, claims, received, unanswered
from plumbline.serve.requests.histories import Drafts, Histories
from plumbline.serve.requests.logged_rows import Answered, Call
from plumbline.serve.requests.parts import Parts
from plumbline.serve.requests.waves import waves
from plumbline.serve.routes.arm_inputs import HOME
from plumbline.serve.routes.arms import LoadedBundle
from plumbline.serve.routes.live import RequestAnswers
from plumbline.serve.routes.router import LoadedArm
from plumbline.serve.single_event import RawEvent

UNLOGGED: Flag = "unlogged"
AS_DECIDED = Actions(0.0, ())


@dataclass(frozen=True, slots=True)
class _Group:
    """Events that were scored at once, and what the shadows need of them."""

    done: list[Answered]
    request: RequestAnswers


def score(parts: Parts, body: bytes, request_id: str) -> bytes:
    """The answers' bytes; EventRefused, ScoringError, StaleError or LogError where there are none."""
    started = time.perf_counter_ns()
    raws = bodies.objects(body, "events", parts.settings.max_events)
    events = received(parts, raws)
    known = claims(parts, events)
    new = unanswered(parts, events, known)
    given = {key: claim.answer for key, claim in known.items()}
    if new:
        logged = parts.log.ready()
        groups = _answered(parts, new, logged)
        done = [one for group in groups for one in group.done]
        if logged:
            rows = _counted(parts, done, Call(request_id, started), given)
            _shadow(parts, groups, rows)
        else:
            given |= {one.one.key: one.answer for one in done}
        _observe(parts, done)
    return answers.response(given[one.key] for one in events)


def _answered(parts: Parts, new: Sequence[Received], logged: bool) -> list[_Group]:
    """Every event with its answer, in the order in which they are folded."""
    groups: list[_Group] = []
    drafts = histories.drafts(parts) if len(new) > 1 else {}
    for wave in waves(parts.usecase, [one.event for one in new]):
        own = [new[i] for i in wave]
        group = _scored(parts, own, drafts, logged)
        if drafts:
            for one in group.done:
                answered = (one.arm.loaded.features, one.scored.derived)
                histories.add(parts, drafts, one.one.event, one.histories, answered)
        groups.append(group)
    return groups


def _flags(
    parts: Parts, one: Received, drafts: Drafts, logged: bool, loaded: LoadedBundle
) -> tuple[Flag, ...]:
    """StaleError where the state is too old and the settings refuse it."""
    flags: list[Flag] = ["late"] if one.late else []
    if loaded.scorer.usecase.aggregates:
        state = parts.state_of(loaded.features)
        if state.unknown(one.event, drafts.get(loaded.features)):
            flags.append("unknown")
        if any(one.event[name] is None for name in parts.id_columns):
            flags.append("defaulted")
        if is_stale(parts, state, one.event):
            flags.append("stale")
    return (*flags, *(() if logged else (UNLOGGED,)))


def is_stale(parts: Parts, state: State, event: RawEvent) -> bool:
    """Whether more days than `max_age` are missing; StaleError where the settings refuse that."""
    missing, most = state.missing_days(event), parts.settings.max_age
    if missing > most and parts.settings.stale == "refuse":
        raise StaleError(missing, most)
    return missing > most


def _scored(parts: Parts, group: Sequence[Received], drafts: Drafts, logged: bool) -> _Group:
    """The answers to events that know nothing of each other, one call of the model per arm."""
    events = [one.event for one in group]
    values = [histories.of(parts, event, drafts) for event in events]
    own = [one[HOME] for one in values]
    request = parts.live.answer(events, own, histories.others(values))
    salt = request.routing.routes.salt
    flags = [
        _flags(parts, one, drafts, logged, arm.loaded)
        for one, (arm, _) in zip(group, request.ordered(), strict=True)
    ]
    pairs = zip(group, values, flags, request.ordered(), strict=True)
    done = [_answer(parts, *one, salt) for one in pairs]
    return _Group(done, request)


def _answer(
    parts: Parts,
    one: Received,
    values: Histories,
    flags: tuple[Flag, ...],
    answered: tuple[LoadedArm, Scored],
    salt: str,
) -> Answered:
    """An event that is not logged is treated as decided: nobody could weight what was drawn."""
    arm, scored = answered
    actions = AS_DECIDED if UNLOGGED in flags else parts.actions
    action = actions.of(scored, one.key, arm.loaded.scorer.bundle, salt)
    answer = parts.writers.of(arm).write(one.key, scored, action.name, flags)
    return Answered(one, arm, values, scored, action, flags, answer)


def _counted(
    parts: Parts, done: Sequence[Answered], call: Call, given: dict[Key, bytes]
) -> dict[Key, LoggedEvent]:
    """Fold and log the answers, and add them to `given`; the rows by key.

    What was folded is logged, whatever happens in between.
    """
    first, at = parts.log.next_sequence(), parts.clock.now()
    rows: dict[Key, LoggedEvent] = {}
    try:
        for one in done:
            row = logged_rows.row(one, first + len(rows), at, call)
            claim = parts.state.add_event(_own(parts, one, row))
            if claim is None:
                rows[row.key] = logged_rows.numbered(parts, row)
            given[row.key] = _first(parts, one, claim)
    finally:
        parts.log.append(list(rows.values()))
    parts.others.fold(rows.values())
    return rows


def _own(parts: Parts, one: Answered, row: LoggedEvent) -> LoggedEvent:
    """The row as the process's own features have it."""
    renewed = parts.others.home.of(row) if one.arm.loaded.features else row
    assert isinstance(renewed, LoggedEvent)
    return renewed


def _first(parts: Parts, one: Answered, claim: Claim | None) -> bytes:
    """This answer, or that of another process which was first."""
    if claim is None:
        return one.answer
    if claim.digest != one.one.digest:
        raise ConflictError(one.one.index, parts.usecase.key, one.one.key)
    return claim.answer


def _shadow(parts: Parts, groups: Iterable[_Group], rows: Mapping[Key, LoggedEvent]) -> None:
    """Have the shadows score the same vectors, once the answer is out."""
    for group in groups:
        if group.request.routing.shadows:
            own = [(rows.get(one.one.key), one.histories) for one in group.done]
            parts.live.shadow(group.request, partial(_log_shadow, parts, own))


def _log_shadow(
    parts: Parts,
    rows: Sequence[tuple[LoggedEvent | None, Histories]],
    arm: LoadedArm,
    places: Sequence[int],
    scored: Sequence[Scored],
) -> None:
    features = arm.loaded.features
    answered = [(*rows[i], one) for i, one in zip(places, scored, strict=True)]
    if not parts.log.ready():
        return
    first = parts.log.next_sequence()
    known = [(row, own[features], one) for row, own, one in answered if row is not None]
    logged = [logged_rows.shadow(*one, arm, first + i) for i, one in enumerate(known)]
    for row in logged:
        parts.state.add_event(row)
    parts.log.append(logged)
    parts.others.fold(logged)


def _observe(parts: Parts, done: Sequence[Answered]) -> None:
    name, observer = parts.usecase.name, parts.observer
    for one in done:
        score = one.scored.score[0] if len(one.scored.score) == 1 else None
        observer.event(name, one.arm.name, score, one.scored.alarm)
        for flag in one.flags:
            observer.flag(name, flag)
    if parts.live_check is not None:
        parts.live_check.seen([_seen(one) for one in done])


def _seen(one: Answered) -> Seen:
    score = one.scored.score[0] if one.scored.score else None
    return Seen(one.one.event, one.arm.bundle, score, one.scored.alarm)
