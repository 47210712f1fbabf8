"""What may lie behind a moved column: another unit, another column, another clock, missing hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from plumbline.monitoring.layout import FINE, HOURS, STEPS
from plumbline.usecase import Array

FACTORS = (10.0, 100.0, 1000.0, 12.0, 60.0, 3600.0, 3.28084, 2.20462, 1.60934, 2.54)
"""Tens, dozens, minutes and seconds, feet, pounds, miles, inches; and their inverses."""
FIT = 0.6
"""Share of what a column has moved that a cause must explain."""
Grid = tuple[Array, Array]
"""Counts on the fine grid: now, before."""


@dataclass(frozen=True)
class Gap:
    """Hours without a row: in words, their usual share of the rows, and how likely by chance."""

    words: str
    share: float
    chance: float


def missing_hours(now: Array, before: Array) -> Gap | None:
    """The longest run of empty hours (by the rows that were to be expected), if any is empty."""
    usual = before / max(1, before.sum())
    best, place = 0.0, (0, 0)
    start = 0
    for hour in range(HOURS + 1):
        if hour == HOURS or now[hour] > 0:
            share = float(usual[start:hour].sum())
            if share > best:
                best, place = share, (start, hour)
            start = hour + 1
    if best == 0.0:
        return None
    expected = now.sum() * best / max(1e-9, 1 - best)
    first, end = place
    words = f"between {first}:00 and {end}:00"
    words = f"after {first}:00" if end == HOURS else f"before {end}:00" if first == 0 else words
    return Gap(words, best, float(np.exp(-expected / 2)))


def clock(now: Array, before: Array) -> int:
    """Hours by which the day's pattern is late (negative: early); 0 where no move explains it."""
    p, q = now / max(1, now.sum()), before / max(1, before.sum())
    moves = [h for h in range(-12, 12) if h]
    still = _gap(p, q)
    best = min(moves, key=lambda h: _gap(p, np.roll(q, h)))
    return best if _gap(p, np.roll(q, best)) < (1 - FIT) * still else 0


def scaled(now: Array, before: Array) -> tuple[float, float] | None:
    """A factor, and the share of rows that it was applied to; None where no factor explains it."""
    found = []
    for factor in (*FACTORS, *(1 / f for f in FACTORS)):
        fit, share = _mixture(now, before, _times(before, factor))
        found.append((fit, share, factor))
    fit, share, factor = max(found)
    return (factor, share) if fit >= FIT and share > 0 else None


def swapped(grids: Mapping[str, Grid], suspects: set[str | None]) -> list[tuple[str, str]]:
    """Pairs of suspects of which each one's new part looks like the other's usual values."""
    return [
        pair
        for pair in combinations(sorted(set(grids) & suspects), 2)
        if all(
            _mixture(*grids[a], grids[b][1])[0] >= FIT for a, b in (pair, pair[::-1])
        )
    ]


def swap_share(grids: Mapping[str, Grid], one: str, other: str) -> float:
    """Share of the rows in which the two columns are swapped: the mean of what either tells."""
    pairs = ((one, other), (other, one))
    return float(np.mean([_mixture(*grids[a], grids[b][1])[1] for a, b in pairs]))


def _times(before: Array, factor: float) -> Array:
    """The grid's counts with every value times `factor`; zero and what falls off stays at the end."""
    move = int(round(STEPS * np.log2(factor)))
    middle = FINE // 2
    size = np.abs(np.arange(FINE) - middle)
    there = np.sign(np.arange(FINE) - middle) * np.clip(np.where(size > 0, size + move, 0), 0, middle)
    return np.bincount((middle + there).astype(np.int64), weights=before, minlength=FINE)


def _mixture(now: Array, before: Array, other: Array) -> tuple[float, float]:
    """How well (1 - s) before + s other explains now, as a share of the distance, and s in 0..1."""
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    p, q, r = (np.convolve(c / max(1, c.sum()), kernel, mode="same") for c in (now, before, other))
    weight = 1 / (p + q + r + 1e-6)
    way, gap = r - q, p - q
    length = float((weight * way * way).sum())
    if length == 0:
        return 0.0, 0.0
    share = float(np.clip((weight * way * gap).sum() / length, 0.0, 1.0))
    still = float((weight * gap * gap).sum())
    left = float((weight * (gap - share * way) ** 2).sum())
    return 1 - left / still if still else 0.0, share


def _gap(p: Array, q: Array) -> float:
    return float(((p - q) ** 2 / (p + q + 1e-9)).sum())
