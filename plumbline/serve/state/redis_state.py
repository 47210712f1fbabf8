"""The online state in Redis, for several processes: read and written by one script each.

The same histories as the embedded state's, to the bit. An event is counted and its key claimed in one step, so
that of several processes one is first. An edge: Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from plumbline.serve.protocols import (
    Claim,
    Draft,
    Key,
    LoggedEvent,
    LoggedOutcome,
)
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries, plain_values, redis_scripts
from plumbline.serve.state.entries import SumIncrement
from plumbline.serve.state.histories import Histories
from plumbline.serve.state.plan import DAY, Moment, micros
from plumbline.serve.state.received_days import ReceivedDays
from plumbline.serve.state.redis_errors import lost, redis_errors
from plumbline.serve.state.redis_keys import Keys
from plumbline.serve.state.redis_reads import RedisReads

DIGEST = 16
_pack = msgspec.msgpack.Encoder().encode


class RedisState:
    """One process's view of the state. `client`: a connection of redis-py. `writer`: the name of its log. Raises StateError."""

    def __init__(
        self, client: Any, keys: Keys, as_of: int, recent_from: int, writer: str = ""
    ) -> None:
        self.plan, self.keys, self.client = keys.plan, keys, client
        self.sequence = 0
        self._gone = False
        self._names = [keys.of("seeded"), keys.sequence, keys.folded(writer)]
        self._seeded = (recent_from, as_of * DAY)
        self.days = ReceivedDays(as_of)
        self._reads = RedisReads(client, keys)
        self._event = client.register_script(redis_scripts.EVENT)
        self._outcome = client.register_script(redis_scripts.OUTCOME)
        usecase = self.plan.usecase
        self._times = plain_values.times(usecase, self.plan.remembered)
        self._late = [c.name for c in usecase.unknown]
        self._late_times = plain_values.times(usecase, self._late)

    @property
    def watermark(self) -> int:
        """The sequence of this process's last row."""
        return self.sequence

    @property
    def newest_time(self) -> int:
        """Of the events that any process counted, microseconds since 1970; 0: none, or they have no time."""
        if self.plan.usecase.time is None:
            return 0
        with redis_errors():
            return int(self.client.get(self.keys.of("newest")) or 0)

    def values(self, event: RawEvent, draft: Draft | None = None) -> list[float]:
        """The event's histories, in the order of `FeatureSet.aggregates`; those in the draft count as well."""
        size = len(self.plan.usecase.aggregates)
        counts, totals = [0] * size, [0] * size
        if size:
            self._histories(event).read(event, counts, totals)
            if draft is not None:
                draft.read(event, counts, totals)
        return self.plan.values(counts, totals)

    def unknown(self, event: RawEvent, draft: Draft | None = None) -> list[str]:
        """The names of the entities whose id was not seen, as far back as their longest window."""
        if not self.plan.tile_tables:
            return []
        seen = self._histories(event).seen(event)
        also = draft.seen(event) if draft is not None else {}
        return [name for name, known in seen.items() if not (known or also.get(name))]

    def missing_days(self, event: RawEvent) -> int:
        """Whole days before the event's midnight, within its longest window, of which nothing was received."""
        if not self.plan.tile_tables:
            return 0
        day = micros(event[str(self.plan.usecase.time)]) // DAY
        first = day - self.plan.longest
        if self.days.missing(first, day):
            with redis_errors():
                for member in self.client.smembers(self.keys.of("days")):
                    self.days.add(int(member))
        return self.days.missing(first, day)

    def draft(self) -> Histories:
        """An empty draft for a request of several events."""
        return Histories(self.plan)

    def find(self, key: Key, time: int | None) -> Claim | None:  # noqa: ARG002
        """The claim on a key, by whichever process."""
        with redis_errors():
            held = self.client.get(self.keys.claim(key))
        return None if held is None else _claim(held)

    def add_event(self, row: LoggedEvent) -> Claim | None:
        """Count an event and claim its key; the claim of whoever was first.

        `watermark` is its sequence then. A shadow's row takes a sequence and counts nowhere.
        """
        return self._add_event(row, given="")

    def add_outcome(self, row: LoggedOutcome) -> bool:
        """Count an outcome; False where its event is not known: it counts once that comes."""
        return self._add_outcome(row, given="")

    def fold(self, row: LoggedEvent | LoggedOutcome) -> None:
        """Count a row of the log that this server may have lost, under the sequence that it has."""
        if isinstance(row, LoggedOutcome):
            self._add_outcome(row, str(row.sequence))
        else:
            self._add_event(row, str(row.sequence))

    def _add_event(self, row: LoggedEvent, given: str) -> Claim | None:
        at = self._moment(row)
        recent_from, as_of = self._seeded
        if row.mode == "shadow" or (at.day < recent_from and row.received < as_of):
            self._pass(given, row.sequence)
            return None
        event = entries.with_derived(self.plan, row.event, row.derived)
        remembered = plain_values.dumps([at.day, *(event[n] for n in self.plan.remembered)])
        added, outcome = entries.of_event(self.plan, event, at), b""
        while True:
            word, *rest = self._run_event(row, at, remembered, added, outcome, given)
            if word != b"waiting":
                break
            outcome = rest[0]
            added = entries.of_event(self.plan, event, at) + self._settled(event, outcome)
        self._reads.clear()
        if word == b"claimed":
            return _claim(rest[0])
        self._advance(int(rest[0]), given)
        return None

    def _run_event(
        self,
        row: LoggedEvent,
        at: Moment,
        remembered: str,
        added: Sequence[SumIncrement],
        outcome: bytes,
        given: str,
    ) -> list[Any]:
        keys = self.keys
        hashes, packed = self._packed(added, at.day)
        shared = [keys.of("days"), keys.of("newest")]
        own = [keys.claim(row.key), keys.event(row.key), keys.outcome(row.key)]
        args = [row.digest[:DIGEST].ljust(DIGEST, b"\0") + row.answer, keys.claimed_ms, remembered]
        args += [keys.remembered_ms, at.day, given, outcome, packed, at.micros]
        return self._run(self._event, [*self._names, *shared, *own, *hashes], args)

    def _add_outcome(self, row: LoggedOutcome, given: str) -> bool:
        keys, values = self.keys, plain_values.late(self.plan.usecase, row.values)
        outcome = plain_values.dumps([row.known_at, *values]).encode()
        while True:
            known, newest, event = self._waiting(row.key)
            added = [] if event is None else self._settled(event, outcome)
            hashes, packed = self._packed(added, min(newest, row.known_at // DAY))
            own_keys = [keys.event(row.key), keys.outcome(row.key)]
            args = [outcome, keys.remembered_ms, known, given, packed]
            word, *rest = self._run(self._outcome, [*self._names, *own_keys, *hashes], args)
            if word != b"known":
                break
        self._reads.clear()
        self._advance(int(rest[0]), given)
        return bool(rest[1])

    def _waiting(self, key: Key) -> tuple[int, int, RawEvent | None]:
        """Whether an event waits for its outcome (1), is not known (0) or waited too long (2); the newest day; the event."""
        with redis_errors():
            held, newest = self.client.mget(self.keys.event(key), self.keys.of("newest"))
        newest_day = int(newest or 0) // DAY
        if held is None:
            return 0, newest_day, None
        day, *values = plain_values.loads(held, (False, *self._times))
        if day < newest_day - self.keys.remember_days:
            return 2, newest_day, None
        return 1, newest_day, dict(zip(self.plan.remembered, values, strict=True))

    def _settled(self, event: RawEvent, outcome: bytes) -> list[SumIncrement]:
        """What an event's outcome adds."""
        known_at, *values = plain_values.loads(outcome, (False, *self._late_times))
        late = dict(zip(self._late, values, strict=True))
        return entries.of_outcome(self.plan, event, late, Moment.of(known_at))

    def _packed(self, added: Sequence[SumIncrement], day: int) -> tuple[list[bytes], bytes]:
        pairs = [pair for entry in added for pair in self.keys.packed(entry, day)]
        return [key for key, _ in pairs], _pack([entry for _, entry in pairs])

    def _pass(self, given: str, sequence: int) -> None:
        """Take a sequence for a row that counts nowhere."""
        if given:
            self.sequence = max(self.sequence, sequence)
        else:
            with redis_errors():
                sequence = int(self.client.incr(self.keys.sequence))
            self._advance(sequence, given)

    def _advance(self, sequence: int, given: str) -> None:
        """Take a sequence; StateError, from now on, where the server went back to an older copy of itself."""
        if not given and sequence <= self.sequence:
            self._gone = True
            raise lost()
        self.sequence = max(self.sequence, sequence)

    def _run(self, script: Any, keys: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        if self._gone:
            raise lost()
        with redis_errors():
            result = script(keys=keys, args=args)
        if result[0] == b"lost":
            raise lost()
        return list(result)

    def _histories(self, event: RawEvent) -> Histories:
        if self._gone:
            raise lost()
        return self._reads.histories(event)

    def _moment(self, row: LoggedEvent) -> Moment:
        name = self.plan.usecase.time
        return Moment.of(row.received if name is None else micros(row.event[name]))


def _claim(held: bytes) -> Claim:
    return Claim(held[:DIGEST], held[DIGEST:])
