"""Distances between counts per bin, and how large they would be without drift."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np

from plumbline.core.declarations import Array


def psi(reference: Array, current: Array) -> float:
    """Population stability index between counts per bin, in nats; half a row is added to every bin."""
    p, q = _smooth(reference), _smooth(current)
    return float(((q - p) * np.log(q / p)).sum())


def psi_noise(reference: Array, current: Array, chance: float) -> float:
    """The PSI that a share `chance` of windows without drift exceeds: (1/n + 1/m) chi2(bins - 1)."""
    n, m, bins = reference.sum(), current.sum(), len(reference)
    if bins < 2 or n == 0 or m == 0:
        return 0.0
    return float(1 / n + 1 / m) * chi2_quantile(bins - 1, 1 - chance)


def overdispersion(positions: Array, stretches: Array) -> float:
    """How many times more than by chance the stretches' counts per bin differ from each other.

    Pearson's chi-squared over its degrees of freedom (McCullagh & Nelder 1989, 4.5): about 1 where
    rows are independent, k where they come in groups of k alike. `positions` int (n,): each row's bin.
    """
    inside = stretches >= 0
    if not inside.any():
        return 1.0
    rows, bins = stretches[inside], positions[inside]
    count, size = int(rows.max()) + 1, int(bins.max()) + 1
    table = np.bincount(rows * size + bins, minlength=count * size).reshape(count, size)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if freedom == 0:
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum() / freedom)


def chi2_quantile(degrees: int, level: float) -> float:
    """Quantile of the chi-squared distribution after Wilson and Hilferty (1931); within 2 % from 3 up."""
    z = NormalDist().inv_cdf(level)
    spread = 2 / (9 * degrees)
    return degrees * max(0.0, 1 - spread + z * sqrt(spread)) ** 3


def jensen_shannon(reference: Array, current: Array) -> float:
    """Square root of the Jensen-Shannon divergence in bits between counts per bin."""
    p, q = _smooth(reference), _smooth(current)
    middle = (p + q) / 2
    bits = (p * np.log2(p / middle)).sum() + (q * np.log2(q / middle)).sum()
    return sqrt(max(0.0, float(bits) / 2))


def ks_gap(reference: Array, current: Array, *, ordered: bool) -> float:
    """Largest gap of the cumulative shares; half the sum of gaps where the bins have no order."""
    if not reference.sum() or not current.sum():
        return 0.0
    gap = current / current.sum() - reference / reference.sum()
    return float(np.abs(np.cumsum(gap)).max() if ordered else np.abs(gap).sum() / 2)


def share_noise(expected: float, rows: float, chance: float) -> float:
    """The share that `rows` rows exceed with probability `chance` where `expected` is the true one.

    Bernstein's bound, so that a handful of rows never is a finding.
    """
    z = NormalDist().inv_cdf(1 - chance)
    return expected + z * sqrt(expected * (1 - expected) / rows) + z * z / (2 * rows)


def _smooth(counts: Array) -> Array:
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
