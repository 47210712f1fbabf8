"""The comparison of two revisions: what `compare` writes, and the gate and the report read.

Its limits are those of an artifact that a stranger's branch may have written: no unknown key, no text or
list of any length, and no number that cannot be printed.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from typing_extensions import TypeAliasType

from plumbline.core import documents
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps
from plumbline.metrics.bootstrap import Word

FORMAT = 1
TITLE = "What `plumbline compare` writes"
REMEDY = "write it again with `plumbline compare`"

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


class Revision(Part):
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
    word: Word


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


class Windows(Part):
    """Results on head's test window and, where it is another one, on base's."""

    head: Result | None = None
    base: Result | None = None

    def results(self) -> dict[Literal["head", "base"], Result]:
        """Those that there are, by window."""
        both: dict[Literal["head", "base"], Result | None] = {"head": self.head, "base": self.base}
        return {window: result for window, result in both.items() if result is not None}


class Seeds(Part):
    """How many seed replicates measured the noise; `reason`: why there are none."""

    replicates: Annotated[int, Field(ge=0, le=50)]
    reason: Line | None


class DataChanges(Part):
    """Rows, span and as-of date; columns and quarantine counts that differ."""

    rows: Sides
    span: Sides
    as_of: Sides
    columns: Annotated[list[ChangedValue], Field(max_length=1000)]
    quarantine: Annotated[list[ChangedValue], Field(max_length=1000)]


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
    """Head's own acceptance: verdict, reasons, checks, groups below their floor."""

    verdict: Name | None
    reasons: Annotated[list[Line], Field(max_length=200)]
    checks: Annotated[dict[Name, Value], Field(max_length=200)]
    below_floor: Annotated[list[BelowFloor], Field(max_length=500)]


Md5s = Annotated[
    dict[Name, Annotated[dict[Name, Name], Field(max_length=100)]], Field(max_length=20)
]


class Lineage(Part):
    """md5s of data, features and model by path, on both sides."""

    base: Md5s
    head: Md5s


class UseCaseComparison(Part):
    """One use case of head against base and against the last release."""

    problem: Literal["classification", "regression"]
    primary: Name
    units: dict[Name, Name] = Field(default_factory=dict, max_length=10)
    level: Annotated[float, Field(gt=0, lt=1)]
    margin: Annotated[float, Field(ge=0)]
    seeds: Seeds
    limits: Annotated[dict[Name, Figure], Field(max_length=20)]
    override: Line | None
    base: Windows
    release: Windows
    params: Annotated[list[ChangedValue], Field(max_length=1000)]
    stages: Annotated[list[ChangedStage], Field(max_length=50)]
    edges: Annotated[
        list[Annotated[list[Name], Field(min_length=2, max_length=2)]], Field(max_length=500)
    ]
    data: DataChanges
    features: FeatureChanges
    drift: Annotated[list[ColumnDrift], Field(max_length=1000)]
    cost: Annotated[list[StageCost], Field(max_length=500)]
    monitor: MonitorSummary
    evaluate: EvaluateSummary
    blocked: Count
    lineage: Lineage


class LockState(Part):
    """Whether head's dvc.lock is what its files give."""

    md5: Annotated[str, Field(max_length=64)]
    checked: bool
    stale: list[Line] = Field(default_factory=list, max_length=500)
    unlocked: list[Name] = Field(default_factory=list, max_length=500)
    cards: list[Line] = Field(default_factory=list, max_length=500)
    bytes: list[Line] = Field(default_factory=list, max_length=500)
    uncommitted: list[Name] = Field(default_factory=list, max_length=500)


class Reason(Part):
    """A reason against merging; `usecase` is null where it is the whole project's."""

    usecase: str | None
    kind: str
    text: str


class Gate(Part):
    """The merge gate's verdict; `lifted`: reasons that `overrides`, by use case, lift."""

    verdict: Literal["yes", "no", "overridden", "failed"]
    reasons: list[Reason]
    lifted: list[Reason]
    overrides: dict[str, str]


UseCaseName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=100)]


class Evidence(Part):
    """All that the gate judges."""

    format: Literal[1]
    base: Revision
    head: Revision
    release: Revision | None
    failed: FailedStage | None
    packages: list[ChangedValue] = Field(default_factory=list, max_length=1000)
    unchanged: Names
    removed: Names
    usecases: Annotated[dict[UseCaseName, UseCaseComparison], Field(max_length=20)]
    lock: LockState


class Comparison(Evidence):
    """The evidence with the gate's verdict."""

    gate: Gate

    def plain(self) -> dict[str, Any]:
        """As `files.dumps` writes it; what was left out stays out."""
        return self.model_dump(mode="json", exclude_unset=True)


def parse(value: Any, name: str) -> Comparison:
    """A comparison out of JSON; PlumblineError, with `name`, where it is something else."""
    return documents.parse(Comparison, value, f"{name}: not a comparison", REMEDY)


def evidence(sections: dict[str, Any]) -> Evidence:
    """The evidence from its sections, with numbers as JSON holds them."""
    return Evidence.model_validate(json.loads(dumps({"format": FORMAT, **sections})))


def untrusted(value: Any) -> Comparison:
    """A comparison out of a stranger's JSON; PlumblineError, which repeats nothing of it."""
    try:
        return Comparison.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "/".join(str(p) if p in FIELDS else "*" for p in fault["loc"]) or "the whole"
        raise PlumblineError(f"breaks {fault['type']} at {where}") from None
    except RecursionError:
        raise PlumblineError("breaks its depth") from None


def schema() -> dict[str, Any]:
    """The JSON schema, generated from the models."""
    return documents.schema(Comparison, TITLE)


FIELDS = frozenset(name for kind in Part.__subclasses__() for name in kind.model_fields) | {
    name for kind in (ChangedValue, PairedGroup, Comparison) for name in kind.model_fields
}
"""Names that an error may repeat: all others may be a stranger's."""
