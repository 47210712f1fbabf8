"""The explanation of an event's score, as `explain --json` writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plumbline.core.documents import Document
from plumbline.ops.lineage.lineage_document import LineageDocument

FeatureValue = float | int | str | None
"""A feature's value; a code as the category that it stands for; None for null."""


class FeatureShift(Document):
    """What a feature added to the score."""

    feature: str
    value: FeatureValue
    contribution: float
    description: str


class OffsetShift(Document):
    """What the offset added; `feature` None where there is none."""

    feature: str | None
    value: float


class SimilarEvent(Document):
    """A past event: how far it is (0 to 1), its label, its values of the features that counted most."""

    key: FeatureValue
    time: str | None
    apart: float
    label: FeatureValue
    values: dict[str, FeatureValue]


class SimilarEvents(Document):
    """The nearest of the events searched, and the mean label of those counted and of all; of several classes the
    share of the one decided on.
    """

    searched: int
    nearest: list[SimilarEvent]
    counted: int
    mean_label: float
    mean_label_of_all: float


class LineageOrNote(Document):
    """The chain behind a prediction, or why there is none."""

    chain: LineageDocument | None
    note: str | None


class Explanation(Document):
    """Score and decision (of several classes also each probability); base + offset + contributions = total, in `scale`; similar events; lineage."""

    usecase: str
    key_name: str
    key: str
    time: str | None
    table: str
    row: int
    score: float
    threshold: float | None
    alarm: bool | None
    label_name: str
    label: FeatureValue
    recorded: float | None
    scale: str
    of: Literal["the score", "the score before calibration"]
    base: float
    offset: OffsetShift
    total: float
    contributions: list[FeatureShift]
    similar: SimilarEvents
    lineage: LineageOrNote
    decision: str | None = None
    probabilities: dict[str, float] = Field(default_factory=dict)
