"""A promotion as it is kept beside a service and written as JSON: its steps, each with its evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from plumbline.core.documents import Document
from plumbline.serve.routes.document import BundleMd5

StepName = Literal["checks", "golden", "load", "shadow", "canary", "replace", "champion"]
StepStatus = Literal["running", "passed", "skipped", "failed"]
PromotionStatus = Literal["running", "failing", "promoted", "failed", "stopped", "already"]
ENDED: frozenset[PromotionStatus] = frozenset({"promoted", "failed", "stopped", "already"})


FOR_RESUMING = frozenset({"after", "failed_before", "lines", "version"})
"""Evidence that says where a step goes on, or repeats what others say."""


class PromotionStep(Document):
    """One step. `evidence`: what it measured; of a running one what it needs to go on after a kill."""

    name: StepName
    status: StepStatus
    began: str
    ended: str | None = None
    reason: str = ""
    evidence: dict[str, Any] = Field(default_factory=dict)


class Promotion(Document):
    """One promotion. `before`: the champion when it began; `version`: of the routes then.

    `status`: failing: a step failed, and the routes are still to be put back. `refused`: a rule said no; else
    something was in the way. `routes`: what was put back. `rev`: as it was typed.
    """

    format: Literal[1] = 1
    id: str
    usecase: str
    rev: str
    commit: str
    bundle: BundleMd5
    before: BundleMd5
    version: int
    who: str
    began: str
    status: PromotionStatus
    reason: str = ""
    refused: bool = False
    routes: str = ""
    steps: tuple[PromotionStep, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in ENDED

    def step(self, name: StepName) -> PromotionStep | None:
        """The step of that name, as far as it came."""
        return next((s for s in self.steps if s.name == name), None)

    def with_step(self, step: PromotionStep) -> Promotion:
        """With this step in the place of the one of its name."""
        others = tuple(s for s in self.steps if s.name != step.name)
        return self.model_copy(update={"steps": (*others, step)})


def lines(promotion: Promotion) -> Iterator[str]:
    """A promotion as a person reads it."""
    yield (
        f"{promotion.usecase}: {promotion.rev} ({promotion.commit[:9]}), bundle {promotion.bundle}: "
        f"{promotion.status}" + (f": {promotion.reason}" if promotion.reason else "")
    )
    for step in promotion.steps:
        yield f"  {line(step)}"
    if promotion.routes:
        yield f"  routes: {promotion.routes}"


def line(step: PromotionStep) -> str:
    """One step: its name, how it ended, and the reason, or the evidence in short."""
    text = step.reason or ", ".join(f"{k} {v}" for k, v in figures(step))
    return f"{step.name}: {step.status}" + (f": {text}" if text else "")


def figures(step: PromotionStep) -> list[tuple[str, str]]:
    """The evidence for a reader, without what only a resumed step needs."""
    return [
        (k.replace("_", " "), shown(v)) for k, v in step.evidence.items() if k not in FOR_RESUMING
    ]


def shown(value: Any) -> str:
    """A value of the evidence.

    >>> shown(1200), shown(0.01234), shown([1, 5]), shown("x")
    ('1,200', '0.01234', '1 5', 'x')
    """
    if isinstance(value, (list, tuple)):
        return " ".join(map(shown, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
