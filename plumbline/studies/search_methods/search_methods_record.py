"""The record of a comparison of search methods (search_methods.json)."""

from __future__ import annotations

from plumbline.core.documents import Document
from plumbline.metrics.bootstrap import Word
from plumbline.metrics.interval import Figure, Interval


class BestAfter(Interval):
    """The best validation metric after so many trials: the mean over the seeds."""

    trials: int


class MethodRecord(Document):
    """One method: its best after each trial (a grid's after all), each seed's best at the end, trials that failed."""

    curve: list[BestAfter]
    each: list[Figure]
    failed: int


class MethodDifference(Interval):
    """Two methods' best after so many trials, paired by seed; positive where the first is better."""

    method: str
    other: str
    trials: int
    word: Word


class SearchMethodsRecord(Document):
    """search_methods.json: the methods on the same space, rows and seeds, by number of trials.

    `startup`: trials that TPE draws at random. `fits`: models that were fitted. `rows`: of train.
    """

    usecase: str
    title: str
    metric_name: str
    level: float
    trials: int
    startup: int
    seeds: int
    rows: int
    fits: int
    methods: dict[str, MethodRecord]
    differences: list[MethodDifference]
