"""What the monitor says of served predictions: the part `served` of its verdict, as typed documents."""

from __future__ import annotations

from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.interval import Interval
from plumbline.monitor.verdict import Level


class FeatureSkew(SparseDocument):
    """A feature whose logged value differs from the batch's in `differing` of `rows` served events.

    `own`: rows in which it differs although all that it reads is equal: there its own code, or history, is the
    cause, and `worst` is their share on the worst day. `reads`: what it reads that differs, where that is. `largest`: the largest difference. `request`, `key`:
    of the first event that differs, with both values; null is no number. `until`: the last day with a difference,
    null where it may last.
    """

    name: str
    rows: int
    differing: int
    own: int
    worst: float = 0.0
    reads: tuple[str, ...] = ()
    largest: float | None = None
    first_day: str | None = None
    until: str | None = None
    request: str = ""
    key: str = ""
    served: float | None = None
    batch: float | None = None


class ParityReport(SparseDocument):
    """Logged features against the batch's, of the events that one bundle answered, or scored as a shadow.

    `rows`: its events that the batch has, `equal` those with equal features. `skewed`: the features that differ,
    root causes first. `other_definitions`: rows served with other definitions of the features than this commit's.
    `this_model`: the bundle is this commit's; then `score` says where it gave another score to equal features.
    """

    bundle: str
    live: bool
    this_model: bool
    features: int
    rows: int
    equal: int
    skewed: tuple[FeatureSkew, ...] = ()
    other_definitions: int = 0
    score: FeatureSkew | None = None


class ServedShare(SparseDocument):
    """How many of `rows` events something is true of, in the window and on its worst day.

    `since`, `until`: the days of a finding, null where it lasts, or there is none. `cannot_tell`: why it is not
    judged, "" where it is.
    """

    name: str
    count: int
    rows: int
    level: Level
    worst_day: str | None = None
    worst: float | None = None
    since: str | None = None
    until: str | None = None
    cannot_tell: str = ""

    @property
    def share(self) -> float | None:
        """None without rows."""
        return self.count / self.rows if self.rows else None


class ServedTimes(SparseDocument):
    """Percentiles of a time in the window, in `unit`, and the 99th of its worst day."""

    name: str
    unit: str
    median: float | None
    p95: float | None
    p99: float | None
    largest: float | None
    level: Level
    worst_day: str | None = None
    worst: float | None = None
    since: str | None = None
    until: str | None = None
    cannot_tell: str = ""


class ArmReport(SparseDocument):
    """Live events of an arm and bundle, or a shadow's: traffic, score, alarms, quality on labels that are due.

    `share` of the live events; null for a shadow. `quality`: of the logged score, weighted.
    """

    arm: str
    bundle: str
    mode: str
    rows: int
    share: float | None
    first: str
    last: str
    mean_score: float | None
    alarms: float | None
    labelled: int
    quality: float | None
    this_model: bool = False


class ShadowReport(Document):
    """A shadow's answers against those that were given to the same `rows` events."""

    arm: str
    bundle: str
    rows: int
    mean_difference: float | None
    largest_difference: float | None
    other_alarms: int
    other_decisions: int


class DecisionFeedback(Document):
    """Served events of a decision whose label is due, those with a label, and those that passed by chance."""

    decision: str
    rows: int
    due: int
    known: int
    withheld: int
    passed: int


class FeedbackReport(Document):
    """Labels of served events: `due` by now, `known`, and `withheld` by the decision."""

    rows: int
    due: int
    known: int
    withheld: int
    passed: int
    decisions: tuple[DecisionFeedback, ...]


class ServedQuality(SparseDocument):
    """Quality of a bundle's logged scores and decisions on labels that have come, an event weighted by 1/propensity.

    `metric`: the primary one. `precision`, `recall`: of the logged alarms. `loss`: relative to the reference's
    quality, positive where worse. `cannot_tell`: why there is none, "" where there is.
    """

    bundle: str
    metric: str
    rows: int
    passed: int = 0
    withheld: int = 0
    value: Interval | None = None
    reference: Interval | None = None
    loss: Interval | None = None
    precision: Interval | None = None
    recall: Interval | None = None
    cannot_tell: str = ""


class ServedReport(SparseDocument):
    """What was served in the current window: `events` answered on the days `first` to `last`, `shadows` scored.

    `matched`: answered events that the current window has. `sealed`: the last sealed day.
    """

    first: str
    last: str
    sealed: str | None
    events: int
    shadows: int
    matched: int
    parity: tuple[ParityReport, ...]
    shares: tuple[ServedShare, ...]
    times: tuple[ServedTimes, ...]
    arms: tuple[ArmReport, ...]
    shadow: tuple[ShadowReport, ...]
    feedback: FeedbackReport
    quality: tuple[ServedQuality, ...]
