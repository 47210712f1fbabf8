"""What the parts of online serving hand to each other: claims, rows of the log, and what each part does. Pure.

A request's event is checked (`checks`), looked up in the log (`Claims.find`), given its histories
(`State.values`), scored (`scorer`), folded into the state and appended to the log, in this order and in one
thread. Times are UTC: of events naive datetimes, of the service microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from plumbline.serve.single_event import RawEvent

Key = int | str
"""An event's key: the value of the contract's key column."""
Flag = Literal["late", "unknown", "defaulted", "stale", "unlogged"]
Mode = Literal["live", "shadow"]


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

    def find(self, key: Key, time: int) -> Claim | None:
        """The claim on a key whose event has this time (microseconds since 1970)."""
        ...


class State(Protocol):
    """The fold of the prediction log over the commit's tiles.

    What it gives depends on the set of rows folded, not on their order: an event's histories are those that
    the batch computes from the seed and these rows, whatever the order in which they came.
    """

    @property
    def watermark(self) -> int:
        """The last sequence folded; 0 with the seed alone."""
        ...

    def values(self, event: RawEvent) -> list[float]:
        """The event's histories, in the order of `FeatureSet.aggregates`."""
        ...

    def unknown(self, event: RawEvent) -> list[str]:
        """The names of the entities whose id was never seen."""
        ...

    def missing_days(self, event: RawEvent) -> int:
        """Whole days before the event's midnight, within its longest window, of which nothing was received."""
        ...

    def add_event(self, row: LoggedEvent) -> Claim | None:
        """Fold an event; None, or the claim of whoever was first (only where several processes serve)."""
        ...

    def add_outcome(self, row: LoggedOutcome) -> bool:
        """Fold an outcome; False where its event is not known: it then counts nowhere."""
        ...


class Log(Claims, Protocol):
    """The prediction log: the truth of what was served."""

    def next_sequence(self) -> int:
        """The sequence of the next row, which is then taken."""
        ...

    def append(self, rows: Sequence[LoggedEvent | LoggedOutcome]) -> None:
        """Hand rows to the writer. Raises LogError where the log is broken and the service may not go on."""
        ...

    async def durable(self) -> None:
        """Return once all that was appended is on disk."""
        ...
