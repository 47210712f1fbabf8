"""Two models on the same rows: the difference of every metric, paired draw by draw. Pure.

A score is taken from each model's own features where both test tables hold the row, so that a model
is never judged on features it did not learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.documents import finite, rounded
from plumbline.core.usecase import UseCase
from plumbline.evaluate import evidence, slices
from plumbline.evaluate.evidence import Groups, LabelledWindow
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Array, Estimate, Resample
from plumbline.review import paired_words
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
CONSTANT = ("cost_of_constant", "cost_of_nothing")
"""Metrics that no model changes."""
NONE = np.zeros(0)
"""The figures of no replicate."""


@dataclass(frozen=True)
class Scored:
    """One model's answers to a window, float64 (n,), and its alarm threshold."""

    score: Array
    threshold: float | None


@dataclass(frozen=True)
class Noise:
    """What a difference must exceed: the spread of both sides' seed replicates or, without them, `margin`."""

    margin: float
    head: Sequence[Scored] = ()
    base: Sequence[Scored] = ()


@dataclass(frozen=True)
class MetricNoise:
    """For one metric: the figures of each side's seed replicates, float64 (k,), and the margin."""

    margin: float
    head: Array
    base: Array = field(default_factory=lambda: NONE)


def compared(
    window: LabelledWindow, base: Scored, head: Scored, groups: Mapping[str, Groups], noise: Noise
) -> PairedResult:
    """Head minus base: every metric over the whole window, the primary one by slice."""
    sample, once = window.sample(), bootstrap.every_row_once(len(window.label))
    old, new = (_figures(window, side, sample) for side in (base, head))
    of_seeds = [[_figures(window, one, once) for one in some] for some in (noise.head, noise.base)]
    both = [m for m in new if m in old and m not in CONSTANT]
    noises = {
        m: MetricNoise(noise.margin, *(np.array([o[m][0] for o in some]) for some in of_seeds))
        for m in both
    }
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
    seeds = spread(_sized(metric, noise.head), window.level, _sized(metric, noise.base))
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
            word=paired_words.word(metric, estimate, figure, margin),
        ),
    )


def spread(head: Array, level: float, base: Array = NONE) -> float | None:
    """Half the interval that two runs' difference has by their seeds alone, from each side's figures (k,).

    The variances of both sides add up (Welch; Satterthwaite's degrees of freedom), so that a model whose
    seed moves it much does not lend that to the other. Where base has fewer than two figures, it is taken
    to vary as head does; None where head has.

    >>> spread(np.array([1.0, 1.0, 1.0]), 0.95)
    0.0
    """
    from scipy import stats

    own, other = (figures[np.isfinite(figures)] for figures in (head, base))
    if len(own) < 2:
        return None
    if len(other) < 2:
        other = own
    variances = [float(np.var(figures, ddof=1)) for figures in (own, other)]
    total = sum(variances)
    if not total:
        return 0.0
    freedom = len(own) - 1.0
    if other is not own:
        parts = [v**2 / (len(f) - 1) for v, f in zip(variances, (own, other), strict=True)]
        freedom = total**2 / sum(parts)
    return float(stats.t.ppf((1 + level) / 2, freedom)) * float(np.sqrt(total))


def widened(result: Estimate, half: float) -> Estimate:
    """The interval with another, independent cause beside its own: the halves add as squares do.

    >>> widened(Estimate(1.0, -2.0, 4.0), 4.0)
    Estimate(value=1.0, low=-4.0, high=6.0)
    """
    low, high = (float(np.hypot(end - result.value, half)) for end in (result.low, result.high))
    return Estimate(result.value, result.value - low, result.value + high)


def groups(usecase: UseCase, columns: Columns) -> dict[str, Groups]:
    """The rows of each declared slice whose column the table has."""
    there = [p for p in slices.pieces(usecase, columns) if p.column in columns]
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
    once = bootstrap.every_row_once(count)
    of_seeds = (
        np.array([_primary(window, one, rows, once)[0] for one in some])
        for some in (noise.head, noise.base)
    )
    own = MetricNoise(noise.margin, *of_seeds)
    figures = difference(window, window.primary, old, new, sample, own)
    return PairedGroup(rows=count, **vars(figures))


def _primary(window: LabelledWindow, side: Scored, rows: Array, sample: Resample) -> Array:
    return metrics.primary(window.problem, window.label[rows], side.score[rows], sample)
