"""Days and runs of days on which something is counted far more, or less, often than before them. Pure.

Counts vary more than chance explains, as cases come in clusters. How much more is learned from the series
itself, robustly: a clean series rarely shows a burst, and a burst does not hide itself.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from plumbline.core.declarations import Array

RUNS = (1, 7)
"""Days that are judged together."""
BEFORE = 56
"""Days before a run that it is compared with."""
FEWEST = 28
"""Days before a run below which it is not judged, and runs below which none is."""
LEAST = 10.0
"""Rows more or less than expected that count as a burst, at least."""
RELATIVE = 0.25
"""Share of the expected rows by which a burst differs from them, at least."""
SEEN = 8
"""Runs before one that must have been seen for it to be judged."""
RECORD = 1.5
"""Times that a burst is farther from what is expected than any run before it."""
MARGIN = 1.125
"""Times that a limit lies above the normal distribution's: the runs of a clean series have longer tails."""
FALSE = 1 / 400
"""Chance that all series of one check show a burst in a clean table."""


@dataclass(frozen=True)
class DailyCounts:
    """Of each day in a row, `rows` and how many of them are `hits`; float64 (days,) each. `name`: of what."""

    name: str
    rows: Array
    hits: Array


class Run(NamedTuple):
    """`days` days from the place `first` on: hits, rows, expected hits; `score`: above 1 it is a burst."""

    name: str
    first: int
    days: int
    hits: float
    rows: float
    expected: float
    score: float


def judged(days: int) -> bool:
    """Whether a series of so many days can be judged."""
    return days >= 2 * FEWEST


def bursts(runs: Sequence[Run]) -> list[Run]:
    """The runs with a score above 1, the clearest first; of those that overlap in a series the clearest."""
    kept: list[Run] = []
    for run in sorted(runs, key=lambda r: (-r.score, r.name, r.first)):
        if run.score > 1 and not any(_overlap(run, k) for k in kept):
            kept.append(run)
    return kept


def runs(series: Sequence[DailyCounts], since: int) -> list[Run]:
    """The runs of all series that end after the place `since`, each with its score."""
    tests = sum(max(1, (len(one.rows) - since) // n) for one in series for n in RUNS)
    limit = MARGIN * NormalDist().inv_cdf(1 - FALSE / max(1, tests) / 2)
    listed = [r for one in series for n in RUNS for r in _of_length(one, n, limit)]
    return [r for r in listed if r.first + r.days > since]


def _of_length(one: DailyCounts, length: int, limit: float) -> Iterator[Run]:
    starts = np.arange(len(one.rows) - length, FEWEST - 1, -length)[::-1]
    if len(one.rows) < 2 * FEWEST or not len(starts):
        return
    rows, hits = (_sums(v, starts, starts + length) for v in (one.rows, one.hits))
    low = np.maximum(starts - BEFORE, 0)
    rows_before, hits_before = (_sums(v, low, starts) for v in (one.rows, one.hits))
    expected = hits_before * rows / np.maximum(rows_before, 1)
    far = np.abs(_size(hits, expected, rows)) / np.sqrt(1 + rows / np.maximum(rows_before, 1))
    enough = np.abs(hits - expected) >= np.maximum(LEAST, RELATIVE * expected)
    score = np.where(enough, far / _usual(far, limit), 0.0)
    for i, first in enumerate(starts.tolist()):
        figures = (hits[i], rows[i], expected[i], score[i])
        yield Run(one.name, first, length, *map(float, figures))


def _size(hits: Array, expected: Array, rows: Array) -> Array:
    """Distances of counts from what is expected, whose spread is 1 by chance alone (Anscombe 1948)."""
    share = np.divide(expected, rows, out=np.zeros(len(rows)), where=rows > 0)
    root = np.sqrt(hits + 0.375) - np.sqrt(expected + 0.375)
    return np.asarray(2 * root / np.sqrt(np.maximum(1 - share, 0.05)))


def _usual(far: Array, limit: float) -> Array:
    """How far each run may lie, by the runs before it; without a bound where these are too few."""
    usual = np.full(len(far), np.inf)
    ordered: list[float] = []
    for i, size in enumerate(far.tolist()):
        if i >= SEEN:
            middle, quarter = ordered[i // 2], ordered[3 * i // 4]
            spread = max(1.0, middle / 0.6745, quarter / 1.1503)
            usual[i] = max(limit * spread, RECORD * ordered[-1])
        insort(ordered, size)
    return usual


def _sums(values: Array, start: Array, end: Array) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[end] - total[start])


def _overlap(a: Run, b: Run) -> bool:
    return a.name == b.name and a.first < b.first + b.days and b.first < a.first + a.days
