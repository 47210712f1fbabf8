"""What the labels of one period tell once they are known, and whether quality has been lost.

A period's outcome is small: sums and scores by label, from which quality and calibration follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor.binning import Layout
from plumbline.monitor.window import Window

BINS = 512
"""Of the scores' logits, from which average precision is read to about a thousandth."""
REACH = 14.0
"""Largest logit that is told apart."""
PRIOR = 6.0
"""Runs of periods that the spread of single periods counts for."""
RUNS = (3, 7)
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
    """A figure of the last `run` matured periods against the usual ones.

    `p` is the chance of such a distance in this direction without a change (`worse`: only where
    quality is lost; calibration counts both ways), `usual` and `now` the figures, `size` the relative
    change, or the change in mean absolute errors of a regression's calibration.
    """

    name: str
    run: int
    p: float
    usual: float
    now: float
    size: float
    first: np.datetime64 | None
    last: np.datetime64 | None


def tests(problem: str, usual: Sequence[Outcome], recent: Sequence[Outcome]) -> list[Test]:
    """The tests of the last 3 and 7 of `recent` (oldest first) against `usual`.

    Quality and calibration (a classification: labels over the sum of scores; a regression: the mean
    error). A figure's spread shrinks with the cases it is made of, as the usual periods show; runs of
    usual periods tell how much more it is where periods resemble their neighbours.
    """
    found = []
    for run in RUNS:
        if len(recent) < run or len(usual) < max(7, 2 * run):
            continue
        now, last = pool(recent[-run:]), recent[-1].day
        if not now.known:
            continue
        blocks = [pool(usual[i : i + run]) for i in range(len(usual) % run, len(usual), run)]
        for name in ("quality", "calibration"):
            one = _test(problem, name, usual, blocks, now)
            if one:
                found.append(Test(name, run, *one, now.day, last))
    return found


def _test(
    problem: str, name: str, usual: Sequence[Outcome], blocks: Sequence[Outcome], now: Outcome
) -> tuple[float, float, float, float] | None:
    """(p, usual, now, size) of one figure, None where it is not defined."""
    from scipy.special import stdtr

    whole = pool(usual)
    figure = _quality if name == "quality" else _calibration
    middle, _ = figure(problem, whole, whole)
    mine, weight = figure(problem, now, whole)
    if not np.isfinite(mine) or not np.isfinite(middle):
        return None
    daily, runs = (_spread(problem, figure, some, whole, middle) for some in (usual, blocks))
    if daily[1] < 4:
        return None
    # the blocks are few: the days' spread counts for PRIOR of them
    variance = max(daily[0], (PRIOR * daily[0] + runs[0] * runs[1]) / (PRIOR + runs[1]))
    error = np.sqrt(variance * (1 / weight + 1 / max(1e-9, figure(problem, whole, whole)[1])))
    t = float((mine - middle) / error)
    tail = float(stdtr(PRIOR + runs[1], -t if name == "quality" else -abs(t)))
    return (tail, *_told(problem, name, whole, now))


def _spread(
    problem: str,
    figure: Callable[[str, Outcome, Outcome], tuple[float, float]],
    some: Sequence[Outcome],
    whole: Outcome,
    middle: float,
) -> tuple[float, int]:
    """The variance of a figure times its weight, and from how many periods."""
    pairs = np.array([figure(problem, one, whole) for one in some])
    good = pairs[np.isfinite(pairs).all(axis=1) & (pairs[:, 1] > 0)]
    if not len(good):
        return 0.0, 0
    return float((good[:, 1] * (good[:, 0] - middle) ** 2).mean()), len(good)


def _quality(problem: str, one: Outcome, _whole: Outcome) -> tuple[float, float]:
    """How bad on a scale without ends (log of the error, minus the logit of precision), and its weight."""
    value = quality(problem, one)
    if problem == "regression":
        return (float(np.log(value)) if value > 0 else float("nan")), float(one.known)
    share = float(np.clip(value, 1e-3, 1 - 1e-3))
    return -float(np.log(share / (1 - share))), one.label


def _calibration(problem: str, one: Outcome, whole: Outcome) -> tuple[float, float]:
    """The mean error, or the root of labels over scores (Anscombe 1948), and its weight."""
    if problem == "regression":
        return ((one.label - one.score) / one.known if one.known else float("nan")), float(
            one.known
        )
    usual = (whole.label + 0.5) / (whole.score + 0.5)
    expected = usual * one.score
    if expected <= 0:
        return float("nan"), 0.0
    return 2 * float(np.sqrt((one.label + 0.375) / (expected + 0.375))), expected


def _told(problem: str, name: str, whole: Outcome, now: Outcome) -> tuple[float, float, float]:
    """The figures as a reader knows them, and the relative change."""
    if name == "quality":
        before, after = quality(problem, whole), quality(problem, now)
        lost = after / before - 1 if problem == "regression" else 1 - after / before
        return before, after, lost
    if problem == "regression":
        before = (whole.label - whole.score) / whole.known
        after = (now.label - now.score) / now.known
        return before, after, (after - before) / (whole.loss / whole.known)
    before = (whole.label + 0.5) / (whole.score + 0.5)
    after = (now.label + 0.5) / (now.score + 0.5)
    return before, after, after / before - 1
