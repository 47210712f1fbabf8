"""The sections of evaluate.json on fairness: rates by group, the gaps between them, and declared limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.interval import Figure, Interval, PairedDifference


class GroupRate(Interval):
    """A rate of a group; `of`: the rows that it is taken of."""

    of: int


class GroupRates(SparseDocument):
    """A group's rows and rates: of a classification the first two, of a regression the others."""

    rows: int
    recall: GroupRate | None = None
    false_alarm_rate: GroupRate | None = None
    mae: GroupRate | None = None
    bias: GroupRate | None = None

    def rate(self, name: str) -> GroupRate:
        """The rate of this name."""
        rates = {
            "recall": self.recall,
            "false_alarm_rate": self.false_alarm_rate,
            "mae": self.mae,
            "bias": self.bias,
        }
        return rates[name] or UNKNOWN_RATE


UNKNOWN_RATE = GroupRate(value=None, low=None, high=None, of=0)


class WidestGap(Interval):
    """The widest gap in a rate between two groups; its interval allows for all pairs.

    `at_least`, `at_most`: ends that hold for the gaps of all pairs together: no gap is above `at_most`, and
    one is above `at_least`. `small`: groups of too few rows for any gap.
    """

    higher: str
    lower: str
    pairs: int
    word: Literal["beyond noise", "within noise"]
    at_least: Figure = None
    at_most: Figure = None
    small: list[str] = Field(default_factory=list)


class GroupFairness(SparseDocument):
    """Rates by group, and per rate the widest gap (null where there are not two groups to compare).

    `decided`: the gaps where an event counts as flagged that the declared decisions do not let through.
    """

    groups: dict[str, GroupRates]
    gaps: dict[str, WidestGap | None]
    decided: dict[str, WidestGap | None] | None = None

    def in_force(self, rate: str) -> WidestGap | None:
        """The gap in what is done: by the decisions where there are any."""
        return (self.decided or self.gaps).get(rate)


class GapVerdict(Document):
    """A declared limit of a gap, and what the test window says of it.

    `gap`: the widest among the groups that the limit names, all of `by` where it names none; null where there
    are not two to compare.
    """

    by: str
    rate: str
    groups: list[str]
    most: float
    gap: WidestGap | None
    word: Literal["pass", "fail", "cannot tell"]
    reason: str


class GapPair(Document):
    """The widest gap in a rate with weights and without."""

    reweighed: WidestGap | None
    without: WidestGap | None


class ReweighingEvidence(Document):
    """A reweighed model minus the same one without weights: primary metric and cost, paired; gaps by rate."""

    column: str
    strength: float
    differences: dict[str, PairedDifference]
    gaps: dict[str, GapPair]
