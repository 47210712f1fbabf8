"""Whether labels show a loss of quality, or calibration that has moved: tests against past periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.monitor import label_outcomes
from plumbline.monitor.label_outcomes import LabelOutcome, pool

RUNS = (3, 7)
"""Numbers of labelled periods that are pooled for a test."""
PRIOR = 6.0
"""Runs of periods that the spread of single periods counts for."""
MIN_PERIODS = 4
"""Past periods in which a figure is defined, below which it is not tested."""
Measure = Callable[[str, LabelOutcome, LabelOutcome], tuple[float, float]]
"""A figure of an outcome and its weight, by problem, outcome and the past's pooled outcome."""


@dataclass(frozen=True)
class LabelTest:
    """A figure of the last `run` labelled periods against the past.

    `p` is the chance of such a distance in this direction without a change (quality: only where it is
    lost; calibration: both ways), `before` and `now` the figures, `size` the relative change, or the
    change in mean absolute errors of a regression's calibration.
    """

    name: str
    run: int
    p: float
    before: float
    now: float
    size: float
    first: np.datetime64 | None
    last: np.datetime64 | None
    of: str = ""  # the class, of several, against all others


def tests(
    problem: str, past: Sequence[LabelOutcome], recent: Sequence[LabelOutcome]
) -> list[LabelTest]:
    """The tests of the last 3 and 7 of `recent` (oldest first) against `past`.

    Quality and calibration (a classification: labels over the sum of scores; a regression: the mean
    error). A figure's spread shrinks with the cases behind it, as the past periods show; runs of past
    periods tell how much more it is where periods resemble their neighbours.
    """
    out = []
    for run in RUNS:
        if len(recent) < run or len(past) < max(7, 2 * run):
            continue
        now, last = pool(recent[-run:]), recent[-1].day
        if not now.known:
            continue
        runs = [pool(past[i : i + run]) for i in range(len(past) % run, len(past), run)]
        for name in ("quality", "calibration"):
            figures = _test(problem, name, past, runs, now)
            if figures:
                out.append(LabelTest(name, run, *figures, now.day, last))
    return out


def of_classes(
    past: Sequence[LabelOutcome], recent: Sequence[LabelOutcome], classes: Sequence[str]
) -> list[LabelTest]:
    """Those of the log loss, and of each class against all others as of a classification."""
    out = [one for one in tests("regression", past, recent) if one.name == "quality"]
    for code, name in enumerate(classes):
        own, now = ([o.classes[code] for o in some] for some in (past, recent))
        out += [replace(one, of=name) for one in tests("classification", own, now)]
    return out


def _test(
    problem: str,
    name: str,
    past: Sequence[LabelOutcome],
    runs: Sequence[LabelOutcome],
    now: LabelOutcome,
) -> tuple[float, float, float, float] | None:
    """(p, before, now, size) of one figure, None where it is not defined."""
    from scipy.special import stdtr

    pooled = pool(past)
    measure = _quality if name == "quality" else _calibration
    middle, past_weight = measure(problem, pooled, pooled)
    value, weight = measure(problem, now, pooled)
    if not np.isfinite(value) or not np.isfinite(middle):
        return None
    of_days, of_runs = (_spread(problem, measure, some, pooled, middle) for some in (past, runs))
    if of_days[1] < MIN_PERIODS:
        return None
    # there are few runs: the days' spread counts for PRIOR of them
    variance = max(
        of_days[0], (PRIOR * of_days[0] + of_runs[0] * of_runs[1]) / (PRIOR + of_runs[1])
    )
    error = np.sqrt(variance * (1 / weight + 1 / max(1e-9, past_weight)))
    if not error > 0:
        return None  # every period has the same figure: nothing tells how much it varies
    t = float((value - middle) / error)
    tail = float(stdtr(PRIOR + of_runs[1], -t if name == "quality" else -abs(t)))
    return (tail, *_reported(problem, name, pooled, now))


def _spread(
    problem: str,
    measure: Measure,
    periods: Sequence[LabelOutcome],
    pooled: LabelOutcome,
    middle: float,
) -> tuple[float, int]:
    """The variance of a figure times its weight, and from how many periods."""
    pairs = np.array([measure(problem, one, pooled) for one in periods])
    good = pairs[np.isfinite(pairs).all(axis=1) & (pairs[:, 1] > 0)]
    if not len(good):
        return 0.0, 0
    return float((good[:, 1] * (good[:, 0] - middle) ** 2).mean()), len(good)


def _quality(problem: str, one: LabelOutcome, _pooled: LabelOutcome) -> tuple[float, float]:
    """How bad on a scale without ends (log of the error, minus the logit of precision), and its weight."""
    value = label_outcomes.quality(problem, one)
    if problem == "regression":
        return (float(np.log(value)) if value > 0 else float("nan")), float(one.known)
    share = float(np.clip(value, 1e-3, 1 - 1e-3))
    return -float(np.log(share / (1 - share))), one.label


def _calibration(problem: str, one: LabelOutcome, pooled: LabelOutcome) -> tuple[float, float]:
    """The mean error, or the root of labels over scores (Anscombe 1948), and its weight."""
    if problem == "regression":
        error = (one.label - one.score) / one.known if one.known else float("nan")
        return error, float(one.known)
    before = (pooled.label + 0.5) / (pooled.score + 0.5)
    expected = before * one.score
    if expected <= 0:
        return float("nan"), 0.0
    return 2 * float(np.sqrt((one.label + 0.375) / (expected + 0.375))), expected


def _reported(
    problem: str, name: str, pooled: LabelOutcome, now: LabelOutcome
) -> tuple[float, float, float]:
    """The figures as a reader knows them, and the relative change."""
    if name == "quality":
        before = label_outcomes.quality(problem, pooled)
        after = label_outcomes.quality(problem, now)
        lost = after / before - 1 if problem == "regression" else 1 - after / before
        return before, after, lost
    if problem == "regression":
        before = (pooled.label - pooled.score) / pooled.known
        after = (now.label - now.score) / now.known
        return before, after, (after - before) / (pooled.loss / pooled.known)
    before = (pooled.label + 0.5) / (pooled.score + 0.5)
    after = (now.label + 0.5) / (now.score + 0.5)
    return before, after, after / before - 1
