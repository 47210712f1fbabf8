"""What the labels of one period show once they are known: sums, from which quality and calibration follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import metrics
from plumbline.monitor.binning import Binning
from plumbline.monitor.window import ScoredWindow

BINS = 512
"""Of the scores' logits, from which average precision is read to about a thousandth."""
MAX_LOGIT = 14.0
"""Logits beyond this share a bin."""


@dataclass(frozen=True)
class LabelOutcome:
    """Sums over the `known` of a period's `rows` that have a label.

    `label` and `score` are sums, `variance` the sum of s(1-s) (of squared errors for a regression),
    `loss` the sum of log losses (of absolute errors). `scores` int (2, BINS): rows by label and score
    of a classification. Of several classes `label` counts the rows where the likeliest is right, `score` sums its
    probability, `variance` the squared log losses, and `classes` holds each class against all others.
    """

    day: np.datetime64 | None
    rows: int
    known: int
    label: float
    score: float
    variance: float
    loss: float
    scores: Array
    classes: tuple[LabelOutcome, ...] = ()

    @property
    def maturity(self) -> float:
        """Share of the rows whose label is known."""
        return self.known / self.rows if self.rows else 0.0


def outcome(
    binning: Binning, window: ScoredWindow, day: np.datetime64 | None = None
) -> LabelOutcome:
    """The sums of the window's rows with a known label (not NaN) and a finite score."""
    first = window.last if day is None else day
    good = window.labelled & np.isfinite(window.score)
    label, score = window.outcome[good], window.score[good]
    if window.answers is not None:
        return _several(window, good, first)
    if binning.problem == "regression":
        error = label - score
        sums = (float((error**2).sum()), float(np.abs(error).sum()))
        scores = np.zeros((2, 0), np.int64)
        return LabelOutcome(
            first, window.rows, len(label), float(label.sum()), float(score.sum()), *sums, scores
        )
    return _of_probability(first, window.rows, label, score)


def _of_probability(
    first: np.datetime64 | None, rows: int, label: Array, score: Array
) -> LabelOutcome:
    s = np.clip(score, 1e-9, 1 - 1e-9)
    sums = (float((s * (1 - s)).sum()), float(-np.log(np.where(label > 0, s, 1 - s)).sum()))
    bins = (np.log(s / (1 - s)) + MAX_LOGIT) * (BINS / (2 * MAX_LOGIT))
    bins = np.clip(bins.astype(np.int64), 0, BINS - 1)
    scores = np.stack([np.bincount(bins[label == v], minlength=BINS) for v in (0, 1)])
    return LabelOutcome(
        first, rows, len(label), float(label.sum()), float(score.sum()), *sums, scores
    )


def _several(window: ScoredWindow, good: Array, first: np.datetime64 | None) -> LabelOutcome:
    answers, label = window.answer[good], window.label[good]
    loss = metrics.class_losses(label, answers)
    right, sure = window.outcome[good].sum(), window.score[good].sum()
    sums = float((loss**2).sum()), float(loss.sum())
    each = tuple(
        _of_probability(first, window.rows, (label == code).astype(np.float64), own)
        for code, own in enumerate(answers.T)
    )
    none = np.zeros((2, 0), np.int64)
    return LabelOutcome(
        first, window.rows, len(label), float(right), float(sure), *sums, none, each
    )


def pool(outcomes: Sequence[LabelOutcome]) -> LabelOutcome:
    """The outcomes of several periods as one; at least one."""
    return reduce(_add, outcomes)


def _add(a: LabelOutcome, b: LabelOutcome) -> LabelOutcome:
    return LabelOutcome(
        a.day,
        a.rows + b.rows,
        a.known + b.known,
        a.label + b.label,
        a.score + b.score,
        a.variance + b.variance,
        a.loss + b.loss,
        a.scores + b.scores,
        tuple(_add(one, other) for one, other in zip(a.classes, b.classes, strict=True)),
    )


def quality(problem: str, of: LabelOutcome) -> float:
    """Average precision, log loss of several classes, or mean absolute error; NaN where it is not defined."""
    if problem != "classification":
        return of.loss / of.known if of.known else float("nan")
    return precision(*of.scores[:, ::-1])


def precision(negative: Array, positive: Array) -> float:
    """Average precision of counts by score, the highest first; NaN with one kind of label only."""
    if not positive.sum() or not negative.sum():
        return float("nan")
    hits, rows = np.cumsum(positive), np.cumsum(positive + negative)
    return float((hits / np.maximum(rows, 1) * positive).sum() / hits[-1])
