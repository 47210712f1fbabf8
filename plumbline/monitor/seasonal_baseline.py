"""How unlikely the newest period is, each period compared with its own season-matched past.

A period is compared with the pooled counts of the same weekday in past weeks. Each past period is
compared with its own past in the same way, and those differences are the distribution by which the
newest is judged: seasons, growth, clustered rows and the periods' sizes are all in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import chances
from plumbline.monitor.binning import Binning, ColumnSpec
from plumbline.monitor.period_summary import PeriodSummary

SEASONS = 4
"""Past periods of the same season that are pooled, at most."""
MIN_SEASONS = 2
"""Of the same season, below which the neighbours serve whatever their season."""
RUN = 3
"""Periods over which a small shift that stays adds up."""


@dataclass(frozen=True)
class Baseline:
    """The past and the newest period (last row) as matrices.

    `counts` int (d+1, bins). `weights` 0/1 (d+1, d): which past periods are each one's reference.
    `matched` bool (d+1,): whether they are of the same season.
    """

    counts: Array
    weights: Array
    matched: Array

    @property
    def reference(self) -> Array:
        """Pooled counts of each period's reference, (d+1, bins)."""
        return self.weights @ self.counts[:-1]


@dataclass(frozen=True)
class ColumnShift:
    """How far a column has moved from its season-matched reference, by its own past.

    `p` is the chance of such a distance without drift (two-sided), for the direction (`p_mean`), the
    shape (`p_shape`) and the mean of the last RUN periods (`p_run`). `size` is the shift of the normal
    scores in standard deviations, `psi` in nats, `run` that mean in standard errors.
    """

    p_mean: float
    p_shape: float
    p_run: float
    size: float
    psi: float
    run: float = 0.0

    @property
    def p(self) -> float:
        """The least of the three; they count as three tests."""
        return min(self.p_mean, self.p_shape, self.p_run)


def season(binning: Binning, summary: PeriodSummary) -> int:
    """The weekday of a daily period; one season for all others."""
    if summary.day is None or binning.period_days != 1:
        return 0
    return int(summary.day.astype("datetime64[D]").astype(np.int64) % 7)


def baseline(binning: Binning, before: Sequence[PeriodSummary], now: PeriodSummary) -> Baseline:
    """`before` oldest first. Without any, the training window stands in, unmatched."""
    if not before:
        counts = np.stack([binning.training, now.counts])
        return Baseline(counts, np.array([[0.0], [1.0]]), np.array([False, False]))
    seasons = np.array([season(binning, s) for s in (*before, now)])
    weights, matched = _weights(seasons) if binning.period_days else _all_others(len(seasons))
    return Baseline(np.stack([s.counts for s in (*before, now)]), weights, matched)


def _weights(seasons: Array) -> tuple[Array, Array]:
    """Reference periods: the last SEASONS of the same season; else others of it; else the nearest."""
    periods = len(seasons)
    weights, matched = np.zeros((periods, periods - 1)), np.zeros(periods, bool)
    for i in range(periods):
        same = np.flatnonzero(seasons[:-1] == seasons[i])
        earlier = same[same < i][-SEASONS:]
        matched[i] = len(earlier) >= MIN_SEASONS or (i < periods - 1 and len(earlier) > 0)
        chosen = earlier
        if not matched[i]:
            others = np.flatnonzero(np.arange(periods - 1) != i)
            chosen = others[np.argsort(np.abs(others - i), kind="stable")[: 2 * 7]]
        weights[i, chosen] = 1.0
    return weights, matched


def _all_others(periods: int) -> tuple[Array, Array]:
    """Without time every period is compared with all others."""
    return 1.0 - np.eye(periods, periods - 1), np.ones(periods, bool)


def shifts(past: Baseline, specs: Sequence[ColumnSpec]) -> dict[str, ColumnShift]:
    """Each column's shift in the newest period; columns without bins or values are left out."""
    reference = past.reference
    means, shapes, sizes = {}, {}, {}
    for spec in specs:
        if spec.size < 2:
            continue
        now, before = past.counts[:, spec.bin_range], reference[:, spec.bin_range]
        if not now[-1].sum() or not before[-1].sum():
            continue
        shapes[spec.name] = _shape(now, before)
        means[spec.name], size = _mean(now, before, spec.order)
        sizes[spec.name] = (size, _psi(now[-1], before[-1]))
    run = {name: _running(z) for name, z in means.items()}
    p_mean = chances.moderated(means, past.matched, floor=1.0)
    p_run = chances.moderated(run, past.matched, floor=1.0)
    p_shape = chances.moderated(shapes, past.matched, floor=0.25, upper=True)
    return {
        n: ColumnShift(p_mean[n], p_shape[n], p_run[n], *sizes[n], run=float(run[n][-1]))
        for n in shapes
    }


def _shape(now: Array, before: Array) -> Array:
    """Log of the two-sample chi-squared over its degrees of freedom, by period (d+1,)."""
    n, m = _totals(now, before)
    pooled = (now + before) / (n + m)
    gap = (now / n - before / m) ** 2 / (pooled + 1 / (n + m))
    degrees = np.maximum((pooled > 0).sum(axis=1) - 1, 1)
    chi2 = gap.sum(axis=1) / (1 / n + 1 / m)[:, 0]
    return np.log((chi2 + 1) / (degrees + 1))


def _mean(now: Array, before: Array, order: Array | None) -> tuple[Array, float]:
    """The shift of the mean score over its sampling error (d+1,), and the newest in deviations."""
    if order is None:
        return np.zeros(len(now)), 0.0
    n, m = _totals(now, before)
    pooled = (now + before) / (n + m)
    middle = pooled @ order
    spread = np.sqrt(np.maximum(pooled @ order**2 - middle**2, 0.0))
    gap = (now / n - before / m) @ order
    error = spread * np.sqrt((1 / n + 1 / m)[:, 0])
    z = np.divide(gap, error, out=np.zeros(len(gap)), where=error > 0)
    # a few rows with large scores are no normal sum: Bernstein's bound for the tail
    jump = np.abs(order - middle[:, None]).max(axis=1, where=pooled > 0, initial=0.0) / n[:, 0]
    skew = np.divide(jump, error, out=np.zeros(len(gap)), where=error > 0)
    newest = float(gap[-1] / spread[-1]) if spread[-1] > 0 else 0.0
    return z / np.sqrt(1 + skew * np.abs(z) / 3), newest


def _totals(now: Array, before: Array) -> tuple[Array, Array]:
    n = np.maximum(now.sum(axis=1, keepdims=True), 1)
    return n, np.maximum(before.sum(axis=1, keepdims=True), 1)


def _running(z: Array) -> Array:
    """Means over the last RUN periods, times the root of their number (d+1,)."""
    padded = np.concatenate([np.full(RUN - 1, np.nan), z])
    stacked = np.stack([padded[i : i + len(z)] for i in range(RUN)])
    return np.nanmean(stacked, axis=0) * np.sqrt(RUN)


def distance(now: Array, before: Array, order: Array | None) -> tuple[float, float]:
    """PSI in nats between counts per bin, and the shift of the normal scores in deviations."""
    if not now.sum() or not before.sum():
        return 0.0, 0.0
    return _psi(now, before), _mean(now[None], before[None], order)[1]


def _psi(now: Array, before: Array) -> float:
    p, q = ((c + 0.5) / (c.sum() + 0.5 * len(c)) for c in (now, before))
    return float(((p - q) * np.log(p / q)).sum())
