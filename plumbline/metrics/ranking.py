"""Metrics of a ranking, exact with ties and with weights: sort once, then one pass per replicate.

Only the places where a tied group with positives begins and ends matter, so each replicate costs two
cumulative sums of integers. Definitions as in scikit-learn's average_precision_score, roc_auc_score
and roc_curve, with sample_weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plumbline.metrics.bootstrap import Array, Resample, divide


@dataclass(frozen=True)
class Ranking:
    """n rows by falling score, cut into the g tied groups that hold a positive.

    `order` (n,); `start`, `end` (g,): rows ahead of each group, and through it; `hits` (p,): places
    of the positives in `order`; `hit_end` (g,): positives through each group.
    """

    order: Array
    start: Array
    end: Array
    hits: Array
    hit_end: Array


@dataclass(frozen=True)
class Curve:
    """Weighted counts at the g groups: rows and positives ahead of them and through them; totals."""

    ahead: Array
    through: Array
    hits_ahead: Array
    hits_through: Array
    positives: float
    negatives: float


def ranking(label: Array, score: Array) -> Ranking:
    """Sort `score` (n,), higher first, with `label` 0/1 (n,)."""
    order = np.argsort(-score, kind="stable")
    falls = np.flatnonzero(np.diff(score[order])) + 1
    start = np.concatenate(([0], falls))
    end = np.concatenate((falls, [len(order)]))
    hits = np.flatnonzero(label[order] == 1)
    result = np.searchsorted(hits, end)  # positives through each group
    keep = np.diff(result, prepend=0) > 0
    return Ranking(order, start[keep], end[keep], hits, result[keep])


def curve(ranked: Ranking, weights: Array) -> Curve:
    """The ranking's counts under integer `weights` (n,), in the ranking's order."""
    rows = np.concatenate(([0], np.cumsum(weights, dtype=np.int64)))
    result = np.concatenate(([0], np.cumsum(weights[ranked.hits], dtype=np.int64)))
    hit_start = np.concatenate(([0], ranked.hit_end[:-1]))[: len(ranked.hit_end)]
    return Curve(
        ahead=rows[ranked.start],
        through=rows[ranked.end],
        hits_ahead=result[hit_start],
        hits_through=result[ranked.hit_end],
        positives=float(result[-1]),
        negatives=float(rows[-1] - result[-1]),
    )


def curves(ranked: Ranking, sample: Resample) -> Iterator[Curve]:
    """One curve per replicate of `sample`."""
    for weights in sample.weights(ranked.order):
        yield curve(ranked, weights)


def average_precision(at: Curve) -> float:
    """Precision averaged over the positives, each tied group at its end; NaN without a positive."""
    gain = at.hits_through - at.hits_ahead
    precision = at.hits_through / np.maximum(at.through, 1)
    return float(divide(np.sum(gain * precision), at.positives))


def roc_auc(at: Curve) -> float:
    """Share of pairs of a positive and a negative in the right order; a tie counts one half."""
    gain = at.hits_through - at.hits_ahead
    misplaced = (at.ahead - at.hits_ahead) + (at.through - at.hits_through)  # twice, per positive
    return float(
        divide(np.sum(gain * (2 * at.negatives - misplaced)), 2 * at.positives * at.negatives)
    )


def recall_at_false_alarm(at: Curve, rate: float) -> float:
    """The highest recall of a threshold that raises alarm on at most `rate` of the negatives."""
    alarms = divide(at.through - at.hits_through, at.negatives)
    within = np.searchsorted(alarms, rate, side="right")
    result = at.hits_through[within - 1] if within else 0
    return float(divide(result, at.positives))


def precision_at_k(label: Array, score: Array, day: Array, k: int) -> tuple[Array, Array]:
    """Per day the share of positives among its k highest scores: days (d,), precision (d,).

    A day of fewer than k rows counts them all. Where a tie straddles place k, its positives count in
    proportion: the mean over all ways of breaking the tie.
    """
    order = np.lexsort((-score, day))
    days, first, size = np.unique(day[order], return_index=True, return_counts=True)
    new = np.diff(score[order], prepend=np.nan) != 0
    new[first] = True
    start = np.flatnonzero(new)
    length = np.diff(start, append=len(order))
    hits = np.add.reduceat(label[order].astype(np.float64), start)
    which = np.searchsorted(first, start, side="right") - 1  # the day of each tied group
    taken = np.clip(k - (start - first[which]), 0, length)
    return days, np.bincount(which, hits * taken / length, len(days)) / np.minimum(k, size)
