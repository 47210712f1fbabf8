"""Two models on the same rows: the difference of every metric, paired draw by draw. Pure.

A score is taken from each model's own features where both test tables hold the row, so that a model
is never judged on features it did not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.documents import finite, rounded
from plumbline.core.usecase import UseCase
from plumbline.evaluate import evidence, slices
from plumbline.evaluate.evidence import Groups, LabelledWindow
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Array, Estimate, PairedWord, Resample
from plumbline.review.comparison_sections import (
    Difference,
    NotComparable,
    PairedFigure,
    PairedGroup,
    PairedResult,
)

MIN_SHARED = 0.5
"""Of a window's rows, the share that must be in both tables where features were redefined."""
ROUNDING = 1e-12
"""Share of base's figure up to which a difference is rounding: sums were taken in another order."""
CONSTANT = ("cost_of_nothing",)
"""Metrics that no model changes."""


@dataclass(frozen=True)
class Scored:
    """One model's answers to a window, float64 (n,), and its alarm threshold."""

    score: Array
    threshold: float | None


@dataclass(frozen=True)
class Noise:
    """What a difference must exceed: the spread of head's seed `replicates` or, without them, `margin`."""

    margin: float
    replicates: Sequence[Scored] = ()


@dataclass(frozen=True)
class MetricNoise:
    """For one metric: the figures of the k seed replicates, float64 (k,), and the margin."""

    margin: float
    figures: Array


def compared(
    window: LabelledWindow, base: Scored, head: Scored, groups: Mapping[str, Groups], noise: Noise
) -> PairedResult:
    """Head minus base: every metric over the whole window, the primary one by slice."""
    sample, once = window.sample(), bootstrap.every_row_once(len(window.label))
    old, new = (_figures(window, side, sample) for side in (base, head))
    others = [_figures(window, one, once) for one in noise.replicates]
    both = [m for m in new if m in old and m not in CONSTANT]
    noises = {m: MetricNoise(noise.margin, np.array([o[m][0] for o in others])) for m in both}
    shares = shared(window, groups)
    return PairedResult(
        comparable=True,
        rows=len(window.label),
        metrics={m: difference(window, m, old[m], new[m], sample, noises[m]) for m in sorted(both)},
        slices={
            name: {g: _group(shares, base, head, rows, noise) for g, rows in members.items()}
            for name, members in groups.items()
        },
    )


def shared(window: LabelledWindow, groups: Mapping[str, Groups]) -> LabelledWindow:
    """The window at a level that all groups share (Bonferroni): of all, 1 - level is wrong by chance."""
    count = max(1, sum(len(members) for members in groups.values()))
    return replace(window, level=1 - (1 - window.level) / count)


def difference(
    window: LabelledWindow,
    metric: str,
    base: Array,
    head: Array,
    sample: Resample,
    noise: MetricNoise,
) -> PairedFigure:
    """Both figures, and their paired difference with interval and word, from replicates (R,).

    The interval holds the variance of the days drawn and, where known, that of the seeds.
    """
    apart = _sized(metric, head) - _sized(metric, base)
    apart[np.abs(apart) <= ROUNDING * np.abs(base[0])] = 0.0
    estimate, margin = window.estimate(apart, sample), noise.margin
    seeds = spread(_sized(metric, noise.figures), window.level)
    if seeds is not None:
        estimate, margin = widened(estimate, seeds), 0.0
    figure = float(base[0])
    return PairedFigure(
        base=finite(rounded(figure)),
        head=finite(rounded(float(head[0]))),
        difference=Difference(
            value=finite(rounded(estimate.value)),
            low=finite(rounded(estimate.low)),
            high=finite(rounded(estimate.high)),
            relative=finite(rounded(float(bootstrap.divide(estimate.value, abs(figure))))),
            word=word(metric, estimate, figure, margin),
        ),
    )


def spread(figures: Array, level: float) -> float | None:
    """Half the interval that two runs' difference has by their seeds alone, from k runs' figures (k,).

    By Student's t, as the runs are few; None where fewer than two give a figure.

    >>> spread(np.array([1.0, 1.0, 1.0]), 0.95)
    0.0
    """
    from scipy import stats

    known = figures[np.isfinite(figures)]
    if len(known) < 2:
        return None
    quantile = float(stats.t.ppf((1 + level) / 2, len(known) - 1))
    return quantile * float(np.sqrt(2) * np.std(known, ddof=1))


def widened(result: Estimate, half: float) -> Estimate:
    """The interval with another, independent cause beside its own: the halves add as squares do.

    >>> widened(Estimate(1.0, -2.0, 4.0), 4.0)
    Estimate(value=1.0, low=-4.0, high=6.0)
    """
    low, high = (float(np.hypot(end - result.value, half)) for end in (result.low, result.high))
    return Estimate(result.value, result.value - low, result.value + high)


def word(metric: str, result: Estimate, base: float, margin: float) -> PairedWord:
    """better or worse where the interval leaves out zero and the size exceeds `margin` of base's figure.

    Within noise is an interval that holds zero; within the margin one that does not, but is too small.

    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.01)
    'better'
    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.05)
    'within margin'
    """
    plain = bootstrap.word(result, metric in metrics.HIGHER_IS_BETTER)
    if plain != "within noise" and abs(result.value) <= margin * abs(base):
        return "within margin"
    return plain


def groups(usecase: UseCase, columns: Columns) -> dict[str, Groups]:
    """The rows of each declared slice whose column the table has."""
    there = [piece for piece in usecase.slices if piece.column in columns]
    return {piece.name: slices.groups(piece, columns) for piece in there}


def common(keys: Array, others: Array) -> tuple[Array, Array]:
    """Places of the keys that both hold, in the order of `keys`: in `keys`, and in `others`.

    >>> [p.tolist() for p in common(np.array([3, 1, 2]), np.array([2, 3]))]
    [[0, 2], [1, 0]]
    """
    place = {key: i for i, key in enumerate(others.tolist())}
    pairs = [(i, place[key]) for i, key in enumerate(keys.tolist()) if key in place]
    result = np.array(pairs, np.int64).reshape(-1, 2)
    return result[:, 0], result[:, 1]


def take(columns: Columns, rows: Array) -> dict[str, Array]:
    """The columns at these places."""
    return {name: values[rows] for name, values in columns.items()}


def refused(reason: str) -> NotComparable:
    """What stands in place of a comparison that cannot be made."""
    return NotComparable(comparable=False, reason=reason)


def _figures(window: LabelledWindow, side: Scored, sample: Resample) -> metrics.Replicates:
    return evidence.figures(replace(window, threshold=side.threshold), side.score, sample, "model")


def _sized(metric: str, replicates: Array) -> Array:
    return np.abs(replicates) if metric in metrics.ZERO_IS_BEST else replicates


def _group(
    window: LabelledWindow, base: Scored, head: Scored, rows: Array, noise: Noise
) -> PairedGroup:
    count, sample = int(rows.sum()), window.sample(rows)
    old, new = (_primary(window, side, rows, sample) for side in (base, head))
    others = [
        _primary(window, one, rows, bootstrap.every_row_once(count))[0] for one in noise.replicates
    ]
    own = MetricNoise(noise.margin, np.array(others))
    figures = difference(window, window.primary, old, new, sample, own)
    return PairedGroup(rows=count, **vars(figures))


def _primary(window: LabelledWindow, side: Scored, rows: Array, sample: Resample) -> Array:
    return metrics.primary(window.problem, window.label[rows], side.score[rows], sample)
