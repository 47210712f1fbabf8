"""What is usual: each period against its own season-matched past, and how unlikely the newest is.

A period is compared with the pooled counts of the same weekday in past weeks. Each past period is
compared with its own past in the same way, and those differences are the distribution against which
the newest is held: seasons, growth, clustered rows and the periods' sizes are all in it. The tail
beyond what a short past can show is Student's, with the spread moderated towards all columns' (Smyth
2004, the moderated t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor.binning import Layout, Plan
from plumbline.monitor.period_summary import Sketch

SEASONS = 4
"""Past periods of the same season that are pooled, at most."""
FEWEST = 2
"""Of the same season, below which the neighbours serve whatever their season."""
PRIOR = 4.0
"""Degrees of freedom that the spread over all columns counts for."""
WINDOW = 3
"""Periods over which a small shift that stays adds up."""


@dataclass(frozen=True)
class Past:
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
class Shift:
    """How far a column has moved from its season-matched reference, by its own past.

    `p` is the chance of such a distance without drift (two-sided), for the direction (`p_mean`), the
    shape (`p_shape`) and the mean of the last WINDOW periods (`p_run`). `size` is the shift of the
    normal scores in standard deviations, `psi` in nats.
    """

    p_mean: float
    p_shape: float
    p_run: float
    size: float
    psi: float

    @property
    def p(self) -> float:
        """The least of the three; they count as three tests."""
        return min(self.p_mean, self.p_shape, self.p_run)


def season(layout: Layout, sketch: Sketch) -> int:
    """The weekday of a daily period; one season for all others."""
    if sketch.day is None or layout.period_days != 1:
        return 0
    return int(sketch.day.astype("datetime64[D]").astype(np.int64) % 7)


def past(layout: Layout, before: Sequence[Sketch], now: Sketch) -> Past:
    """`before` oldest first. Without any, the training window stands in, unmatched."""
    if not before:
        counts = np.stack([layout.training, now.counts])
        return Past(counts, np.array([[0.0], [1.0]]), np.array([False, False]))
    seasons = np.array([season(layout, s) for s in (*before, now)])
    weights, matched = _weights(seasons) if layout.period_days else _others(len(seasons))
    return Past(np.stack([s.counts for s in (*before, now)]), weights, matched)


def _weights(seasons: Array) -> tuple[Array, Array]:
    """Reference periods: the last SEASONS of the same season; else others of it; else the nearest."""
    whole = len(seasons)
    weights, matched = np.zeros((whole, whole - 1)), np.zeros(whole, bool)
    for i in range(whole):
        same = np.flatnonzero(seasons[:-1] == seasons[i])
        earlier = same[same < i][-SEASONS:]
        matched[i] = len(earlier) >= FEWEST or (i < whole - 1 and len(earlier) > 0)
        chosen = earlier
        if not matched[i]:
            others = np.flatnonzero(np.arange(whole - 1) != i)
            chosen = others[np.argsort(np.abs(others - i), kind="stable")[: 2 * 7]]
        weights[i, chosen] = 1.0
    return weights, matched


def _others(whole: int) -> tuple[Array, Array]:
    """Without time every period is held against all others."""
    return 1.0 - np.eye(whole, whole - 1), np.ones(whole, bool)


def shifts(past: Past, plans: Sequence[Plan]) -> dict[str, Shift]:
    """Each column's shift in the newest period; columns without bins or values are left out."""
    reference = past.reference
    means, shapes, sizes = {}, {}, {}
    for plan in plans:
        if plan.size < 2:
            continue
        now, before = past.counts[:, plan.place], reference[:, plan.place]
        if not now[-1].sum() or not before[-1].sum():
            continue
        shapes[plan.name] = _shape(now, before)
        means[plan.name], size = _mean(now, before, plan.order)
        sizes[plan.name] = (size, _psi(now[-1], before[-1]))
    run = {name: _running(z) for name, z in means.items()}
    p_mean = moderated(means, past.matched, floor=1.0)
    p_run = moderated(run, past.matched, floor=1.0)
    p_shape = moderated(shapes, past.matched, floor=0.25, upper=True)
    return {n: Shift(p_mean[n], p_shape[n], p_run[n], sizes[n][0], sizes[n][1]) for n in shapes}


def moderated(
    found: dict[str, Array], matched: Array, *, floor: float, upper: bool = False
) -> dict[str, float]:
    """The chance of the newest (last) value by the past ones, by a moderated t, two-sided.

    `floor` is the least spread. Past values of periods without a matched reference count only where
    there are no others. `upper`: large values only.
    """
    from scipy.special import stdtr

    usable = matched[:-1] if matched[:-1].sum() >= 7 else np.ones(len(matched) - 1, bool)
    past = {n: v[:-1][usable & np.isfinite(v[:-1])] for n, v in found.items()}
    spread = [float(np.var(v, ddof=1)) for v in past.values() if len(v) > 2]
    prior = max(floor**2, float(np.median(spread)) if spread else 0.0)
    out = {}
    for name, values in found.items():
        known = past[name]
        count = len(known)
        centre = float(known.sum() / (count + 1))  # shrunk towards no difference
        if upper and count == 0:
            centre = 0.0
        if upper and count:
            centre = float(known.mean())
        squares = float(((known - centre) ** 2).sum())
        variance = max(floor**2, (PRIOR * prior + squares) / (PRIOR + max(count - 1, 0)))
        t = (values[-1] - centre) / np.sqrt(variance * (1 + 1 / (count + 1)))
        freedom = PRIOR + max(count - 1, 0)
        tail = float(stdtr(freedom, -t if upper else -abs(t)))
        out[name] = tail if upper else min(1.0, 2 * tail)
    return out


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
    # few rows with large scores are no normal sum: Bernstein's bound for the tail
    jump = np.abs(order - middle[:, None]).max(axis=1, where=pooled > 0, initial=0.0) / n[:, 0]
    skew = np.divide(jump, error, out=np.zeros(len(gap)), where=error > 0)
    return z / np.sqrt(1 + skew * np.abs(z) / 3), float(gap[-1] / spread[-1]) if spread[
        -1
    ] > 0 else 0.0


def _totals(now: Array, before: Array) -> tuple[Array, Array]:
    n = np.maximum(now.sum(axis=1, keepdims=True), 1)
    return n, np.maximum(before.sum(axis=1, keepdims=True), 1)


def _running(z: Array) -> Array:
    """Means over the last WINDOW periods, times the root of their number (d+1,)."""
    padded = np.concatenate([np.full(WINDOW - 1, np.nan), z])
    stacked = np.stack([padded[i : i + len(z)] for i in range(WINDOW)])
    return np.nanmean(stacked, axis=0) * np.sqrt(WINDOW)


def distance(now: Array, before: Array, order: Array | None) -> tuple[float, float]:
    """PSI in nats between counts per bin, and the shift of the normal scores in deviations."""
    if not now.sum() or not before.sum():
        return 0.0, 0.0
    return _psi(now, before), _mean(now[None], before[None], order)[1]


def _psi(now: Array, before: Array) -> float:
    p, q = ((c + 0.5) / (c.sum() + 0.5 * len(c)) for c in (now, before))
    return float(((p - q) * np.log(p / q)).sum())


def rate(count: int, rows: int, counts: Array, sizes: Array) -> tuple[float, float]:
    """The chance of `count` or more of `rows` by past `counts` of `sizes`, and the usual share.

    Negative binomial, with the past's overdispersion and the error of its own mean.
    """
    from scipy.special import pdtrc

    usual = (counts.sum() + 0.5) / (sizes.sum() + 1)
    expected = usual * rows
    if count <= expected:
        return 1.0, float(usual)
    fitted = np.maximum(usual * sizes, 1e-12)
    over = float(((counts - fitted) ** 2 / (fitted + 0.25)).mean()) if len(counts) > 2 else 1.0
    over = max(1.0, over) * (1 + rows / (sizes.sum() + 1))
    if over <= 1 + 1e-9:
        return float(pdtrc(count - 1, expected)), float(usual)
    return _negative_binomial(count, expected, over), float(usual)


def _negative_binomial(count: int, mean: float, over: float) -> float:
    """P(X >= count) at this mean and variance over * mean."""
    from scipy.special import betainc

    size = mean / (over - 1)
    return float(betainc(count, size, 1 - 1 / over))
