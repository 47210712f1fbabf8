"""The record of a learning curve (learning_curve.json)."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.metrics.interval import Figure, Interval
from plumbline.studies.gains import Gain


class RowsPoint(Interval):
    """The primary metric of models of this share of train; rows, and days where these are cut, of the first seed."""

    share: float
    rows: int
    days: int | None


class RowsCurve(Document):
    """Figures by share of the rows, and what the last doubling gained. `by`: days, or an entity."""

    by: str
    points: list[RowsPoint]
    gain: Gain


class RoundsPoint(Interval):
    """The primary metric of the model cut after so many rounds, the mean of the seeds."""

    rounds: int


class RoundsCurve(Document):
    """Figures by boosting rounds, `chosen` among them, and what doubling these gained.

    `at_limit`: a seed boosted as many rounds as train.rounds allows: early stopping did not end it.
    """

    chosen: int
    at_limit: bool
    points: list[RoundsPoint]
    gain: Gain


class TrialsPoint(Document):
    """The expected best figure of so many of the search's trials, drawn at random."""

    trials: int
    best: Figure


class TrialsCurve(Document):
    """Expected best by number of trials, and what the second half of them gained."""

    points: list[TrialsPoint]
    gain: Gain


class LearningCurveRecord(Document):
    """learning_curve.json: whether more rows, rounds or trials would pay, on the validation window.

    `fits`: models that the study fitted. `trials`: null where nothing was searched.
    """

    usecase: str
    title: str
    metric_name: str
    level: float
    margin: float
    seeds: int
    fits: int
    rows: list[RowsCurve]
    rounds: RoundsCurve
    trials: TrialsCurve | None
