"""The checks of a request, compiled from the contract when a service loads. Pure.

They are those of `request_check`, and those that JSON needs: fields that the contract does not have,
numbers beyond 64 bits, times as text, and how old an event may be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from plumbline.core import only
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import suggest
from plumbline.core.usecase import Contract
from plumbline.serve.online import column_checks, times
from plumbline.serve.online.column_checks import ColumnCheck
from plumbline.serve.online.refusals import (
    LISTED,
    SHOWN,
    EventRefused,
    Fault,
    Problem,
    printable,
    shown,
)
from plumbline.serve.single_event import RawEvent

SECOND = 1_000_000
DAY = 86_400 * SECOND
AHEAD = 300 * SECOND
"""An event may be so far in the future: clocks differ."""
LATE = 60 * SECOND
"""An event is late from this age on."""
ANY_ZONE = 14 * 3_600 * SECOND
"""How far a local clock can be from UTC: a contract whose times are local does not say where."""
UNKNOWN = 3
"""Unknown fields that are listed per object."""


class CompiledCheck:
    """The checks of one use case's events and outcomes; a request is refused whole, with every fault."""

    def __init__(self, usecase: Contract, late_days: float) -> None:
        self.usecase, self.late_days = usecase, late_days
        self._columns = column_checks.compiled(usecase, usecase.known, "events", usecase.optional)
        self._outcome = tuple(check for _, check in column_checks.outcome_fields(usecase))
        self._clock = usecase.column(usecase.time) if usecase.time else None
        self._skew = ANY_ZONE if self._clock and times.is_local(self._clock) else 0
        self._unknown = {c.name for c in usecase.unknown}

    def event(self, raw: Mapping[str, Any], now: int, index: int = 0) -> tuple[RawEvent, bool]:
        """The checked event and whether it is late; EventRefused with every fault.

        `now`: microseconds since 1970; `index`: its place in the request.
        """
        event = self.parsed(raw, index)
        return event, self.late(event, now, index)

    def events(self, raws: Sequence[Mapping[str, Any]], now: int) -> list[tuple[RawEvent, bool]]:
        """All events of a request, as `event`; EventRefused with the first twenty faults."""
        result: list[tuple[RawEvent, bool]] = []
        problems: list[Problem] = []
        for index, raw in enumerate(raws):
            try:
                result.append(self.event(raw, now, index))
            except EventRefused as refused:
                problems += refused.problems
            if len(problems) >= LISTED:  # a refusal costs no more than an answer
                raise EventRefused(problems, len(raws) - index - 1)
        if problems:
            raise EventRefused(problems)
        return result

    def parsed(self, raw: Mapping[str, Any], index: int = 0) -> RawEvent:
        """The event, its age not looked at; EventRefused with every fault."""
        event, problems = _columns(self._columns, raw, index)
        if len(raw) > len(event) or any(name not in event for name in raw):
            problems += self._surplus(raw, event, index)
        if problems or (self.usecase.only and (problems := self._outside(event, index))):
            raise EventRefused(problems)
        return event

    def late(self, event: RawEvent, now: int, index: int = 0) -> bool:
        """Whether the event is late; EventRefused where it is older than `late_days`, or in the future."""
        if self._clock is None:
            return False
        name = self._clock.name
        at = times.micros(event[name])
        words = self._outside_window(at, now)
        if words:
            raise EventRefused([Problem(index, name, self._shown(name, event[name]), words)])
        return now - at >= LATE + self._skew

    def outcome(
        self, raw: Mapping[str, Any], now: int, index: int = 0, *, replayed: bool = False
    ) -> tuple[Any, dict[str, Any], int]:
        """An outcome's key, its columns and when it became known (microseconds since 1970, `now` by default).

        `replayed`: old data, whose outcomes may be known after the newest event: no window is held.
        """
        outcome, problems = _columns(self._outcome, raw, index)
        problems += _unknown_fields(raw, outcome, "field of an outcome", index)
        if problems:
            raise EventRefused(problems)
        known_at = outcome.pop(KNOWN_AT)
        known = now if known_at is None else times.micros(known_at)
        words = "" if replayed else self._outside_window(known, now)
        if words:
            raise EventRefused([Problem(index, KNOWN_AT, shown(raw[KNOWN_AT]), words)])
        return outcome.pop(self.usecase.key), outcome, known

    def time(self, event: RawEvent) -> int:
        """Microseconds since 1970 of a checked event; 0 of a plain table, which has no times."""
        return times.micros(event[self._clock.name]) if self._clock else 0

    def _outside(self, event: RawEvent, index: int) -> list[Problem]:
        """The rules `only` that the event does not meet."""
        broken = [r for r in self.usecase.only if not only.holds(r, event[r.column])]
        words = "the rows that the use case is about: "
        found = [self._shown(r.column, event[r.column]) for r in broken]
        pairs = zip(broken, found, strict=True)
        return [Problem(index, r.column, value, words + only.words(r)) for r, value in pairs]

    def _surplus(self, raw: Mapping[str, Any], event: RawEvent, index: int) -> list[Problem]:
        late = [name for name in raw if name in self._unknown]
        words = "no such field: it is not known at prediction time"
        problems = [Problem(index, name, "a value", words) for name in late]
        names = {*event, *late}
        return problems + _unknown_fields(raw, names, "column of the contract", index)

    def _outside_window(self, at: int, now: int) -> str:
        """What is expected of a time that is too old, or in the future; "" of any other."""
        if at > now + AHEAD + self._skew:
            return f"at most 5 minutes ahead of the service's clock, which is at {_clock(now)}"
        if now - at > self.late_days * DAY + self._skew:
            return f"at most {self.late_days:g} days before the service's clock, which is at {_clock(now)}"
        return ""

    def _shown(self, column: str, value: Any) -> str:
        """A checked value as a message quotes it; none of a column that is shown nowhere."""
        hidden = any(c.hidden for c in self._columns if c.name == column)
        plain = value.isoformat() if isinstance(value, datetime) else value
        return "a value" if hidden else printable(str(plain))


def digest(event: Mapping[str, Any]) -> bytes:
    """16 bytes of a checked event's canonical JSON: the same for requests that mean the same event."""
    return hashlib.blake2b(_ENCODER.encode(event).encode(), digest_size=16).digest()


def _columns(
    compiled: Iterable[ColumnCheck], raw: Mapping[str, Any], index: int
) -> tuple[dict[str, Any], list[Problem]]:
    """The plain values of all columns, and what is wrong with any."""
    event: dict[str, Any] = {}
    problems: list[Problem] = []
    for check in compiled:
        try:
            name = check.name
            event[name] = check.plain(raw[name]) if name in raw else check.absent()
        except Fault as fault:
            event[name] = None
            problems.append(Problem(index, name, fault.found, fault.expected))
    return event, problems


def _unknown_fields(
    raw: Mapping[str, Any], names: Iterable[str], what: str, index: int
) -> list[Problem]:
    """Problems of the fields that are none of these names."""
    known = {*names}
    odd = [name for name in raw if name not in known]
    problems = [
        Problem(index, printable(n), "a field", f"a {what}; {suggest(n[:SHOWN], known)}")
        for n in odd[:UNKNOWN]
    ]
    if len(odd) > UNKNOWN:
        problems.append(Problem(index, "", f"{len(odd):,} unknown fields", "none"))
    return problems


def _clock(now: int) -> str:
    return (times.EPOCH + now * times.MICROSECOND).isoformat(timespec="seconds")


_ENCODER = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, default=lambda time: time.isoformat()
)
