"""An experiment's state as it is reported and written as JSON. Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal

from plumbline.core.documents import Document
from plumbline.metrics.interval import Figure, Interval

Status = Literal["waiting", "running", "better", "worse", "no difference", "guardrail", "invalid"]


class ArmFigures(Document):
    """What an arm has: its entities, the events that count, and the metric's mean."""

    name: str
    share: int | None
    entities: int
    events: int
    mean: Figure


class Look(Document):
    """The difference as it stood at the end of a day."""

    day: date
    value: Figure
    low: Figure
    high: Figure


class Difference(Document):
    """A treatment minus the control, with the interval that holds at every look.

    `decided`: the first day on which it left zero. `relative`: to the control's mean.
    """

    treatment: str
    metric: str
    interval: Interval
    relative: Figure
    decided: date | None
    looks: tuple[Look, ...]


class GuardrailFigures(Document):
    """A guardrail of a treatment: how much worse it is, with its interval. `broken`: the first day it surely was."""

    treatment: str
    metric: str
    worse: str
    limit: float
    interval: Interval
    broken: date | None
    kept: bool | None


class Assignment(Document):
    """Entities per arm against the planned shares: the Bayes factor, and whether they cannot be from these."""

    planned: dict[str, float]
    found: dict[str, int]
    evidence: Figure
    mismatch: bool


class ExperimentReport(Document):
    """All that is known of an experiment by the end of `day`. `left_out`: what does not count, by reason."""

    format: Literal[1] = 1
    usecase: str
    name: str
    hypothesis: str
    design: str
    metric: str
    title: str
    better: str
    control: str
    start: date
    last: date
    day: date | None
    status: Status
    verdict: str
    alpha: float
    effect: float
    arms: tuple[ArmFigures, ...]
    differences: tuple[Difference, ...]
    guardrails: tuple[GuardrailFigures, ...]
    assignment: Assignment | None
    left_out: dict[str, int]
    warnings: tuple[str, ...]
    keep: str | None = None

    @property
    def decided(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.status not in ("waiting", "running")
