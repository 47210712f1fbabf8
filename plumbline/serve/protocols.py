"""What the parts of online serving hand to each other: claims, rows of the log, and what each part does. Pure.

A request's event is checked (`checks`), looked up in the log (`Claims.find`), given its histories
(`State.values`), scored (`scorer`), folded into the state and appended to the log, in this order and in one
thread. Times are UTC: of events naive datetimes, of the service microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from plumbline.core.errors import PlumblineError
from plumbline.serve.single_event import RawEvent

Key = int | str
"""An event's key: the value of the contract's key column."""
Flag = Literal["late", "unknown", "defaulted", "stale", "unlogged"]
Mode = Literal["live", "shadow"]


class LogError(PlumblineError):
    """The prediction log cannot be written, or not by this process: what is the matter, what to do."""


class StateError(PlumblineError):
    """The online state cannot be read or written: what is the matter, what to do."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of a key that was answered before: the digest of its event, and the answer's bytes."""

    digest: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as it was served: a row of the prediction log.

    `sequence`: its place in the received order, from 1, gapless per log. `digest`: 16 bytes of the checked
    event's canonical JSON. `aggregates`: histories in the order of `FeatureSet.aggregates`, before row functions;
    `computed`: row features as declared, then category codes. `raw`: before calibration; of several classes
    one each, as `score`. `answer`: the bytes that were answered. `watermark`: the sequence that the state
    had folded. `action`, `propensity`: what was done and how probable that was (1.0 where nothing is drawn).
    """

    sequence: int
    received: int  # microseconds since 1970
    request_id: str
    key: Key
    digest: bytes
    event: RawEvent
    aggregates: tuple[float, ...]
    computed: tuple[float, ...]
    derived: tuple[int | None, ...]  # in the order of `FeatureSet.derived`
    raw: tuple[float, ...]
    score: tuple[float, ...]
    alarm: bool | None
    decision: str | None
    action: str
    propensity: float
    arm: str
    mode: Mode
    route_version: int
    bundle: str  # md5 of the bundle's folder, as DVC names it
    definitions: str  # md5 of the features' definitions
    watermark: int
    flags: tuple[Flag, ...]
    micros: int  # from the body's last byte to the answer
    answer: bytes


@dataclass(frozen=True, slots=True)
class LoggedOutcome:
    """One outcome as it was received: a row of the log's outcomes; the same sequence counts both.

    `values`: the columns not known at prediction time. `known_at`: microseconds since 1970. `matched`: whether
    its event was known.
    """

    sequence: int
    received: int
    request_id: str
    key: Key
    digest: bytes
    known_at: int
    values: Mapping[str, Any]
    matched: bool


class Claims(Protocol):
    """Which keys were answered before."""

    def find(self, key: Key, time: int | None) -> Claim | None:
        """The claim on a key whose event has this time (microseconds since 1970; None: events have none)."""
        ...


class Draft(Protocol):
    """The earlier events of one request: they count for those after them before any of them is folded."""

    def add_event(self, event: RawEvent) -> None:
        """Count an event with its derived features, named as in `FeatureSet.derived`."""
        ...

    def read(self, event: RawEvent, counts: list[int], totals: list[int]) -> None:
        """Add to the counts and sums of another event's histories."""
        ...

    def seen(self, event: RawEvent) -> dict[str, bool]:
        """By entity, whether the event's id was seen."""
        ...


class State(Protocol):
    """The fold of the prediction log over the commit's tiles.

    What it gives depends on the set of rows folded, not on their order: an event's histories are those that
    the batch computes from the seed and these rows, whatever the order in which they came. A shadow's row counts
    nowhere. Raises StateError where the state cannot be reached: 503.
    """

    @property
    def watermark(self) -> int:
        """The last sequence folded; 0 with the seed alone."""
        ...

    @property
    def newest_time(self) -> int:
        """Of the events that were folded, microseconds since 1970; 0: none, or they have no time."""
        ...

    def draft(self) -> Draft:
        """An empty draft, for a request of several events."""
        ...

    def values(self, event: RawEvent, draft: Draft | None = None) -> list[float]:
        """The event's histories, in the order of `FeatureSet.aggregates`; those in the draft count as well."""
        ...

    def unknown(self, event: RawEvent, draft: Draft | None = None) -> list[str]:
        """The names of the entities whose id was not seen, as far back as their longest window."""
        ...

    def missing_days(self, event: RawEvent) -> int:
        """Whole days before the event's midnight, within its longest window, of which nothing was received."""
        ...

    def add_event(self, row: LoggedEvent) -> Claim | None:
        """Fold an event; None, or the claim of whoever was first (only where several processes serve)."""
        ...

    def add_outcome(self, row: LoggedOutcome) -> bool:
        """Fold an outcome; False where its event is not known: it counts once that comes. Of several the first counts."""
        ...


class Log(Claims, Protocol):
    """The prediction log: the truth of what was served.

    One request: `find` each event; `ready`; per event `next_sequence` and the row; `append` of all rows at
    once; `durable` before the answer, also before the answer of a retry. Nothing is awaited between `ready`
    and `append`, so a request that fails in between takes no sequence.
    """

    def ready(self) -> bool:
        """Whether the rows of the next request will be logged.

        False: the log is broken and the service goes on. The events are answered with the flag "unlogged", and
        neither appended nor folded, so that the state stays the fold of the log. Raises LogError where the
        service may not go on: 503.
        """
        ...

    def next_sequence(self) -> int:
        """The sequence of the next row, which is taken when the row is appended."""
        ...

    def append(self, rows: Sequence[LoggedEvent | LoggedOutcome]) -> None:
        """Take rows over, all or none: they are in the log from now on, also where the process is killed.

        Raises LogError where a row cannot be written as it is, or follows on no other.
        """
        ...

    async def durable(self) -> None:
        """Return once an answer may go out: its rows are in the log, and on disk where the log is `durable`.

        Raises LogError where that cannot be said: 503. The rows are written when the log recovers, and the same
        event is answered from them then.
        """
        ...
