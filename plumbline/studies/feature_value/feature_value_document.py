"""What each feature brings and costs, as `feature-value --json` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.core.documents import Document


class MeasuredOn(Document):
    """md5s of the tables, and of the definitions of the model's features."""

    train: str
    valid: str
    model: str


class Yardsticks(Document):
    """Microseconds of a square root per row, and of a look-up per request, in the same minute."""

    row: float
    request: float


class FeatureWorth(Document):
    """A feature: gain and loss, trainings in which each was above every shadow's, costs in µs."""

    name: str
    kind: str
    sources: list[str]
    gain: float
    won: int
    loss: float
    missed: int
    earns: bool
    us_per_row: float
    us_per_request: float


class FeatureValueStudy(Document):
    """All features, the best first."""

    usecase: str
    of: MeasuredOn
    seeds: int
    noise: int
    yardsticks: Yardsticks
    features: list[FeatureWorth]


@dataclass(frozen=True)
class FeatureCosts:
    """Microseconds by feature, per row of a batch and per request."""

    row: Mapping[str, float]
    request: Mapping[str, float]
    yardsticks: Yardsticks
