"""The explanation of a served event, as `explain --json` writes it."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.ops.lineage.lineage_document import ServedPrediction
from plumbline.serve.online.explain import ServedExplanation
from plumbline.studies.explain.explanation_document import LineageOrNote, SimilarEvents

EventValue = bool | int | float | str | None
"""A plain value; a time as ISO 8601."""


class ShadowScore(Document):
    """What a shadow made of the same event."""

    arm: str
    bundle: str
    score: list[float]
    alarm: bool | None
    decision: str | None


class ServedOutcome(Document):
    """What became of the event, as it was reported; times as ISO 8601 in UTC."""

    received: str
    known_at: str
    values: dict[str, EventValue]
    matched: bool


class ServedRoute(Document):
    """Why this arm answered: the entity's `slot` of 100 by the hash of `salt` and `value`, in the routes of then.

    `since`, `what`: when the routes were changed to this version, and by what. `agrees`: they give the arm and the
    bundle that the log has.
    """

    version: int
    since: str
    what: str
    by: str
    value: str
    salt: str
    slot: int
    arm: str
    weights: dict[str, int]
    agrees: bool


class ServedTile(Document):
    """A tile of one of the event's entities: what is counted and summed in a day, an hour or a moment from `start` on."""

    entity: str
    id: str
    grain: str
    start: str
    counts: dict[str, int]
    sums: dict[str, int]


class ServedHistories(Document):
    """The tiles in reach of the event's windows, of the seed and the rows folded before it. `differing`: histories that are
    not the logged ones when they are added up again; none where the tiles are those of then.
    """

    seed: str
    as_of: str | None
    differing: list[str]
    tiles: list[ServedTile]


class ServedEventRecord(Document):
    """An answer with all that the log keeps of it, by name; its reasons, or why there are none; its lineage.

    A text in place of `route`, `histories` or `similar` says why it is not known.
    """

    facts: ServedPrediction
    event: dict[str, EventValue]
    aggregates: dict[str, float | None]
    computed: dict[str, float | None]
    derived: dict[str, int | None]
    raw: list[float]
    action: str
    propensity: float
    flags: list[str]
    micros: int
    answer: str
    shadows: list[ShadowScore]
    outcomes: list[ServedOutcome]
    explanation: ServedExplanation | None
    explanation_note: str | None
    route: ServedRoute | str
    histories: ServedHistories | str
    similar: SimilarEvents | str
    lineage: LineageOrNote


class ServedEvents(Document):
    """The events that were asked for; `left_out`: those of the same request that are not listed."""

    events: list[ServedEventRecord]
    left_out: int
