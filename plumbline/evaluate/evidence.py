"""The evidence on a model: figures with intervals, beside baselines, by slice and by month. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from plumbline.core.documents import rounded
from plumbline.evaluate.evaluate_document import MonthFigure, PairedDifference
from plumbline.metrics import bootstrap, class_metrics, metrics
from plumbline.metrics.bootstrap import Array, Estimate, Resample
from plumbline.metrics.metrics import Replicates

Groups = Mapping[str, Array]


@dataclass(frozen=True)
class LabelledWindow:
    """A labelled window and how its figures are drawn.

    `label` float64 (n,); `day` datetime64[D] (n,), None for a table without time; `threshold` and
    `money` only where there are alarms.
    """

    problem: str
    label: Array
    day: Array | None
    replicates: int
    level: float
    seed: int
    settings: metrics.RankSettings = field(default_factory=metrics.RankSettings)
    threshold: float | None = None
    money: metrics.Money | None = None
    costs: Array | None = None  # of several classes, by class and the class decided on (k, k)

    @property
    def primary(self) -> str:
        return metrics.PRIMARY[self.problem]

    @property
    def higher_is_better(self) -> bool:
        return self.primary in metrics.HIGHER_IS_BETTER

    def sample(self, rows: Array | None = None) -> Resample:
        """The draws for all rows, or for those in `rows`, bool (n,)."""
        return self._whole if rows is None else self._drawn(rows)

    @cached_property
    def _whole(self) -> Resample:
        return self._drawn(slice(None))

    def _drawn(self, rows: Array | slice) -> Resample:
        unit = bootstrap.units(len(self.label), self.day)[rows]
        return bootstrap.resample(unit, self.replicates, self.seed)

    def estimate(self, replicates: Array, sample: Resample) -> Estimate:
        return bootstrap.estimate(replicates, sample, self.level)


def figures(window: LabelledWindow, score: Array, sample: Resample, kind: str) -> Replicates:
    """All metrics that make sense. `kind`: "model", "probability" (no threshold) or "ranking"."""
    if window.problem == "regression":
        return metrics.regression(window.label, score, sample)
    if window.problem == "multiclass":
        return class_metrics.headline(window.label, score, sample, window.costs)
    out = metrics.ranks(window.label, score, sample, window.day, window.settings)
    if kind != "ranking":
        out |= metrics.probabilities(window.label, score, sample)
    if kind == "model" and window.threshold is not None:
        out |= metrics.decisions(window.label, score, sample, window.threshold, window.money)
    return out


@dataclass(frozen=True)
class BaselineComparison:
    """The model's figures, each baseline's, and the paired differences (model minus baseline)."""

    model: dict[str, Estimate]
    baselines: dict[str, dict[str, Estimate]]
    differences: dict[str, Estimate]
    words: dict[str, bootstrap.Word]


def compare(
    window: LabelledWindow, score: Array, baselines: Mapping[str, Array], kinds: Mapping[str, str]
) -> BaselineComparison:
    """Model and baselines on the same draws; differences in the primary metric are taken per draw."""
    sample = window.sample()
    model = figures(window, score, sample, "model")
    others = {n: figures(window, b, sample, kinds[n]) for n, b in baselines.items()}
    apart = {n: model[window.primary] - other[window.primary] for n, other in others.items()}
    differences = {n: window.estimate(d, sample) for n, d in apart.items()}
    return BaselineComparison(
        model=_estimates(window, model, sample),
        baselines={n: _estimates(window, other, sample) for n, other in others.items()},
        differences=differences,
        words={n: bootstrap.word(d, window.higher_is_better) for n, d in differences.items()},
    )


def by_group(window: LabelledWindow, score: Array, groups: Groups) -> dict[str, Estimate]:
    """The primary metric of each group of rows, from the group's own days."""
    out = {}
    for name, rows in groups.items():
        sample = window.sample(rows)
        out[name] = window.estimate(_primary(window, score, rows, sample), sample)
    return out


def by_month(
    window: LabelledWindow, score: Array, baselines: Mapping[str, Array], months: Groups
) -> dict[str, MonthFigure]:
    """Per month: the primary metric, its rows, and the paired difference to each baseline."""
    out = {}
    for month, rows in months.items():
        sample = window.sample(rows)
        own = _primary(window, score, rows, sample)
        others = {name: _primary(window, other, rows, sample) for name, other in baselines.items()}
        apart = {n: _paired(window, own, other, sample) for n, other in others.items()}
        figure = window.estimate(own, sample)
        out[month] = MonthFigure.from_estimate(figure, rows=int(rows.sum()), differences=apart)
    return out


def difference(estimate: Estimate, baseline: float, word: bootstrap.Word) -> PairedDifference:
    """A paired difference; `relative` is its share of the baseline's figure."""
    relative = float(bootstrap.divide(estimate.value, abs(baseline)))
    return PairedDifference.from_estimate(estimate, relative=rounded(relative), word=word)


def _estimates(
    window: LabelledWindow, estimate: Replicates, sample: Resample
) -> dict[str, Estimate]:
    return {name: window.estimate(replicates, sample) for name, replicates in estimate.items()}


def _primary(window: LabelledWindow, score: Array, rows: Array, sample: Resample) -> Array:
    return metrics.primary(window.problem, window.label[rows], score[rows], sample)


def _paired(window: LabelledWindow, own: Array, other: Array, sample: Resample) -> PairedDifference:
    estimate = window.estimate(own - other, sample)
    return difference(estimate, float(other[0]), bootstrap.word(estimate, window.higher_is_better))
