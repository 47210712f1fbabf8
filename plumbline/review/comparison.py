"""The comparison of two revisions: what `compare` writes, and the gate and the report read.

Its limits are those of an artifact that a stranger's branch may have written: no unknown key, no text or
list of any length, and no number that cannot be printed.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps
from plumbline.review.comparison_sections import (
    BundleFigure,
    ChangedPackage,
    ChangedStage,
    ChangedValue,
    ColumnDrift,
    Count,
    DataChanges,
    EvaluateSummary,
    FailedStage,
    FeatureChanges,
    Figure,
    Line,
    Lineage,
    Looks,
    MonitorSummary,
    Name,
    Names,
    PairedGroup,
    Part,
    RevisionName,
    RuleChange,
    Seeds,
    StageCost,
    Windows,
)
from plumbline.review.definition_sections import DefinitionChanges

FORMAT: Literal[1] = 1
TITLE = "What `plumbline compare` writes"
REMEDY = "write it again with `plumbline compare`"


class UseCaseComparison(Part):
    """One use case of head against base and against the last release.

    `by_base`: what base's limits refuse of head's documents, and head's own do not.
    """

    problem: Literal["classification", "multiclass", "regression"]
    primary: Name
    units: dict[Name, Name] = Field(default_factory=dict, max_length=10)
    level: Annotated[float, Field(gt=0, lt=1)]
    margin: Annotated[float, Field(ge=0)]
    seeds: Seeds
    looks: Looks | None = None
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
    bundle: Annotated[list[BundleFigure], Field(max_length=20)] = Field(default_factory=list)
    monitor: MonitorSummary
    evaluate: EvaluateSummary
    blocked: Count
    by_base: Annotated[list[Line], Field(max_length=200)] = Field(default_factory=list)
    lineage: Lineage


class LockState(Part):
    """Whether head's dvc.lock is what its files give.

    `held`: those of `stale` whose inputs are as recorded, and whose outs are in the cache.
    """

    md5: Annotated[str, Field(max_length=64)]
    checked: bool
    stale: list[Line] = Field(default_factory=list, max_length=500)
    held: list[Line] = Field(default_factory=list, max_length=500)
    unlocked: list[Name] = Field(default_factory=list, max_length=500)
    cards: list[Line] = Field(default_factory=list, max_length=500)
    bytes: list[Line] = Field(default_factory=list, max_length=500)
    uncommitted: list[Name] = Field(default_factory=list, max_length=500)
    environment: list[Line] = Field(default_factory=list, max_length=500)


class Reason(Part):
    """A reason against merging; `usecase` is null where it is the whole project's."""

    usecase: str | None
    kind: str
    text: str


class GateVerdict(Part):
    """The merge gate's verdict; `lifted`: reasons that `overrides`, by use case, lift."""

    verdict: Literal["yes", "no", "overridden", "failed"]
    reasons: list[Reason]
    lifted: list[Reason]
    overrides: dict[str, str]


UseCaseName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=100)]


class Evidence(Part):
    """All that the gate judges; `contradictions`: what git says against it, where it was not written here."""

    format: Literal[1]
    base: RevisionName
    head: RevisionName
    release: RevisionName | None
    failed: FailedStage | None
    packages: list[ChangedPackage] = Field(default_factory=list, max_length=1000)
    unchanged: Names
    removed: Names
    usecases: Annotated[dict[UseCaseName, UseCaseComparison], Field(max_length=20)]
    lock: LockState
    rules: Annotated[list[RuleChange], Field(max_length=500)] = Field(default_factory=list)
    definitions: Annotated[dict[UseCaseName, DefinitionChanges], Field(max_length=100)] = Field(
        default_factory=dict
    )
    override: Line | None = None
    judge: Literal["base", "head"] = "base"
    contradictions: Annotated[list[Line], Field(max_length=50)] = Field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As `files.dumps` writes it; what was left out stays out."""
        return self.model_dump(mode="json", exclude_unset=True)


class Comparison(Evidence):
    """The evidence with the gate's verdict."""

    gate: GateVerdict


def parse(value: Any, name: str) -> Comparison:
    """A comparison out of JSON; PlumblineError, with `name`, where it is something else."""
    return documents.parse(Comparison, value, f"{name}: not a comparison", REMEDY)


def as_written(evidence: Evidence) -> Evidence:
    """The evidence with numbers as JSON holds them."""
    return Evidence.model_validate(json.loads(dumps(evidence.plain())))


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
    name
    for kind in (ChangedPackage, ChangedValue, RuleChange, PairedGroup, Comparison)
    for name in kind.model_fields
}
"""Names that an error may repeat: all others may be a stranger's."""
