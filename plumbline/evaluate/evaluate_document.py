"""The document that the evaluate stage writes (evaluate.json): every figure with its interval."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from plumbline.core.declarations import Problem
from plumbline.core.documents import Document, SparseDocument
from plumbline.evaluate.class_document import ClassEvidence
from plumbline.evaluate.decision_document import DecisionEvidence
from plumbline.evaluate.fairness_document import GapVerdict, GroupFairness, ReweighingEvidence
from plumbline.evaluate.subgroup_document import SubgroupSearch
from plumbline.metrics.cost_matrix import Costs
from plumbline.metrics.interval import Figure, Interval
from plumbline.metrics.interval import PairedDifference as PairedDifference
from plumbline.model.calibration import Kind
from plumbline.model.footprint import Footprint

PassOrFail = Literal["pass", "fail"]
CheckWord = Literal["pass", "fail", "cannot tell"]


class GroupFigure(Interval):
    """The primary metric of a group of rows."""

    rows: int


class MonthFigure(GroupFigure):
    """The primary metric of a month, and the differences to the baselines."""

    differences: dict[str, PairedDifference]


class RowCounts(SparseDocument):
    """Rows, days and positives of the test window."""

    test: int
    days: int | None = None
    positives: int | None = None


class BehaviourOutcome(Document):
    """How many pairs of events were as expected."""

    pairs: int
    share: float
    required: float
    expect: str
    holds: bool


class AcceptanceGate(Document):
    """The verdict, each check's, and the reasons."""

    verdict: PassOrFail
    checks: dict[str, CheckWord]
    reasons: list[str]


class LeakSuspicion(Document):
    """Columns that nearly give the label; `key`: what declares them harmless, `harmless`: why they are."""

    key: str
    text: str
    measure: str
    figure: float
    harmless: str | None

    @property
    def sentence(self) -> str:
        """What is suspected, with its figure."""
        return f"{self.text} ({self.measure} {self.figure:.3f})"


class LeakSearch(Document):
    """What was found among so many columns; `unused`: declared harmless, and not suspected.

    No columns: the rows are too few to search. `persistence`: what the last known labels reach by themselves,
    null where that is little; histories may reach as much.
    """

    columns: int
    found: list[LeakSuspicion]
    persistence: float | None
    unused: list[str]


class EvaluateChoices(Document):
    """The params under which the figures were taken."""

    level: float
    bootstrap: int
    k: int
    false_alarm_rate: float


class FeatureShare(Document):
    """A feature's share of the total gain."""

    feature: str
    share: float


class ServedRows(SparseDocument):
    """A model table: its days, rows, and the share of positives or the mean label."""

    rows: int
    start: str | None = None
    end: str | None = None
    label_rate: Figure = None  # of a classification
    label_mean: Figure = None  # of a regression
    class_rows: dict[str, int] | None = None  # of several classes
    without_label: int | None = None
    ineligible: int | None = None  # rows that are not scored


class DataOrigin(SparseDocument):
    """Where the rows came from, what was set aside, and what each table serves."""

    source: str
    sha256: str | None
    span: list[str] | None
    as_of: str | None
    rows: dict[str, dict[str, int]]
    quarantined: dict[str, dict[str, int]]
    windows: dict[str, ServedRows]
    md5: dict[str, str]
    irregularities: list[str] = Field(default_factory=list)  # that validate saw in the table
    left_out: dict[str, int] = Field(default_factory=dict)  # rows by rule of the contract's `only`
    let_through: list[str] = Field(default_factory=list)  # what a waiver let pass, with its reason
    plan: list[str] = Field(default_factory=list)  # the gap to the plan of the data, in words


class ProbabilityBin(Interval):
    """The share of positives in a bin of predicted probability."""

    predicted: float
    rows: int


class CalibrationEvidence(Document):
    """How far the probabilities are from the shares of positives."""

    kind: Kind
    ece: Interval
    relative: Interval
    uncalibrated: Interval
    noise: float
    bins: list[ProbabilityBin]
    bins_uncalibrated: list[ProbabilityBin]


class PolicyFigures(Document):
    """A policy's alarms and cost."""

    description: str
    threshold: Figure
    alarms_a_day: float
    precision: Figure
    recall: Figure
    cost: Interval
    cost_a_day: Interval


class PolicyEvidence(Document):
    """Policies in money, and the paired differences of the model's cost to each other's."""

    unit: str
    days: int
    policies: dict[str, PolicyFigures]
    differences: dict[str, PairedDifference]
    limited: dict[str, PairedDifference]


class EntityPrecision(Document):
    """The share of positives in what each entity is shown, mean over entities; and in any order."""

    entity: str
    item: str
    k: int
    entities: int
    removed: int  # rows of test whose item the entity is known to have
    precision: Interval
    any_order: Interval


class EvaluateDocument(SparseDocument):
    """evaluate.json: the figures of a bundle on the test window, and the acceptance gate's verdict.

    `calibration` and `policies` belong to a classification, `months` to a table with time.
    """

    problem: Problem
    primary: str
    rows: RowCounts
    metrics: dict[str, Interval]
    baselines: dict[str, dict[str, Figure]]
    differences: dict[str, PairedDifference]
    slices: dict[str, dict[str, GroupFigure]]
    floors: dict[str, Figure]
    months: dict[str, MonthFigure] | None = None
    behaviours: dict[str, BehaviourOutcome]
    fairness: dict[str, GroupFairness]
    subgroups: SubgroupSearch
    calibration: CalibrationEvidence | None = None
    policies: PolicyEvidence | None = None
    decisions: DecisionEvidence | None = None  # where `train.decisions` is declared
    reweighing: ReweighingEvidence | None = None  # where `train.reweigh` is declared
    footprint: Footprint | None = None  # of a version that counts it
    gap_limits: list[GapVerdict] | None = None  # where `evaluate.max_gaps` are declared
    per_entity: EntityPrecision | None = None  # where `top` is declared
    classes: ClassEvidence | None = None  # of several classes
    costs: Costs | None
    settings: EvaluateChoices
    training: dict[str, Any]
    important: list[FeatureShare]
    data: DataOrigin
    sampled: list[str] | None = None  # what was computed from some rows, of very many
    leaks: LeakSearch | None = None  # of a version that searches for them
    gate: AcceptanceGate
