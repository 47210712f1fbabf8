"""Likely causes of a moved column: another unit, another column, another clock, missing hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import units
from plumbline.monitor.binning import GRID_BINS, HOURS, STEPS

MOVES = 12 * STEPS
"""Furthest factor that is looked for, in bins of the fine grid: 4096."""
TIE = 4.0
"""Gain in nats that a known factor may lack to the best."""
CLOSE = 0.007
"""The same as a share of the best's gain, for a part of the rows: there the nearest bin may gain more."""
LEAST = 12.0
"""Gain in log-likelihood (nats) that a cause must bring."""
HALVINGS = 10
"""Steps of the search for a share, which give it to a thousandth."""
FLOOR = 1e-3
"""Part of a density that lies evenly on the grid."""
DRIFT_FACTOR = 1.8
"""Factors below it (and above its inverse) are drift, not another unit."""
FIT = 0.5
"""Share of what has moved that a cause must explain."""
MOST_ROWS = 0.9
"""From this share of rows on, drift could have moved the column as well as another unit."""
SHARP = 0.8
"""`FIT` where most rows have moved: another unit leaves nothing else to explain."""
POWERS = (0.6, 0.75, 0.87, 1.15, 1.33, 1.67)
"""Drift that widens or narrows a column: its values to these powers, about today's median."""
GridPair = tuple[Array, Array]
"""Counts on the fine grid: now, before."""


@dataclass(frozen=True)
class HourGap:
    """Hours without a row: a description, the share of the rows expected in them, and its chance."""

    description: str
    share: float
    chance: float


def missing_hours(now: Array, before: Array) -> HourGap | None:
    """The longest run of empty hours (by the rows that were to be expected), if any is empty."""
    expected_shares = before / max(1, before.sum())
    best, hours = 0.0, (0, 0)
    start = 0
    for hour in range(HOURS + 1):
        if hour == HOURS or now[hour] > 0:
            share = float(expected_shares[start:hour].sum())
            if share > best:
                best, hours = share, (start, hour)
            start = hour + 1
    if best == 0.0:
        return None
    expected = now.sum() * best / max(1e-9, 1 - best)
    first, end = hours
    text = f"between {first}:00 and {end}:00"
    text = f"after {first}:00" if end == HOURS else f"before {end}:00" if first == 0 else text
    return HourGap(text, best, float(np.exp(-expected / 2)))


def clock(now: Array, before: Array) -> int:
    """Hours by which the day's pattern is late (negative: early); 0 where no move explains it."""
    p, q = now / max(1, now.sum()), before / max(1, before.sum())
    moves = [h for h in range(-12, 12) if h]
    still = _gap(p, q)
    best = min(moves, key=lambda h: _gap(p, np.roll(q, h)))
    return best if _gap(p, np.roll(q, best)) < (1 - FIT) * still else 0


def scaled(
    now: Array, before: Array, factors: Sequence[float]
) -> tuple[float, float, float] | None:
    """A factor, the share of rows that it was applied to, and the gain in nats, if one explains it.

    `factors`: those between the column's unit and others (`units.factors`); a column without one
    drifts. All factors from 1/4096 to 4096 compete, of a part of the rows or, known ones, of all; a
    known one is preferred where it explains the values almost as well as the best; others count only
    where the unit has no complete list of factors.
    """
    if not factors:
        return None
    p, q = now.astype(float), _density(before)
    moves = [m for m in range(-MOVES, MOVES + 1) if m]
    gains = {m: _gain(p, q, _density(_times(before, 2.0 ** (m / STEPS)))) for m in moves}
    best = max(moves, key=lambda m: gains[m][0])
    exact = {f: _gain(p, q, _density(_times(before, f))) for f in factors}
    likely = max(factors, key=lambda f: exact[f][0])
    close = CLOSE * gains[best][0] if exact[likely][1] <= MOST_ROWS else 0.0
    named = exact[likely][0] >= gains[best][0] - max(TIE, close)
    of_drift = [gains[m][0] for m in moves if abs(m) < STEPS * np.log2(DRIFT_FACTOR)]
    if max(of_drift) >= gains[best][0] - TIE or not (named or units.any_factor(factors)):
        return None
    gain, share = exact[likely] if named else gains[best]
    factor = likely if named else float(f"{2.0 ** (best / STEPS):.2g}")
    if gain < max(LEAST, FIT * _most(p, q)) or (not named and share > 0.5):
        return None  # most of the rows times an odd number are drift
    if share > MOST_ROWS and gain < SHARP * _most(p, q):
        return None  # another unit of all rows keeps the column's shape
    return None if _wider(p, q, before) > gain else (factor, share, gain)


def _wider(p: Array, q: Array, before: Array) -> float:
    """What a column that became wider or narrower by drift explains."""
    middles = _median(p), _median(before)
    rivals = (_density(_times(before, middles[0] / middles[1] ** b, b)) for b in POWERS)
    return max(_gain(p, q, rival)[0] for rival in rivals)


def _median(counts: Array) -> float:
    """The middle of the absolute values on the grid, at least 1."""
    value = 2.0 ** (np.abs(np.arange(GRID_BINS) - GRID_BINS // 2) / STEPS) - 1
    order = np.argsort(value, kind="stable")
    reached = np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)
    return max(1.0, float(value[order][min(int(reached), GRID_BINS - 1)]))


def swapped(
    grids: Mapping[str, GridPair],
    suspects: set[str],
    factors: Mapping[str, Sequence[float]],
) -> list[tuple[str, str, float]]:
    """Pairs of suspects whose new parts look like each other's past values, and their share.

    `factors`: by column, those of another unit, which explain it better where they gain more.
    """
    out = []
    for one, other in combinations(sorted(set(grids) & suspects), 2):
        pairs = [
            (grids[a][0].astype(float), grids[a][1], grids[b][1]) for a, b in _both(one, other)
        ]
        gains = [_gain(now, _density(q), _density(r)) for now, q, r in pairs]
        rivals = [
            scaled(now, q, factors.get(n, ()))
            for n, (now, q, _) in zip((one, other), pairs, strict=True)
        ]
        least = [max(LEAST, r[2] if r else 0.0) for r in rivals]
        if all(g > bound for (g, _), bound in zip(gains, least, strict=True)):
            out.append((one, other, float(np.mean([s for _, s in gains]))))
    return out


def _both(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _times(before: Array, factor: float, power: float = 1.0) -> Array:
    """The grid's counts with every value to `power`, times `factor`; what falls off stays at the end."""
    middle = GRID_BINS // 2
    offset = np.arange(GRID_BINS) - middle
    value = 2.0 ** (np.abs(offset) / STEPS) - 1
    size = np.minimum(np.rint(STEPS * np.log2(1 + factor * value**power)), middle)
    there = (middle + np.sign(offset) * size).astype(np.int64)
    return np.bincount(there, weights=before, minlength=GRID_BINS)


def _density(counts: Array) -> Array:
    """Smoothed shares on the fine grid, none of them zero."""
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(counts, kernel, mode="same")
    return (1 - FLOOR) * smooth / max(1e-9, smooth.sum()) + FLOOR / GRID_BINS


def _gain(now: Array, before: Array, other: Array) -> tuple[float, float]:
    """What (1 - s) before + s other gains over before alone in log-likelihood, at the best s.

    The gain is concave in s: its slope is halved in on.
    """
    filled = now > 0
    n, q, r = now[filled], before[filled], other[filled]
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        share = (low + high) / 2
        rises = (n * (r - q) / ((1 - share) * q + share * r)).sum() > 0
        low, high = (share, high) if rises else (low, share)
    return float((n * np.log(((1 - share) * q + share * r) / q)).sum()), share


def _most(now: Array, before: Array) -> float:
    """The gain of what explains the values best: they themselves, smoothed."""
    filled = now > 0
    return float((now[filled] * np.log(_density(now)[filled] / before[filled])).sum())


def _gap(p: Array, q: Array) -> float:
    return float(((p - q) ** 2 / (p + q + 1e-9)).sum())
