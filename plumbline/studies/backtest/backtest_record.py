"""The record of a backtest (backtest.json): origins, choices, loss by age."""

from __future__ import annotations

from pydantic import Field

from plumbline.core.declarations import Problem
from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.bootstrap import PairedWord
from plumbline.metrics.interval import Figure, Interval
from plumbline.review.comparison_sections import Difference


class OriginWindow(SparseDocument):
    """A window's days and rows; `positives` of a classification's scored window."""

    start: str
    end: str
    rows: int
    positives: int | None = None


class AgainstLast(Document):
    """An origin's model against the one of the origin `day` before it."""

    day: str
    base: Figure
    head: Figure
    difference: Difference
    word: PairedWord
    chosen: bool


class OriginRecord(Document):
    """A model made at a day: its windows and its figures on the period that followed."""

    day: str
    train: OriginWindow
    valid: OriginWindow
    scored: OriginWindow
    rounds: int
    metrics: dict[str, Interval]
    against: AgainstLast | None


class NewestCount(Document):
    """How often the newest model was better, the same, worse than the one before, and chosen."""

    better: int
    within_noise: int = Field(alias="within noise")
    within_margin: int = Field(0, alias="within margin")
    worse: int
    chosen: int
    of: int


class AgeLoss(Document):
    """An age: both models' figures, the loss with its interval, and each period's."""

    days: int
    periods: int
    fresh: float
    old: float
    loss: Interval
    each: list[float]


class ShelfFigures(Document):
    """Ages in days: from which on too much is lost, up to which less is, and the last one studied."""

    shelf_life_days: int | None
    safe_days: int
    studied_days: int

    @property
    def age_limit(self) -> int | None:
        """The age from which a model is due: the shelf life, or where no age is too old the last safe one.

        None where neither is certain.

        >>> ShelfFigures(shelf_life_days=None, safe_days=98, studied_days=98).age_limit
        98
        """
        return self.shelf_life_days or self.safe_days or None


class Staleness(ShelfFigures):
    """Loss by age, and the shelf life at `max_loss`."""

    ages: list[AgeLoss]
    max_loss: float


class BacktestRecord(Document):
    """backtest.json: models of past days, each on what followed."""

    usecase: str
    title: str
    problem: Problem
    primary: str
    level: float
    margin: float
    label_delay_days: int
    step_days: int
    origins: list[OriginRecord]
    newest: NewestCount
    staleness: Staleness
