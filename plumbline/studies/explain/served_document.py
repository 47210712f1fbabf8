"""The explanation of a served event, as `explain --json` writes it."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.ops.lineage.lineage_document import ServedPrediction
from plumbline.serve.online.explain import ServedExplanation
from plumbline.studies.explain.explanation_document import LineageOrNote

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


class ServedEventRecord(Document):
    """An answer with all that the log keeps of it, by name; its reasons, or why there are none; its lineage."""

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
    lineage: LineageOrNote


class ServedEvents(Document):
    """The events that were asked for; `left_out`: those of the same request that are not listed."""

    events: list[ServedEventRecord]
    left_out: int
