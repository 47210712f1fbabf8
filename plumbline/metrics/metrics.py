"""The metrics of a model, each as R replicates (R,) of a bootstrap; replicate 0 is the plain figure.

Pure. The direction of each stands in `HIGHER_IS_BETTER`; `PRIMARY` names the one that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from plumbline.metrics import ranking
from plumbline.metrics.bootstrap import Array, Resample, divide, every_row_once
from plumbline.metrics.cost import Money as Money
from plumbline.metrics.cost import cost as cost

PRIMARY: Mapping[str, str] = {
    "classification": "average_precision",
    "multiclass": "log_loss",
    "regression": "mae",
}
ZERO_IS_BEST = frozenset(("bias",))
"""Metrics with a sign: two models are compared by the size."""
HIGHER_IS_BETTER = frozenset(
    (
        "accuracy",
        "average_precision",
        "cost_saved",
        "macro_average_precision",
        "macro_f1",
        "precision_at_k",
        "precision_at_threshold",
        "r2",
        "recall_at_false_alarm",
        "recall_at_threshold",
        "roc_auc",
    )
)
ECE_BINS = 15
SMALLEST = 1e-15
"""A class's probability is taken as no smaller, so that its log loss is finite."""

Replicates = dict[str, Array]


@dataclass(frozen=True)
class RankSettings:
    """`k` alarms a day; the rate of false alarms at which recall is read."""

    k: int = 50
    false_alarm_rate: float = 0.01


def average_precision(label: Array, score: Array) -> float:
    """Average precision of `score` (n,), higher = likelier, against `label` 0/1 (n,)."""
    return float(primary("classification", label, score, every_row_once(len(label)))[0])


def mae(label: Array, value: Array) -> float:
    """Mean absolute error of `value` (n,), in the label's unit."""
    return float(primary("regression", label, value, every_row_once(len(label)))[0])


def primary_figure(problem: str, label: Array, answer: Array) -> float:
    """The metric that decides, of all rows: average precision, log loss, or the mean absolute error."""
    return float(primary(problem, label, answer, every_row_once(len(label)))[0])


def primary(problem: str, label: Array, score: Array, sample: Resample) -> Array:
    """The metric that decides, (R,): average precision, mean absolute error or, of several classes, log loss."""
    if problem == "multiclass":
        return sample.mean(class_losses(label, score))
    if problem == "regression":
        return sample.mean(np.abs(score - label))
    ranked = ranking.ranking(label, score)
    return np.asarray(ranking.figures(ranked, sample, ranking.average_precision)[0])


def class_losses(label: Array, probability: Array) -> Array:
    """Each row's log loss, nats (n,), of probabilities (n, k) of several classes; `label` holds codes (n,)."""
    own = probability[np.arange(len(label)), label.astype(np.int64)]
    return np.asarray(-np.log(np.clip(own, SMALLEST, 1.0)))


def ranks(
    label: Array, score: Array, sample: Resample, day: Array | None, settings: RankSettings
) -> Replicates:
    """Average precision, ROC AUC, recall at a false-alarm rate and, with days, precision at k."""
    recall = partial(ranking.recall_at_false_alarm, rate=settings.false_alarm_rate)
    ranked = ranking.ranking(label, score)
    measures = ranking.average_precision, ranking.roc_auc, recall
    names = ("average_precision", "roc_auc", "recall_at_false_alarm")
    out = dict(zip(names, ranking.figures(ranked, sample, *measures), strict=True))
    if day is not None:
        out["precision_at_k"] = _precision_at_k(label, score, sample, day, settings.k)
    return out


def probabilities(label: Array, score: Array, sample: Resample) -> Replicates:
    """Log loss, Brier score and expected calibration error of a probability (n,)."""
    inside = np.clip(score, 1e-15, 1 - 1e-15)
    return {
        "log_loss": sample.mean(-np.log(np.where(label == 1, inside, 1 - inside))),
        "brier": sample.mean((score - label) ** 2),
        "ece": without_excess(calibration_error(label, score, sample)),
    }


def decisions(
    label: Array, score: Array, sample: Resample, threshold: float, money: Money | None
) -> Replicates:
    """What the threshold does: precision and recall of its alarms and, with costs, the money.

    `cost` of the whole window, `cost_of_nothing` without any alarm, `cost_saved` their difference.
    """
    alarm = alarms(score, threshold)
    hits = sample.total(alarm * label)
    out = {
        "precision_at_threshold": divide(hits, sample.total(alarm.astype(np.float64))),
        "recall_at_threshold": divide(hits, sample.total(label.astype(np.float64))),
    }
    if money is not None:
        out["cost"] = sample.total(cost(label, alarm, money))
        out["cost_of_nothing"] = sample.total(cost(label, np.zeros(len(label), bool), money))
        out["cost_saved"] = out["cost_of_nothing"] - out["cost"]
    return out


def regression(label: Array, value: Array, sample: Resample) -> Replicates:
    """Errors in the label's unit: MAE, RMSE, R2, bias (prediction minus label) and quantiles.

    `error_p50`, `error_p90`: quantiles of the absolute error. `pinball_10`, `pinball_90`: the loss of
    the prediction taken as that quantile; apart from each other where errors lean to one side.
    """
    error = value - label
    half, most = _quantiles(np.abs(error), sample, (0.5, 0.9))
    return {
        "mae": sample.mean(np.abs(error)),
        "rmse": np.sqrt(sample.mean(error**2)),
        "r2": _r2(label, error, sample),
        "bias": sample.mean(error),
        "error_p50": half,
        "error_p90": most,
        "pinball_10": sample.mean(pinball(error, 0.1)),
        "pinball_90": sample.mean(pinball(error, 0.9)),
    }


def alarms(score: Array, threshold: float) -> Array:
    """Where the model raises alarm, bool (n,): at the threshold and above it."""
    return score >= threshold


def pinball(error: Array, level: float) -> Array:
    """The pinball loss of (prediction minus label) (n,) for the quantile `level`."""
    return np.where(error < 0, -level * error, (1 - level) * error)


def bins(value: Array, most: int) -> Array:
    """Each row's bin by value, int (n,): bins of about as many rows each, ties together."""
    edges = np.quantile(value, np.arange(1, most) / most, method="inverted_cdf")
    return np.searchsorted(np.unique(edges), value, side="left")


def probability_bins(score: Array, most: int = ECE_BINS) -> Array:
    """Each row's bin, int (n,): bins of about as many expected positives each, ties together.

    With rare positives bins of equal rows would put nearly all of them into the last.
    """
    rising = np.sort(score)
    expected = np.cumsum(rising)
    edges = rising[np.searchsorted(expected, expected[-1] * np.arange(1, most) / most)]
    return np.searchsorted(np.unique(edges), score, side="left")


def calibration_error(label: Array, score: Array, sample: Resample) -> Array:
    """Expected calibration error: mean over the rows of their bin's |mean score - share of positives|."""
    place = probability_bins(score)
    off = [np.abs(total) for total in sample.totals(score - label, place)]
    return divide(np.add.reduce(off), sample.total(np.ones(len(label))))


def without_excess(replicates: Array) -> Array:
    """An absolute value grows with the noise of drawing: the replicates' mean is put on the figure."""
    excess = np.mean(replicates[1:]) - replicates[0] if len(replicates) > 1 else 0.0
    return np.concatenate((replicates[:1], np.maximum(replicates[1:] - excess, 0.0)))


def _precision_at_k(label: Array, score: Array, sample: Resample, day: Array, k: int) -> Array:
    _, precision = ranking.precision_at_k(label, score, day, k)
    _, first = np.unique(day, return_index=True)  # each day's figure stands at its first row
    figure, one = np.zeros(len(day)), np.zeros(len(day))
    figure[first], one[first] = precision, 1.0
    return divide(sample.total(figure), sample.total(one))


def _r2(label: Array, error: Array, sample: Resample) -> Array:
    centred = label - np.mean(label)
    rows = sample.total(np.ones(len(label)))
    spread = sample.total(centred**2) - sample.total(centred) ** 2 / rows
    return 1 - divide(sample.total(error**2), np.where(spread > 0, spread, 0.0))


def _quantiles(values: Array, sample: Resample, levels: tuple[float, ...]) -> Array:
    """Weighted quantiles (inverted distribution function), (len(levels), R)."""
    order = np.argsort(values, kind="stable")
    out = []
    for weights in sample.weights(order):
        through = np.cumsum(weights, dtype=np.int64)
        places = np.searchsorted(through, np.multiply(levels, through[-1]), side="left")
        out.append(values[order[np.minimum(places, len(order) - 1)]])
    return np.array(out).T
