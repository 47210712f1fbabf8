"""Quality of logged scores and alarms on labels that have come, each counting for those withheld like it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics import bootstrap, metrics, ranking, small_sample
from plumbline.metrics.bootstrap import Estimate, Resample
from plumbline.metrics.interval import Interval
from plumbline.metrics.weighted import FEWEST
from plumbline.monitor.params import LevelLimits, Monitor
from plumbline.monitor.served import withheld_intervals
from plumbline.monitor.served.label_feedback import LabelFeedback
from plumbline.monitor.served.served_report import ServedQuality
from plumbline.monitor.served.served_rows import MatchedRows
from plumbline.monitor.verdict import Level
from plumbline.monitor.window import ScoredWindow
from plumbline.report.numbers import count


@dataclass(frozen=True)
class WeightedRows:
    """n labels, the answers (n,) or (n, k) that were to foretell them, what each counts for, and days or None."""

    label: Array
    answer: Array
    weight: Array
    day: Array | None

    def sample(self, replicates: int, seed: int) -> Resample:
        """Days drawn together; without time, rows."""
        return bootstrap.resample(bootstrap.units(len(self.label), self.day), replicates, seed)


def primary(problem: str, rows: WeightedRows, sample: Resample) -> Array:
    """The primary metric with weights, a figure for each draw (R,)."""
    if problem == "classification":
        return _average_precision(rows, sample)
    loss = (
        metrics.class_losses(rows.label, rows.answer)
        if problem == "multiclass"
        else np.abs(rows.answer - rows.label)
    )
    return weighted_mean(loss, rows.weight, sample)


def weighted_mean(values: Array, weight: Array, sample: Resample) -> Array:
    """The mean of values (n,) with weights (n,), a figure for each draw (R,)."""
    return bootstrap.divide(sample.total(values * weight), sample.total(weight))


def _average_precision(rows: WeightedRows, sample: Resample) -> Array:
    """Precision averaged over the weight of the positives, each tied group at its end."""
    ranked = ranking.ranking(rows.label, rows.answer)
    weight = rows.weight[ranked.order]
    out = np.full(sample.draws.shape[1], np.nan)
    for replicate, drawn in enumerate(sample.weights(ranked.order)):
        every = np.cumsum(drawn * weight)
        hits = np.cumsum((drawn * weight)[ranked.hits])
        if len(hits) and hits[-1] > 0:
            reached = hits[ranked.hit_end - 1]
            gain = np.diff(reached, prepend=0.0)
            out[replicate] = (gain * bootstrap.divide(reached, every[ranked.end - 1]))[
                gain > 0
            ].sum() / hits[-1]
    return out


def quality(
    problem: str,
    served: MatchedRows,
    of: LabelFeedback,
    reference: WeightedRows,
    limits: Monitor,
    seed: int,
) -> tuple[ServedQuality, Level]:
    """Quality of one bundle's n live events against that of this commit's model on the reference."""
    used = of.weight > 0
    base = ServedQuality(
        bundle=str(served.rows.bundle[0]),
        metric=metrics.PRIMARY[problem],
        rows=int(used.sum()),
        passed=int((of.due & of.passed).sum()),
        withheld=int((of.due & of.withheld).sum()),
    )
    rows = _weighted(served, of.weight, used)
    why = _cannot_tell(problem, rows, reference, of)
    if why:
        return base.model_copy(update={"cannot_tell": why}), "ok"
    samples = (reference.sample(limits.bootstrap, seed), rows.sample(limits.bootstrap, seed + 1))
    pair = [primary(problem, r, s) for r, s in zip((reference, rows), samples, strict=True)]
    loss, smaller = _loss(base.metric, *pair), min(samples, key=lambda s: s.draws.shape[0])
    found = {
        "reference": _interval(pair[0], samples[0], limits.level),
        "value": _interval(pair[1], samples[1], limits.level),
        "loss": _interval(loss, smaller, limits.level),
        **_alarms(problem, rows, served.rows.alarm[used], samples[1], limits.level),
    }
    level = _level(loss, smaller, limits)
    if problem == "classification" and base.withheld:
        found = withheld_intervals.widened(found, served, of, seed)
        level = level if (found["loss"].low or 0.0) > 0 else "ok"
    return base.model_copy(update=found), level


def _weighted(served: MatchedRows, weight: Array, used: Array) -> WeightedRows:
    event, answers = served.event, served.rows.answers
    answer = answers if event.answers is not None else answers[:, 0]
    day = None if event.day is None else event.day[used]
    return WeightedRows(event.label[used], answer[used], weight[used], day)


def of_window(window: ScoredWindow, weight: Array) -> WeightedRows:
    """What this commit's model answers to a window's labelled events, an event with `weight` (n,)."""
    known = window.labelled & (weight > 0)
    day = None if window.day is None else window.day[known]
    return WeightedRows(window.label[known], window.answer[known], weight[known], day)


def _cannot_tell(
    problem: str, rows: WeightedRows, reference: WeightedRows, of: LabelFeedback
) -> str:
    withheld, passed = int((of.due & of.withheld).sum()), int((of.due & of.passed & of.known).sum())
    if not len(rows.label):
        return "no label has come yet"
    if not np.isfinite(rows.answer).all():
        return "the logged scores are not those of this use case's problem"
    if withheld and passed < FEWEST:
        return (
            f"decisions withheld the labels of {count(withheld, 'event')}, and {passed} passed by chance: "
            f"{FEWEST} are needed: let more of them pass (`serve.explore`), or wait for more events"
        )
    if not len(reference.label):
        return "no label of the reference is known"
    sides = (("served events", rows), ("reference", reference))
    for name, one in sides if problem == "classification" else ():
        if len(np.unique(one.label)) < 2:
            return f"the known labels of the {name} are all {one.label[0]:g}"
    return ""


def _alarms(
    problem: str, rows: WeightedRows, alarm: Array, sample: Resample, level: float
) -> dict[str, Interval]:
    """Precision and recall of the logged alarms; nothing where there are none."""
    if problem != "classification" or np.isnan(alarm).any():
        return {}
    hits = sample.total(alarm * rows.label * rows.weight)
    figures = {
        "precision": bootstrap.divide(hits, sample.total(alarm * rows.weight)),
        "recall": bootstrap.divide(hits, sample.total(rows.label * rows.weight)),
    }
    return {name: _interval(one, sample, level) for name, one in figures.items()}


def _loss(metric: str, reference: Array, current: Array) -> Array:
    lost = reference - current if metric in metrics.HIGHER_IS_BETTER else current - reference
    return bootstrap.divide(lost, np.abs(reference[0]))


def _level(loss: Array, sample: Resample, limits: Monitor) -> Level:
    """A loss at its limit or above whose interval, as wide as the error budget asks for, leaves out zero."""
    bounds: LevelLimits = limits.quality
    levels: tuple[tuple[Level, float, float], ...] = (
        ("alert", bounds.alert, limits.false_alert_days),
        ("warning", bounds.warning, limits.false_warning_days),
    )
    for level, least, days in levels:
        wide = small_sample.level(1 - 2 / days, sample.draws.shape[0])
        estimate = bootstrap.estimate(loss, sample, wide)
        if estimate.value >= least and estimate.low > 0:
            return level
    return "ok"


def _interval(replicates: Array, sample: Resample, level: float) -> Interval:
    wide = small_sample.level(level, sample.draws.shape[0])
    value = bootstrap.estimate(replicates, sample, wide)
    return _plain(value)


def _plain(of: Estimate) -> Interval:
    ends = (None if not np.isfinite(v) else float(f"{v:.6g}") for v in (of.value, of.low, of.high))
    value, low, high = ends
    return Interval(value=value, low=low, high=high)
