"""Quality on known labels for a reader: current against reference, with intervals, week by week."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Estimate, Resample
from plumbline.monitor import calendar
from plumbline.monitor.window import ScoredWindow, labelled_weeks
from plumbline.report import columns
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import interval, share


@dataclass(frozen=True)
class QualityChange:
    """The primary metric on rows with a known label.

    `loss` is relative to the reference's value, positive where the current window is worse. Pairs are
    reference, current. `why`: why there are no figures, or no interval; "" otherwise.
    """

    metric: str
    rows: tuple[int, int]
    why: str = ""
    values: tuple[Estimate, Estimate] | None = None
    labels: tuple[Estimate, Estimate] | None = None
    scores: tuple[Estimate, Estimate] | None = None
    loss: Estimate | None = None

    @property
    def judged(self) -> bool:
        """Whether there are labels enough to tell a loss from noise."""
        return self.loss is not None and bool(np.isfinite(self.loss.low))


@dataclass(frozen=True)
class WeekQuality:
    """Seven days from `first`: rows, those with a known label, their primary metric or NaN."""

    window: str
    first: np.datetime64
    rows: int
    labelled: int
    quality: float


def change(
    problem: str, past: ScoredWindow, now: ScoredWindow, *, replicates: int, level: float, seed: int
) -> QualityChange:
    """The primary metric of both windows over whole weeks of known labels, and the loss."""
    pair = (labelled_weeks(past), labelled_weeks(now))
    unmeasured = QualityChange(metrics.PRIMARY[problem], (pair[0].rows, pair[1].rows))
    why = _why_not(problem, pair[0], "reference") or _why_not(problem, pair[1], "current")
    if why:
        return replace(unmeasured, why=why)
    draws = _draws(pair, replicates, seed)
    metric = _both(lambda w, d: metrics.primary(problem, w.label, w.answer, d), pair, draws)
    labels = _both(lambda w, d: d.mean(w.outcome), pair, draws)
    scores = _both(lambda w, d: d.mean(w.score), pair, draws)
    smaller = min(draws, key=lambda d: d.draws.shape[0])
    loss = bootstrap.estimate(_loss(unmeasured.metric, *metric), smaller, level)
    return replace(
        unmeasured,
        why="" if np.isfinite(loss.low) else "too few days with a known label for an interval",
        values=_estimates(metric, draws, level),
        labels=_estimates(labels, draws, level),
        scores=_estimates(scores, draws, level),
        loss=loss,
    )


def by_week(problem: str, window: ScoredWindow, name: str) -> Iterator[WeekQuality]:
    """The whole weeks of a window, oldest first."""
    if window.day is None or window.last is None:
        return
    number = calendar.week_of(window.day, window.last)
    for week in range(window.days // 7 - 1, -1, -1):
        one = window.take(number == week)
        known = one.take(one.labelled)
        first = window.last - (7 * week + 6) * calendar.DAY
        yield WeekQuality(name, first, one.rows, known.rows, plain(problem, known))


def plain(problem: str, known: ScoredWindow) -> float:
    """The primary metric of rows that all have a label; NaN where it is not defined."""
    if _why_not(problem, known, "week"):
        return float("nan")
    return float(
        metrics.primary(problem, known.label, known.answer, bootstrap.every_row_once(known.rows))[0]
    )


def _draws(
    pair: tuple[ScoredWindow, ScoredWindow], replicates: int, seed: int
) -> tuple[Resample, Resample]:
    """Each window drawn on its own: they share no day."""
    past, now = (bootstrap.units(w.rows, w.day) for w in pair)
    return bootstrap.resample(past, replicates, seed), bootstrap.resample(now, replicates, seed + 1)


def _both(
    measure: Callable[[ScoredWindow, Resample], Array],
    pair: tuple[ScoredWindow, ScoredWindow],
    draws: tuple[Resample, Resample],
) -> tuple[Array, Array]:
    return measure(pair[0], draws[0]), measure(pair[1], draws[1])


def _estimates(
    replicates: tuple[Array, Array], draws: tuple[Resample, Resample], level: float
) -> tuple[Estimate, Estimate]:
    past, now = replicates
    return (
        bootstrap.estimate(past, draws[0], level),
        bootstrap.estimate(now, draws[1], level),
    )


def _loss(metric: str, reference: Array, current: Array) -> Array:
    lost = reference - current if metric in metrics.HIGHER_IS_BETTER else current - reference
    return bootstrap.divide(lost, np.abs(reference[0]))


def _why_not(problem: str, known: ScoredWindow, name: str) -> str:
    if known.rows == 0:
        return f"no label of the {name} window is known"
    if problem == "classification" and len(np.unique(known.label)) < 2:
        return f"the known labels of the {name} window are all {known.label[0]:g}"
    return ""


def text(known: QualityChange) -> str:
    """The known quality before and now in one line, or why there is none."""
    if known.values is None or known.loss is None:
        return known.why
    before, now = known.values
    first, last = columns.figures([before.value, now.value])
    title = metric_title(known.metric)
    return f"{title} {first} before, {last} now, {in_words(known.loss)}"


def in_words(loss: Estimate) -> str:
    """A relative loss with its interval, in words: a gain where all of the interval is below zero.

    >>> in_words(Estimate(0.05, 0.011, 0.083)), in_words(Estimate(0.037, -0.046, 0.119))
    ('worse by 5.0% (1.1% to 8.3%)', 'loss 3.7% (-4.6% to 11.9%), which may be noise')
    >>> in_words(Estimate(-0.074, -0.111, -0.031)), in_words(Estimate(0.05, np.nan, np.nan))
    ('better by 7.4% (3.1% to 11.1%)', 'loss 5.0%')
    """
    match bootstrap.word(loss, higher_is_better=False):
        case "better":
            return f"better by {interval(Estimate(-loss.value, -loss.high, -loss.low), share)}"
        case "worse":
            return f"worse by {interval(loss, share)}"
    noise = ", which may be noise" if np.isfinite(loss.low) else ""
    return f"loss {interval(loss, share)}{noise}"
