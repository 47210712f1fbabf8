"""The verdict that the stage writes, metrics/<usecase>/monitor.json, as a typed document.

Only `level` and `findings` are required: what a table without time or labels cannot have is left out
or null, and what stands in for a verdict that could not be read has nothing else.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from plumbline.core import documents
from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.interval import Interval
from plumbline.monitor.served.served_report import ServedReport
from plumbline.monitor.verdict import Level

REMEDY = "run the monitor again: `dvc repro -f monitor`"


class ReportedFinding(SparseDocument):
    """What a check found: where, how large (`size` in `unit`), since when, why, and what to do.

    `importance`: share of the model's gain that depends on the column. `since`: the first day of an
    unbroken run of findings. `cause`: the likely one, "" where unknown. `next`: the next step. `until`: the last day
    of what is over, left out of what may last.
    """

    check: str
    level: Level
    column: str | None = None
    size: float | None = None
    unit: str = ""
    importance: float | None = None
    evidence: str = ""
    cause: str = ""
    since: str | None = None
    next: str = ""
    until: str | None = None


class RetrainRecommendation(Document):
    """Whether to retrain now, and why or why not."""

    now: bool
    why: str


class ShelfLife(Document):
    """The model's age in days, and the measured age at which it is due for retraining."""

    days: int | None
    age_days: int | None
    text: str


class BlindDays(Document):
    """Days whose labels are not known yet: concept drift in them cannot be seen before `until`."""

    first: str
    last: str
    until: str
    rows: int


class WindowFacts(SparseDocument):
    """Rows of a window, those with a known label, and its days (left out for a table without time)."""

    rows: int
    labelled: int | None = None
    first: str | None = None
    last: str | None = None
    days: int | None = None


class ComparedWindows(SparseDocument):
    """The window judged, and the one that it is compared with."""

    current: WindowFacts
    reference: WindowFacts | None = None


class ScoreOfDay(Document):
    """The mean score of a period, and its shift in standard deviations of the score's rank."""

    mean: float | None
    shift: float | None


class OutliersOfDay(Document):
    """Rows beyond the extremes of the reference, and how many its past lets expect.

    `predictions`: by their score; `rows`: by a feature that the model relies on; `disallowed`: by the
    contract's range of a column.
    """

    predictions: int
    predictions_expected: float
    rows: int
    rows_expected: float
    disallowed: int


class QualityOfDay(Document):
    """The primary metric of a period with a 95 % interval; `maturity`: share of rows with a label."""

    value: float
    low: float
    high: float
    maturity: float


class DayVerdict(SparseDocument):
    """One period's verdict; `day` is its first, null for a table without time."""

    day: str | None
    level: Level
    rows: int | None = None
    findings: tuple[ReportedFinding, ...] = ()
    score: ScoreOfDay | None = None
    outliers: OutliersOfDay | None = None
    quality: QualityOfDay | None = None


class ColumnReport(SparseDocument):
    """A monitored column over the whole current window.

    `importance`: its own share of the model's gain; `reach`: that of it and of the features that read
    it. `problem`: why it could not be compared; then there are no figures. `psi` in nats, `shift` in
    standard deviations of the rank; shares of nulls in both windows.
    """

    name: str
    level: Level
    importance: float | None = None
    reach: float | None = None
    problem: str | None = None
    null_reference: float | None = None
    null_current: float | None = None
    psi: float | None = None
    shift: float | None = None


class ColumnDistribution(Document):
    """Shares of the rows by bin in both windows; `bins` are labels for a reader."""

    name: str
    kind: str
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


class SegmentShare(Document):
    """The share of the rows with one value of a categorical column, in both windows."""

    column: str
    value: str
    reference: float
    current: float


class PredictionShift(Document):
    """How far the scores of the whole current window have moved: PSI in nats, shift of the rank."""

    psi: float
    shift: float


class FigurePair(Document):
    """A figure of the reference and of the current window."""

    reference: Interval
    current: Interval


class LabelledRows(Document):
    """Rows with a known label that the quality is measured on."""

    reference: int
    current: int


class QualityReport(SparseDocument):
    """The primary metric on known labels. `loss` is relative to the reference, positive where worse.

    `why_not`: why there are no figures, "" where there are.
    """

    metric: str
    rows: LabelledRows
    why_not: str = ""
    value: FigurePair | None = None
    mean_label: FigurePair | None = None
    mean_score: FigurePair | None = None
    loss: Interval | None = None


class QualityEstimate(Document):
    """The primary metric to be expected from the scores alone; `muted`: why there is none."""

    value: float | None
    metric: str
    assumptions: str
    muted: str | None


class PrevalenceReport(SparseDocument):
    """The share of cases: known in the reference, estimated from the scores alone in the current window.

    `known`: by the `rows` labels of the current window that have come in; `on_known`: the estimate for the
    same rows. `separation`: true minus false positive rate at `threshold`. `cannot_tell`: why the estimate
    is not to be relied on, "" where it is.
    """

    assumptions: str
    cannot_tell: str = ""
    reference: Interval | None = None
    current: Interval | None = None
    known: Interval | None = None
    on_known: Interval | None = None
    rows: int = 0
    separation: float | None = None
    threshold: float | None = None


class WeekReport(Document):
    """Seven days from `first` in the window named: rows, those with a label, their primary metric."""

    window: str
    first: str
    rows: int
    labelled: int
    quality: float | None


class ClassReport(SparseDocument):
    """A class of several: its share of the known labels, and its probability, in both windows.

    `psi` in nats and `shift` in standard deviations of the rank: how far the probability has moved.
    """

    name: str
    share: FigurePair | None = None
    probability_reference: float | None = None
    probability_current: float | None = None
    psi: float | None = None
    shift: float | None = None


class MonitorResult(SparseDocument):
    """The verdict of a run with its evidence.

    `cold`: why drift can only be a warning, "" where it can be judged. `promise`: how often an alert
    is false. `prediction` is null without rows. `period_days`: the length of the periods in `days`. `served`: what
    was answered in production, left out where nothing was.
    """

    level: Level
    findings: tuple[ReportedFinding, ...]
    summary: str = ""
    promise: str = ""
    retrain: RetrainRecommendation | None = None
    shelf_life: ShelfLife | None = None
    checks: tuple[str, ...] = ()
    cold: str = ""
    days: tuple[DayVerdict, ...] = ()
    period_days: int = 1
    columns: tuple[ColumnReport, ...] = ()
    distributions: tuple[ColumnDistribution, ...] = ()
    segments: tuple[SegmentShare, ...] = ()
    prediction: PredictionShift | None = None
    classes: tuple[ClassReport, ...] = ()
    quality: QualityReport | None = None
    estimate: QualityEstimate | None = None
    prevalence: PrevalenceReport | None = None
    blind: BlindDays | None = None
    windows: ComparedWindows | None = None
    weeks: tuple[WeekReport, ...] = ()
    served: ServedReport | None = None

    @model_validator(mode="after")
    def _level_of_a_finding(self) -> MonitorResult:
        if self.level not in {"ok", *(f.level for f in self.findings)}:
            raise ValueError(f"level is {self.level}, but no finding's is")
        return self


def read(path: Path) -> MonitorResult:
    """The verdict in the file; PlumblineError where it is missing or damaged."""
    return documents.read(MonitorResult, path, REMEDY)


def broken(evidence: str, next_step: str, check: str = "monitor") -> MonitorResult:
    """The verdict that replaces a missing one, which is not a healthy one: an alert."""
    finding = ReportedFinding(check=check, level="alert", evidence=evidence, next=next_step)
    return MonitorResult(level="alert", findings=(finding,))
