"""The sections of a comparison of two revisions, and the limits that each value keeps.

An artifact may be written by a stranger's branch: no unknown key, no text or list of any length, and no
number that cannot be printed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from plumbline.core.documents import Document
from plumbline.metrics.bootstrap import PairedWord

Name = Annotated[str, Field(max_length=200)]
Line = Annotated[str, Field(max_length=2000)]
Names = Annotated[list[Name], Field(max_length=1000)]
Figure = Annotated[float, Field(ge=-1e300, le=1e300)] | None
Count = Annotated[int, Field(ge=0, le=10**15)]
Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
Change = Literal["added", "removed", "changed"]
Value = TypeAliasType(
    "Value",
    "bool | Whole | Figure | Line | Annotated[list[Value], Field(max_length=200)]"
    " | Annotated[dict[Name, Value], Field(max_length=200)]",
)
"""A value of a param, a lock or a small JSON."""


class Part(Document):
    """A section: values are taken as they are, not converted."""

    model_config = ConfigDict(strict=True)


class RevisionName(Part):
    """A side by name; `commit` is null for a work tree that differs from its commit."""

    name: Name
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}([0-9a-f]{24})?$")] | None


class FailedStage(Part):
    """The stage of `dvc repro` that failed."""

    stage: Name
    error: Line


class Sides(Part):
    """A value on both sides."""

    base: Value
    head: Value


class ChangedValue(Sides):
    """A value that differs."""

    key: Name


class ChangedPackage(ChangedValue):
    """A locked library whose version differs.

    `reaches`: whether it can change an out; null where a side has no files in environment/. `stages`:
    those that it can reach; `rebuilt`: all of them ran with head's version; `outs`: theirs that differ.
    """

    reaches: bool | None = None
    stages: Names = Field(default_factory=list)
    rebuilt: bool = False
    outs: Names = Field(default_factory=list)


class RuleChange(ChangedValue):
    """What decides on a change, and that the change itself alters; `usecase` null: the project's."""

    usecase: Name | None


class ChangedPath(Part):
    """A dependency or an output that differs."""

    path: Name
    change: Change


class ChangedStage(Part):
    """A stage whose entry in dvc.lock differs, and what differs in it."""

    name: Name
    change: Change
    command: bool
    deps: Annotated[list[ChangedPath], Field(max_length=500)]
    params: Annotated[list[Name], Field(max_length=500)]
    outs: Annotated[list[ChangedPath], Field(max_length=100)]


class Difference(Part):
    """Head minus base, with its interval; `relative` to base."""

    value: Figure
    low: Figure
    high: Figure
    relative: Figure = None
    word: PairedWord


class PairedFigure(Part):
    """A metric of both models, and its paired difference."""

    base: Figure
    head: Figure
    difference: Difference


class PairedGroup(PairedFigure):
    """The primary metric on one group of a slice."""

    rows: Count


class NotComparable(Part):
    """Why two models cannot be compared."""

    comparable: Literal[False]
    reason: Line


class SameModel(Part):
    """Both sides have the same bundle and test table."""

    comparable: Literal[True]
    same: Literal[True]


class PairedResult(Part):
    """Two models on the same rows: by metric, and by slice and group."""

    comparable: Literal[True]
    rows: Count
    metrics: Annotated[dict[Name, PairedFigure], Field(max_length=50)]
    slices: Annotated[
        dict[Name, Annotated[dict[Name, PairedGroup], Field(max_length=200)]],
        Field(max_length=50),
    ]


Result = PairedResult | SameModel | NotComparable


class LostRows(Part):
    """Of base's test rows on the days that head's test table covers, those that head's has not."""

    rows: Count
    of: Count


class Windows(Part):
    """Results on head's test window and, where it is another one, on base's."""

    head: Result | None = None
    base: Result | None = None
    lost: LostRows | None = None

    def results(self) -> dict[Literal["head", "base"], Result]:
        """Those that there are, by window."""
        both: dict[Literal["head", "base"], Result | None] = {"head": self.head, "base": self.base}
        return {window: result for window, result in both.items() if result is not None}


class Seeds(Part):
    """How many seed replicates of head and of base measured the noise; `reason`: why there are none."""

    replicates: Annotated[int, Field(ge=0, le=50)]
    base: Annotated[int, Field(ge=0, le=50)] = 0
    reason: Line | None


class Looks(Part):
    """How many results git has on the test window of head's; `cut`: a part of the history is not there."""

    count: Count
    window: Line
    cut: bool


class DataChanges(Part):
    """Rows, span, as-of date; columns, quarantine counts, sources' manifests that differ; what waivers let through."""

    rows: Sides
    span: Sides
    as_of: Sides
    columns: Annotated[list[ChangedValue], Field(max_length=1000)]
    quarantine: Annotated[list[ChangedValue], Field(max_length=1000)]
    let_through: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)
    sources: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)


class Redefined(Part):
    """A feature whose definition differs, and the parts that do."""

    name: Name
    parts: Names


class FeatureChanges(Part):
    """Features added, removed and redefined; those that joined or left the model."""

    added: Names
    removed: Names
    joined: Names
    left: Names
    redefined: Annotated[list[Redefined], Field(max_length=1000)]
    drifted: Names = Field(default_factory=list)  # in the newest month written, a line each


class ColumnDrift(Part):
    """How far a column of head's newest rows is from base's: PSI, its noise, shares of nulls."""

    column: Name
    psi: Figure
    noise: Figure
    null_base: Figure
    null_head: Figure
    word: Name


class RunCost(Part):
    """What a stage's run took."""

    seconds: Figure
    memory_mb: Figure


class StageCost(Part):
    """What a stage took on both sides; null where that is not known."""

    stage: Name
    base: RunCost | None
    head: RunCost | None


class BundleFigure(Part):
    """A figure of the bundle's size, work or latency on both sides; null where it is not known."""

    name: Name
    what: Name
    base: Figure
    head: Figure


class RetrainAdvice(Part):
    """Whether to retrain, and why."""

    now: bool
    why: Line


class MonitorSummary(Part):
    """Head's verdict on drift."""

    level: Name | None
    summary: Line | None
    retrain: RetrainAdvice | None
    findings: Count


class BelowFloor(Part):
    """A group of a slice whose figure is below its floor beyond noise."""

    slice: Name
    group: Name
    value: float
    floor: float


class EvaluateSummary(Part):
    """Head's own acceptance: verdict, reasons, checks, groups below their floor; what is declared harmless."""

    verdict: Name | None
    reasons: Annotated[list[Line], Field(max_length=200)]
    checks: Annotated[dict[Name, Value], Field(max_length=200)]
    below_floor: Annotated[list[BelowFloor], Field(max_length=500)]
    harmless: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)


Md5s = Annotated[
    dict[Name, Annotated[dict[Name, Name], Field(max_length=100)]], Field(max_length=20)
]


class Lineage(Part):
    """md5s of data, features and model by path, on both sides."""

    base: Md5s
    head: Md5s
