"""What the labels of one period tell once they are known, and whether quality has been lost.

A period's outcome is small: sums and scores by label, from which quality and calibration follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from plumbline.monitoring.layout import Layout
from plumbline.monitoring.window import Window
from plumbline.usecase import Array

BINS = 512
"""Of the scores' logits, from which average precision is read to about a thousandth."""
REACH = 14.0
"""Largest logit that is told apart."""
RUNS = (1, 3, 7)
"""Numbers of matured periods that are pooled for a test."""


@dataclass(frozen=True)
class Outcome:
    """Sums over the `known` of a period's `rows` that have a label.

    `label` and `score` are sums, `variance` the sum of s(1-s) (of squared errors for a regression),
    `loss` the sum of log losses (of absolute errors). `scores` int (2, BINS): rows by label and score
    of a classification.
    """

    day: np.datetime64 | None
    rows: int
    known: int
    label: float
    score: float
    variance: float
    loss: float
    scores: Array

    @property
    def maturity(self) -> float:
        """Share of the rows whose label is known."""
        return self.known / self.rows if self.rows else 0.0


def outcome(layout: Layout, window: Window, day: np.datetime64 | None = None) -> Outcome:
    """The sums of the window's rows with a known label (not NaN) and a finite score."""
    first = window.last if day is None else day
    good = window.matured & np.isfinite(window.score)
    label, score = window.label[good], window.score[good]
    if layout.problem == "regression":
        error = label - score
        sums = (float((error**2).sum()), float(np.abs(error).sum()))
        scores = np.zeros((2, 0), np.int64)
    else:
        s = np.clip(score, 1e-9, 1 - 1e-9)
        sums = (float((s * (1 - s)).sum()), float(-np.log(np.where(label > 0, s, 1 - s)).sum()))
        place = (np.log(s / (1 - s)) + REACH) * (BINS / (2 * REACH))
        place = np.clip(place.astype(np.int64), 0, BINS - 1)
        scores = np.stack([np.bincount(place[label == v], minlength=BINS) for v in (0, 1)])
    return Outcome(
        first, window.rows, len(label), float(label.sum()), float(score.sum()), *sums, scores
    )


def pool(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of several periods as one; at least one."""
    return reduce(_add, outcomes)


def _add(a: Outcome, b: Outcome) -> Outcome:
    return Outcome(
        a.day,
        a.rows + b.rows,
        a.known + b.known,
        a.label + b.label,
        a.score + b.score,
        a.variance + b.variance,
        a.loss + b.loss,
        a.scores + b.scores,
    )


def quality(problem: str, outcome: Outcome) -> float:
    """Average precision, or mean absolute error; NaN where it is not defined."""
    if problem == "regression":
        return outcome.loss / outcome.known if outcome.known else float("nan")
    return precision(*outcome.scores[:, ::-1])


def precision(negative: Array, positive: Array) -> float:
    """Average precision of counts by score, the highest first; NaN with one kind of label only."""
    if not positive.sum() or not negative.sum():
        return float("nan")
    hit, whole = np.cumsum(positive), np.cumsum(positive + negative)
    return float((hit / np.maximum(whole, 1) * positive).sum() / hit[-1])


@dataclass(frozen=True)
class Test:
    """A figure of the last `run` matured periods against the earlier ones.

    `z` is its distance from the usual in robust deviations, positive where worse (for `label`: more),
    `usual` and `now` the figures, `size` the relative change.
    """

    name: str
    run: int
    z: float
    usual: float
    now: float
    size: float
    first: np.datetime64 | None
    last: np.datetime64 | None


def tests(problem: str, usual: Sequence[Outcome], recent: Sequence[Outcome]) -> list[Test]:
    """The tests of the last 1, 3 and 7 of `recent` (oldest first) against `usual`.

    Quality and calibration (a classification: labels over the sum of scores; a regression: the mean
    error). Their spread is what runs of as many usual periods show.
    """
    found = []
    for run in RUNS:
        if len(recent) < run or len(usual) < 2 * run:
            continue
        now, last = pool(recent[-run:]), recent[-1].day
        if not now.known:
            continue
        stretches = [pool(usual[i : i + run]) for i in range(len(usual) - run + 1)]
        for name, one in (("quality", _quality_test), ("calibration", _calibration_test)):
            z, before, after, size = one(problem, usual, stretches, now)
            if np.isfinite(z):
                found.append(Test(name, run, z, before, after, size, now.day, last))
    return found


Figures = tuple[float, float, float, float]


def _quality_test(
    problem: str, usual: Sequence[Outcome], stretches: Sequence[Outcome], now: Outcome
) -> Figures:
    """On the logit of average precision, or the log of the mean absolute error."""
    before, after = quality(problem, pool(usual)), quality(problem, now)
    past = np.array([quality(problem, s) for s in stretches])
    past = past[np.isfinite(past)]
    if len(past) < 4 or not np.isfinite(after):
        return (float("nan"),) * 4
    if problem == "regression":
        values, mine = np.log(np.maximum(past, 1e-9)), np.log(max(after, 1e-9))
        sign, floor, size = 1.0, 0.02, after / before - 1
    else:
        values, mine = _logit(past), _logit(np.array([after]))[0]
        # the spread that as few cases make by themselves (Boyd et al. 2013): 1 / sqrt of their number
        sign, floor, size = -1.0, 1.0 / np.sqrt(max(now.label, 1.0)), 1 - after / before
    spread = max(float(values.std(ddof=1)), floor)
    return (
        sign * float(mine - values.mean()) / (spread * _widen(len(usual), now)),
        before,
        after,
        size,
    )


def _calibration_test(
    problem: str, usual: Sequence[Outcome], stretches: Sequence[Outcome], now: Outcome
) -> Figures:
    whole = pool(usual)
    if problem == "regression":
        past = np.array([(s.label - s.score) / max(s.known, 1) for s in stretches])
        mine, before = (now.label - now.score) / now.known, float(past.mean())
        scale = whole.loss / whole.known
        spread = max(float(past.std(ddof=1)), 0.02 * scale)
        size = (abs(mine - before)) / scale
        return (mine - before) / spread, before, mine, size
    ratio = (whole.label + 1) / (whole.score + 1)
    expected = np.array([ratio * s.score for s in stretches])
    gap = np.array([s.label for s in stretches]) - expected
    over = max(1.0, float((gap**2 / np.maximum(expected, 0.25)).mean()))
    mine = ratio * now.score
    # the square root makes a count's spread even (Anscombe 1948)
    z = 2 * (np.sqrt(now.label + 0.375) - np.sqrt(mine + 0.375)) / np.sqrt(over)
    size = (now.label + 0.5) / (mine + 0.5) - 1
    return float(z), ratio, (now.label + 0.5) / (now.score + 0.5), float(size)


def _widen(count: int, now: Outcome) -> float:
    return float(np.sqrt(1 + 1 / count)) if now.known else 1.0


def _logit(share: Array) -> Array:
    s = np.clip(share, 1e-3, 1 - 1e-3)
    return np.log(s / (1 - s))
