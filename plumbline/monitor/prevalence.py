"""How frequent the cases are today, estimated from the scores alone: black-box shift estimation.

Lipton, Wang and Smola (ICML 2018): where only the prevalence has changed, the share of alarms is
share = TPR p + FPR (1 - p), and the labelled reference gives TPR and FPR: its confusion matrix solves for p.
The assumption is that cases and others look as they did, p(x | y) fixed. It is tested: solved at several
thresholds, the prevalences agree where it holds, and where labels have come in, they must say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import bootstrap, small_sample
from plumbline.metrics.bootstrap import Estimate, Resample
from plumbline.monitor.verdict import FAULTS, Finding
from plumbline.monitor.window import ScoredWindow
from plumbline.report.numbers import share

ASSUMES = "cases and others look as they did when labels were known (p(x | y) is fixed): only their shares change"
MIN_CASES = 20
"""Labelled rows of each kind in the reference, below which its rates say nothing."""
MIN_SEPARATION = 0.1
"""Least TPR - FPR, the determinant of the confusion matrix, beyond noise: below it the matrix is ill-conditioned."""
CAUGHT = (0.2, 0.4, 0.6, 0.8)
"""Shares of the reference's cases at whose thresholds the prevalence is solved for again."""
CERTAIN = 0.99
"""Level at which two prevalences contradict each other, over all comparisons."""


@dataclass(frozen=True)
class Prevalence:
    """The share of cases in the reference (known) and in the current window (`current`, estimated).

    `known`: the share by labels that have come in, over `rows` of them, and `on_known` the estimate for
    the same rows. `separation`: TPR - FPR at `threshold`. `cannot_tell`: why the estimate is not to be
    relied on, "" where it is.
    """

    reference: Estimate | None = None
    current: Estimate | None = None
    known: Estimate | None = None
    on_known: Estimate | None = None
    rows: int = 0
    separation: float = float("nan")
    threshold: float = float("nan")
    cannot_tell: str = ""


@dataclass(frozen=True)
class _Pair:
    """The labelled reference and a later window, each with its draws."""

    past: ScoredWindow
    now: ScoredWindow
    draws: tuple[Resample, Resample]
    level: float

    def rates(self, threshold: float) -> tuple[Array, Array, Array]:
        """TPR, FPR and the share of alarms in the later window, by replicate (R,)."""
        alarm, case = (self.past.score >= threshold).astype(float), self.past.label
        mean = self.draws[0].mean
        caught = bootstrap.divide(mean(alarm * case), mean(case))
        false = bootstrap.divide(mean(alarm * (1 - case)), mean(1 - case))
        return caught, false, self.draws[1].mean((self.now.score >= threshold).astype(float))

    def solved(self, threshold: float) -> Array:
        """The prevalence of the later window, by replicate (R,); not yet cut at 0 and 1."""
        caught, false, alarms = self.rates(threshold)
        return bootstrap.divide(alarms - false, caught - false)

    def estimate(self, replicates: Array) -> Estimate:
        """With the interval of the smaller window's days."""
        smaller = min(self.draws, key=lambda d: d.draws.shape[0])
        nominal = small_sample.level(self.level, smaller.draws.shape[0])
        return bootstrap.estimate(replicates, smaller, nominal)

    def differ(self, gap: Array, comparisons: int) -> bool:
        """Whether a difference (R,) is beyond noise: Student's t with the replicates' spread.

        Percentiles of a few hundred replicates do not reach that far out.
        """
        from scipy import special

        others = gap[1:][np.isfinite(gap[1:])]
        units = min(d.draws.shape[0] for d in self.draws)
        if units < bootstrap.MIN_UNITS or len(others) < 2 or not np.isfinite(gap[0]):
            return False
        tail = (1 - CERTAIN) / 2 / comparisons
        return bool(abs(gap[0]) > -special.stdtrit(units - 1, tail) * others.std(ddof=1))


def estimate(
    past: ScoredWindow, now: ScoredWindow, *, replicates: int, level: float, seed: int
) -> Prevalence:
    """The prevalence in `now` by the labelled rows of `past`; labels of `now` only confirm it."""
    known = _finite(past.take(past.labelled))
    cases = int(known.label.sum())
    if min(cases, known.rows - cases) < MIN_CASES:
        few = f"{cases:,} cases among {known.rows:,} labelled rows of the reference"
        return Prevalence(cannot_tell=f"{few}; {MIN_CASES} of each kind are needed")
    now = _finite(now)
    if not now.rows:
        return Prevalence(cannot_tell="the current window has no rows")
    pair = _pair(known, now, replicates, level, seed)
    days = min(d.draws.shape[0] for d in pair.draws)
    if days < bootstrap.MIN_UNITS:
        few = f"{days} days in the shorter window; {bootstrap.MIN_UNITS} are needed for an interval"
        return Prevalence(cannot_tell=few)
    threshold = best_threshold(known.score, known.label)
    caught, false, _ = pair.rates(threshold)
    separation = pair.estimate(caught - false)
    found = Prevalence(
        reference=pair.estimate(pair.draws[0].mean(known.label)),
        current=_cut(pair.estimate(pair.solved(threshold))),
        separation=separation.value,
        threshold=threshold,
    )
    found = _confirmed(found, pair, replicates, seed)
    return replace(found, cannot_tell=next(_doubts(found, pair, separation), ""))


def hindered(findings: Sequence[Finding]) -> str:
    """Why no estimate is to be relied on, by what the monitor found; "" where nothing speaks against it."""
    broken = sorted({f.column or f.check for f in findings if _breaks(f)})
    if broken:
        return f"inputs are invalid: {', '.join(broken[:3])}"
    off = next((f for f in findings if f.check == "quality" and f.level == "alert"), None)
    return f"known labels show that cases look otherwise: {off.evidence}" if off else ""


def best_threshold(score: Array, label: Array) -> float:
    """The score at which the estimate's variance is least: alarms (1 - alarms) / (TPR - FPR)^2."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # equal scores are alarms together
    caught, alarms = np.cumsum(label[order])[last], np.flatnonzero(last) + 1.0
    cases, rows = label.sum(), len(label)
    gap = caught / cases - (alarms - caught) / (rows - cases)
    variance = bootstrap.divide(alarms / rows * (1 - alarms / rows), np.maximum(gap, 0.0) ** 2)
    usable = np.isfinite(variance) & (alarms < rows)
    return float(score[order][last][np.where(usable, variance, np.inf).argmin()])


def _pair(past: ScoredWindow, now: ScoredWindow, replicates: int, level: float, seed: int) -> _Pair:
    units = (bootstrap.units(w.rows, w.day) for w in (past, now))
    first, second = (bootstrap.resample(u, replicates, seed + i) for i, u in enumerate(units))
    return _Pair(past, now, (first, second), level)


def _finite(window: ScoredWindow) -> ScoredWindow:
    good = np.isfinite(window.score)
    return window if good.all() else window.take(good)


def _confirmed(found: Prevalence, pair: _Pair, replicates: int, seed: int) -> Prevalence:
    """With what the labels of the current window say, where there are any."""
    labelled = pair.now.take(pair.now.labelled)
    if not labelled.rows:
        return found
    same = _pair(pair.past, labelled, replicates, pair.level, seed)
    return replace(
        found,
        known=same.estimate(same.draws[1].mean(labelled.label)),
        on_known=_cut(same.estimate(same.solved(found.threshold))),
        rows=labelled.rows,
    )


def _doubts(found: Prevalence, pair: _Pair, separation: Estimate) -> Iterator[str]:
    """What speaks against the estimate, the gravest first."""
    if not separation.low > MIN_SEPARATION:
        yield (
            f"the scores separate the two kinds too little (TPR - FPR {separation.value:.2f}): the confusion "
            "matrix is ill-conditioned"
        )
    contrary = _contradiction(found, pair)
    if contrary:
        yield contrary
    if found.known is not None and found.on_known is not None and found.rows:
        yield from _against_labels(found, pair)


def _contradiction(found: Prevalence, pair: _Pair) -> str:
    """Where thresholds disagree: the shape of the scores is no mix of the reference's two kinds."""
    cases = np.sort(pair.past.score[pair.past.label == 1])
    others = {float(np.quantile(cases, 1 - c, method="lower")) for c in CAUGHT} - {found.threshold}
    if not others:
        return ""
    first = pair.solved(found.threshold)
    for threshold in sorted(others):
        second = pair.solved(threshold)
        if pair.differ(second - first, len(others)):
            both = " and ".join(share(float(np.clip(r[0], 0, 1))) for r in (first, second))
            return f"two thresholds give {both} cases: more than their shares has changed"
    return ""


def _against_labels(found: Prevalence, pair: _Pair) -> Iterator[str]:
    """Known labels of the current window that the estimate for the same rows contradicts."""
    labelled = pair.now.take(pair.now.labelled)
    unit = bootstrap.units(labelled.rows, labelled.day)
    drawn = bootstrap.resample(unit, pair.draws[0].draws.shape[1] - 1, seed=0)
    same = replace(pair, now=labelled, draws=(pair.draws[0], drawn))
    gap = same.solved(found.threshold) - drawn.mean(labelled.label)
    if same.differ(gap, 1) and found.known and found.on_known:
        yield (
            f"{found.rows:,} labels that have come in say {share(found.known.value)} where the scores of the "
            f"same rows say {share(found.on_known.value)}"
        )


def _cut(of: Estimate) -> Estimate:
    value, low, high = (float(np.clip(v, 0.0, 1.0)) for v in (of.value, of.low, of.high))
    return Estimate(value, low, high)


def _breaks(finding: Finding) -> bool:
    return finding.level == "alert" and finding.check in FAULTS
