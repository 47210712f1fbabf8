"""The record of a freshness study (freshness.json)."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.metrics.bootstrap import PairedWord
from plumbline.metrics.interval import Figure, Interval


class AgedFigure(Document):
    """Scores from features of one age: the primary metric, and its paired difference to those on time.

    `changed`: share of the rows of which a feature of the model has another value.
    """

    hours: float
    changed: float
    metric: Interval
    difference: Interval
    relative: Figure
    word: PairedWord


class AgedGroup(Document):
    """Events whose newest history has a certain age: rows, the metric on time, the difference by age of features."""

    rows: int
    metric: Interval
    differences: dict[str, Interval]


class FreshnessRecord(Document):
    """freshness.json: a bundle's quality on the test window by the age of its features.

    `model_md5`: of the bundle's trees. `groups`: by entity and by age of the newest history.
    """

    usecase: str
    title: str
    metric_name: str
    level: float
    margin: float
    model_md5: str
    rows: int
    days: int
    ages: list[AgedFigure]
    groups: dict[str, dict[str, AgedGroup]]
