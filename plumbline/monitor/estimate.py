"""Quality where labels are known, with an interval; and an estimate, with its assumptions, where not."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.documents import finite
from plumbline.metrics import metrics
from plumbline.metrics.interval import Interval
from plumbline.monitor import label_outcomes, prevalence
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.result import PrevalenceReport, QualityEstimate, QualityOfDay
from plumbline.monitor.verdict import FAULTS
from plumbline.monitor.window import ScoredWindow

ASSUMES = (
    "the scores are calibrated and what decides the label is unchanged: it cannot see concept drift"
)
DRAWS = 200


def known(outcome: LabelOutcome) -> QualityOfDay | None:
    """A period's quality with a 95 % interval (Poisson bootstrap of its rows), None without labels."""
    problem = "classification" if outcome.scores.size else "regression"
    value = label_outcomes.quality(problem, outcome)
    if not outcome.known or not np.isfinite(value):
        return None
    low, high = _interval(problem, outcome, value)
    return QualityOfDay(value=value, low=low, high=high, maturity=outcome.maturity)


def estimate(seen: Observation) -> QualityEstimate:
    """The primary metric of the current window by its scores alone; muted where they cannot tell it."""
    reason = _muted(seen)
    return QualityEstimate(
        value=None if reason else _expected(seen.now),
        metric=metrics.PRIMARY[seen.usecase.problem],
        assumptions=ASSUMES,
        muted=reason,
    )


def prevalence_of(seen: Observation, limits: Monitor) -> PrevalenceReport | None:
    """The share of cases in the current window by its scores alone; None for a regression."""
    if seen.usecase.problem != "classification":
        return None
    found = prevalence.estimate(
        seen.past, seen.now, replicates=limits.bootstrap, level=limits.level, seed=0
    )
    figures = ("reference", "current", "known", "on_known")
    shares = {n: getattr(found, n) for n in figures}
    return PrevalenceReport(
        assumptions=prevalence.ASSUMES,
        cannot_tell=_withheld(seen) or prevalence.hindered(seen.findings) or found.cannot_tell,
        rows=found.rows,
        separation=finite(found.separation),
        threshold=finite(found.threshold),
        **{n: Interval.from_estimate(v) for n, v in shares.items() if v},
    )


def _withheld(seen: Observation) -> str:
    """Why the labels of the reference do not say how scores and cases go together; "" where they do."""
    if seen.past.withheld is None:
        return ""
    return "the labels of events that decisions withhold are not known"


def _muted(seen: Observation) -> str | None:
    """Why the scores cannot tell the quality; None where they can."""
    if seen.usecase.problem == "regression":
        return "a single forecast does not say how sure it is"
    broken = [f for f in seen.findings if f.level == "alert" and f.check in FAULTS]
    if broken:
        names = ", ".join(sorted({f.column or f.check for f in broken}))
        return f"inputs are invalid: {names}"
    off = [f for f in seen.findings if f.check in ("calibration", "quality") and f.level == "alert"]
    if off:
        return f"known labels contradict the scores: {off[0].evidence}"
    return None


def _expected(now: ScoredWindow) -> float | None:
    return expected_precision(now.score) if now.answers is None else expected_loss(now.answers)


def expected_loss(probability: Array) -> float | None:
    """Log loss to be expected of calibrated probabilities (n, k), None without any."""
    if not len(probability):
        return None
    inside = np.clip(probability, metrics.SMALLEST, 1.0)
    return float(np.mean(-np.sum(inside * np.log(inside), axis=1)))


def expected_precision(score: Array) -> float | None:
    """Average precision to be expected of n calibrated scores, None without any."""
    s = np.sort(score[np.isfinite(score)])[::-1]
    if not len(s) or not s.sum():
        return None
    precision = (np.cumsum(s) - s + 1) / np.arange(1, len(s) + 1)  # given that the row is a case
    return float((precision * s).sum() / s.sum())


def _interval(problem: str, outcome: LabelOutcome, value: float) -> tuple[float, float]:
    if problem == "regression":
        spread = max(outcome.variance / outcome.known - value**2, 0.0)
        error = 1.96 * float(np.sqrt(spread / outcome.known))
        return value - error, value + error
    random = np.random.default_rng(0)
    drawn = (random.poisson(outcome.scores) for _ in range(DRAWS))
    replicates = [label_outcomes.precision(*counts[:, ::-1]) for counts in drawn]
    good = [r for r in replicates if np.isfinite(r)]
    low, high = np.quantile(good, (0.025, 0.975)) if good else (value, value)
    return float(low), float(high)
