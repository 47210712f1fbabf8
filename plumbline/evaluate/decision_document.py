"""The sections of evaluate.json about decisions: what is done about events, what it costs, who is treated how."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.evaluate.fairness_document import WidestGap
from plumbline.metrics.interval import Figure, Interval, PairedDifference


class DecidedRows(Document):
    """How many rows a day are decided so, and the share of them that is positive."""

    a_day: float
    positive: Figure


class DecidedSegment(Document):
    """A segment of the test window: its thresholds, whether they are its own, and how it is decided.

    `rates`: the shares of its positives, and of its negatives, that are not let through.
    """

    review: Figure
    block: Figure
    own: bool
    rows: int
    positives: int
    decided: dict[str, int]
    recall: Figure
    false_alarm_rate: Figure


class ReviewLoad(Document):
    """The reviews beside their capacity: on how many days there are more, and how many are left out."""

    capacity: int
    a_day: float
    most: int
    days_over: int
    left_out: int
    worth: float


class DecisionEvidence(Document):
    """What the decisions cost on the test window, paired with simpler ways to decide.

    `rates`: where a rate is equalised, the widest gap between segments with one threshold, and with the decisions.
    """

    unit: str
    days: int
    names: list[str]
    column: str | None
    edges: list[float]
    equal: str | None
    positive_from: Figure
    decided: dict[str, DecidedRows]
    segments: dict[str, DecidedSegment]
    load: ReviewLoad | None
    cost: Interval
    cost_a_day: Interval
    others: dict[str, Interval]
    differences: dict[str, PairedDifference]
    gaps: dict[str, WidestGap | None]
