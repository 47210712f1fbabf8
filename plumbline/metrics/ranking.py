"""Metrics of a ranking, exact with ties and with weights: sort once, then count for all replicates.

Only the places where a tied group with positives begins and ends matter. The rows between them are counted
once by unit of the bootstrap, so that a replicate costs the groups and not the rows; counts are whole numbers,
exact in any order. Above `MOST_GROUPS` groups neighbouring ones count as ties. Definitions as in scikit-learn's
average_precision_score, roc_auc_score and roc_curve, with sample_weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from plumbline.metrics.bootstrap import Array, Resample, divide

MOST_GROUPS = 2**18
"""Tied groups with positives, at most. Of more, neighbours are merged: each of the m that are left holds about 1/m
of the positives, and an average precision moves by at most the precision's total variation over m (about 1e-5)."""
CELLS = 2**22
"""Numbers that one block of replicates holds, about."""
DENSE = 8
"""Counts per row, at most, for rows to be counted by unit first; else each replicate passes over the rows."""


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
    """Weighted counts at the g groups: rows and positives ahead of them and through them, (g,); totals.

    Of a block of r replicates (r, g), and the totals (r,).
    """

    ahead: Array
    through: Array
    hits_ahead: Array
    hits_through: Array
    positives: Array | float
    negatives: Array | float


def ranking(label: Array, score: Array) -> Ranking:
    """Sort `score` (n,), higher first, with `label` 0/1 (n,)."""
    order = np.argsort(-score, kind="stable")
    falling = -score[order]
    hits = np.flatnonzero(label[order] == 1)
    own = falling[hits]
    kinds = own[np.diff(own, prepend=np.nan) != 0]  # of each group its score
    first, last = _runs(len(kinds))
    start = np.searchsorted(falling, kinds[first], side="left")
    end = np.searchsorted(falling, kinds[last], side="right")
    return Ranking(order, start, end, hits, np.searchsorted(hits, end))


def _runs(groups: int) -> tuple[Array, Array]:
    """First and last of the groups that count as one: each by itself, up to `MOST_GROUPS`."""
    step = max(1, -(-groups // MOST_GROUPS))
    first = np.arange(0, groups, step)
    return first, np.minimum(first + step, groups) - 1


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
    """The curves of all replicates of `sample`, some at a time: (r, g) each."""
    counts = (2 * len(ranked.start) + 1) * len(sample.draws)
    if counts > DENSE * len(ranked.order):
        for weights in sample.weights(ranked.order):
            yield _block(curve(ranked, weights))
        return
    rows, hits = _counted(ranked, sample)
    step = max(1, CELLS // len(rows))
    draws = sample.draws.astype(np.float64)
    for first in range(0, draws.shape[1], step):
        yield _drawn(rows, hits, draws[:, first : first + step])


def figures(ranked: Ranking, sample: Resample, *metrics: Callable[[Curve], Array]) -> Array:
    """Each metric of all replicates, float64 (len(metrics), R)."""
    blocks = [[metric(at) for metric in metrics] for at in curves(ranked, sample)]
    return np.concatenate(blocks, axis=1)


def _block(one: Curve) -> Curve:
    """A curve as a block of one replicate."""
    return Curve(
        ahead=one.ahead[None],
        through=one.through[None],
        hits_ahead=one.hits_ahead[None],
        hits_through=one.hits_through[None],
        positives=np.atleast_1d(one.positives),
        negatives=np.atleast_1d(one.negatives),
    )


def _counted(ranked: Ranking, sample: Resample) -> tuple[Array, Array]:
    """Rows between the groups' ends by unit, (2 g + 1, U), and positives by group and unit, (g, U); float64."""
    units, groups = len(sample.draws), len(ranked.start)
    ends = np.column_stack((ranked.start, ranked.end)).ravel()
    unit = sample.unit[ranked.order]
    part = np.repeat(np.arange(len(ends) + 1), np.diff(ends, prepend=0, append=len(unit)))
    rows = np.bincount(part * units + unit, minlength=(len(ends) + 1) * units)
    group = np.repeat(np.arange(groups), np.diff(ranked.hit_end, prepend=0))
    hits = np.bincount(group * units + unit[ranked.hits], minlength=groups * units)
    return (
        rows.reshape(-1, units).astype(np.float64),
        hits.reshape(-1, units).astype(np.float64),
    )


def _drawn(rows: Array, hits: Array, draws: Array) -> Curve:
    """The counts under some replicates' draws, (U, r): products and sums of whole numbers."""
    through = np.cumsum(draws.T @ rows.T, axis=1)
    reached = np.cumsum(draws.T @ hits.T, axis=1)
    none = np.zeros((len(reached), 1))
    positives = np.append(none, reached, axis=1)[:, -1]
    return Curve(
        ahead=np.ascontiguousarray(through[:, 0:-1:2]),
        through=np.ascontiguousarray(through[:, 1::2]),
        hits_ahead=np.append(none, reached[:, :-1], axis=1)[:, : reached.shape[1]],
        hits_through=reached,
        positives=positives,
        negatives=through[:, -1] - positives,
    )


def average_precision(at: Curve) -> Array:
    """Precision averaged over the positives, each tied group at its end; NaN without a positive."""
    gain = at.hits_through - at.hits_ahead
    precision = at.hits_through / np.maximum(at.through, 1)
    return divide(np.sum(gain * precision, axis=-1), at.positives)


def roc_auc(at: Curve) -> Array:
    """Share of pairs of a positive and a negative in the right order; a tie counts one half."""
    gain = at.hits_through - at.hits_ahead
    misplaced = (at.ahead - at.hits_ahead) + (at.through - at.hits_through)  # twice, per positive
    negatives = np.asarray(at.negatives)[..., None]
    placed = np.sum(gain * (2 * negatives - misplaced), axis=-1)
    return divide(placed, 2 * at.positives * at.negatives)


def recall_at_false_alarm(at: Curve, rate: float) -> Array:
    """The highest recall of a threshold that raises alarm on at most `rate` of the negatives."""
    alarms = divide(at.through - at.hits_through, np.asarray(at.negatives)[..., None])
    within = np.sum(alarms <= rate, axis=-1)  # alarms rise from group to group
    gain = np.append(np.zeros((*within.shape, 1)), at.hits_through, axis=-1)
    result = np.take_along_axis(gain, within[..., None], axis=-1)[..., 0]
    return divide(result, at.positives)


def precision_at_k(label: Array, score: Array, day: Array, k: int) -> tuple[Array, Array]:
    """Per day the share of positives among its k highest scores: days (d,), precision (d,).

    A day of fewer than k rows counts them all. Where a tie straddles place k, its positives count in
    proportion: the mean over all ways of breaking the tie.
    """
    days, code, size = np.unique(day, return_inverse=True, return_counts=True)
    kept = np.concatenate([_best(score, rows, k) for rows in _split(code, size)])
    order = kept[np.lexsort((kept, -score[kept], code[kept]))]
    first = np.searchsorted(code[order], np.arange(len(days)))
    new = np.diff(score[order], prepend=np.nan) != 0
    new[first] = True
    start = np.flatnonzero(new)
    length = np.diff(start, append=len(order))
    hits = np.add.reduceat(label[order].astype(np.float64), start)
    which = np.searchsorted(first, start, side="right") - 1  # the day of each tied group
    taken = np.clip(k - (start - first[which]), 0, length)
    return days, np.bincount(which, hits * taken / length, len(days)) / np.minimum(k, size)


def _split(code: Array, size: Array) -> list[Array]:
    """The rows of each code."""
    small = code.astype(np.min_scalar_type(len(size)))  # sorted by counting
    return np.split(np.argsort(small, kind="stable"), np.cumsum(size)[:-1])


def _best(score: Array, rows: Array, k: int) -> Array:
    """The rows that reach the k-th highest score of these, ties included."""
    own = score[rows]
    if len(own) <= k:
        return rows
    return rows[own >= np.partition(own, len(own) - k)[len(own) - k]]
