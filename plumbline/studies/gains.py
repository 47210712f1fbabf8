"""Whether more would pay: the gain of the last doubling, held against a margin. Pure.

A learning curve flattens: the next doubling is not expected to gain more than the last one did. It is
the last one that was measured, so this is what is judged, and nothing is fitted through the points.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from plumbline.metrics import small_sample
from plumbline.metrics.bootstrap import Array, Estimate, Resample
from plumbline.metrics.interval import Interval
from plumbline.review import paired
from plumbline.studies.trained_window import TrainedWindow

GainWord = Literal["pays", "too little", "cannot tell"]
REPLICATES = 500
MIN_TRIALS = 5


class Gain(Interval):
    """By how much the last doubling made the primary metric better (positive: better), and what it says."""

    word: GainWord


def judged(gain: Estimate, figure: float, margin: float) -> Gain:
    """The gain with its word; `margin`: the share of `figure` up to which a gain does not count.

    pays: the interval lies above zero, and the gain exceeds the margin. too little: the interval ends
    below the margin. cannot tell: neither.

    >>> judged(Estimate(0.02, 0.01, 0.03), 0.8, 0.01).word
    'pays'
    >>> judged(Estimate(0.01, -0.01, 0.03), 0.8, 0.01).word
    'cannot tell'
    >>> judged(Estimate(0.001, -0.002, 0.004), 0.8, 0.01).word
    'too little'
    """
    word: GainWord = "cannot tell"
    if gain.high <= margin * abs(figure):
        word = "too little"
    elif gain.low > 0 and gain.value > margin * abs(figure):
        word = "pays"
    return Gain.from_estimate(gain, word=word)


def over_seeds(window: TrainedWindow, replicates: Array, sample: Resample) -> Estimate:
    """The mean over seeds of replicates (k, R): an interval of the days drawn and of the seeds.

    Fewer than three seeds have no interval.
    """
    of_days = window.labelled.estimate(np.mean(replicates, axis=0), sample)
    of_seeds = small_sample.mean(replicates[:, 0], window.labelled.level)
    if math.isnan(of_seeds.high):
        return Estimate(of_days.value, math.nan, math.nan)
    return paired.widened(of_days, of_seeds.high - of_seeds.value)


def expected_best(figures: Array, count: int) -> float:
    """The mean of the highest of `count` of the figures (n,), drawn without replacement.

    After Dodge et al., "Show Your Work: Improved Reporting of Experimental Results" (EMNLP 2019).

    >>> expected_best(np.array([1.0, 2.0, 3.0]), 1), expected_best(np.array([1.0, 2.0, 3.0]), 3)
    (2.0, 3.0)
    """
    rising, total = np.sort(figures), math.comb(len(figures), count)
    shares = [math.comb(place, count - 1) / total for place in range(len(rising))]
    return float(np.dot(rising, shares))


def of_trials(figures: Array, level: float, seed: int, noise: float) -> Estimate:
    """What the second half of a search's trials gained; `figures` (n,), higher is better.

    The interval is a bootstrap of the trials, widened by `noise`, half the interval by which two models
    differ through their seeds alone. None for fewer than five trials.
    """
    count = len(figures)
    half = count // 2
    if count < MIN_TRIALS:
        value = float(np.max(figures)) - expected_best(figures, half) if half else math.nan
        return Estimate(value, math.nan, math.nan)
    random = np.random.default_rng(seed)
    drawn = [figures[random.integers(0, count, count)] for _ in range(REPLICATES)]
    gains = [expected_best(one, count) - expected_best(one, half) for one in drawn]
    low, high = np.quantile(gains, ((1 - level) / 2, (1 + level) / 2))
    value = expected_best(figures, count) - expected_best(figures, half)
    return paired.widened(Estimate(value, min(low, value), max(high, value)), noise)
