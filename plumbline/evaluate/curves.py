"""Curves as tables of x and y, a few hundred points at most, for plots and pictures. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plumbline.metrics import metrics, ranking
from plumbline.metrics.bootstrap import Array

Table = dict[str, Array]
"""Columns of one length: x, y, and what a curve has beyond them."""

Lines = dict[str, dict[str, Table]]
"""Tables by curve, and by series: "model" and the baselines'."""

POINTS = 200


def lines(
    problem: str, label: Array, answers: Mapping[str, Array], money: metrics.Money | None
) -> Lines:
    """The curves of all `answers` (by series, (n,)) that compare; of the model alone the others."""
    model = answers["model"]
    if problem == "regression":
        binned = calibration(label, model, metrics.bins(model, metrics.ECE_BINS))
        return {
            "calibration": {"model": binned},
            "residuals": {"model": residuals(label, model)},
            "errors": {n: errors(label, a) for n, a in answers.items()},
        }
    binned = calibration(label, model, metrics.probability_bins(model))
    ranked = {n: a for n, a in answers.items() if n != "constant"}  # which ranks nothing
    out = {
        "calibration": {"model": binned},
        "precision_recall": {n: precision_recall(label, a) for n, a in ranked.items()},
        "roc": {n: roc(label, a) for n, a in ranked.items()},
    }
    return out if money is None else {**out, "cost": {"model": thresholds(label, model, money)}}


def precision_recall(label: Array, score: Array) -> Table:
    """x recall, y precision, at about evenly spaced recalls, from the highest score down."""
    at = _whole(label, score)
    recall = at.hits_through / at.positives
    keep = _spread(np.searchsorted(recall, np.linspace(0, 1, POINTS)), len(recall))
    return {"x": recall[keep], "y": (at.hits_through / at.through)[keep]}


def roc(label: Array, score: Array) -> Table:
    """x false-alarm rate, y recall, from (0, 0) to (1, 1)."""
    at = _whole(label, score)
    alarms = np.column_stack((at.ahead - at.hits_ahead, at.through - at.hits_through)).ravel()
    hits = np.column_stack((at.hits_ahead, at.hits_through)).ravel()
    x = np.concatenate(([0.0], alarms / at.negatives, [1.0]))
    y = np.concatenate(([0.0], hits / at.positives, [1.0]))
    keep = _spread(np.linspace(0, len(x) - 1, 2 * POINTS), len(x))
    return {"x": x[keep], "y": y[keep]}


def calibration(label: Array, score: Array, place: Array) -> Table:
    """x mean prediction, y mean label, rows of each bin in `place` (n,), by rising prediction."""
    rows = np.bincount(place)
    full = rows > 0
    x = np.bincount(place, score)[full] / rows[full]
    return {"x": x, "y": np.bincount(place, label)[full] / rows[full], "rows": rows[full]}


def calibration_noise(label: Array, score: Array) -> float:
    """The expected calibration error that a perfectly calibrated model would show on so many rows.

    Each bin's mean of n independent labels is off by sqrt(2 p (1 - p) / (pi n)) on average.
    """
    table = calibration(label, score, metrics.probability_bins(score))
    rows, p = table["rows"], np.clip(table["x"], 0, 1)
    return float(np.sum(np.sqrt(2 * p * (1 - p) * rows / np.pi)) / np.sum(rows))


def residuals(label: Array, value: Array) -> Table:
    """x mean prediction, y mean of label minus prediction, per bin; with their 10 % and 90 % quantiles."""
    place = metrics.bins(value, most=30)
    error = label - value
    kinds = np.unique(place)
    quantiles = np.array([np.quantile(error[place == b], (0.1, 0.9)) for b in kinds])
    rows = np.bincount(place)[kinds]
    return {
        "x": np.bincount(place, value)[kinds] / rows,
        "y": np.bincount(place, error)[kinds] / rows,
        "low": quantiles[:, 0],
        "high": quantiles[:, 1],
    }


def errors(label: Array, value: Array) -> Table:
    """x absolute error, y share of rows within it, at quantiles up to 98 %."""
    share = np.linspace(0, 0.98, POINTS)
    return {"x": np.quantile(np.abs(value - label), share, method="inverted_cdf"), "y": share}


def importance(gains: Mapping[str, float]) -> Table:
    """x rank, y share of the total gain, series the feature; the most important first."""
    total = sum(gains.values()) or 1.0
    ranked = sorted(gains.items(), key=lambda item: (-item[1], item[0]))
    return {
        "x": np.arange(1, len(ranked) + 1),
        "y": np.array([gain / total for _, gain in ranked]),
        "series": np.array([name for name, _ in ranked], object),
    }


def thresholds(label: Array, score: Array, money: metrics.Money) -> Table:
    """x threshold, y cost of the window when alarms are raised at it and above, at score quantiles."""
    at = np.unique(np.quantile(score, 1 - np.geomspace(1 / len(score), 1, POINTS), method="lower"))
    every = np.ones(len(score), bool)
    quiet = metrics.cost(label, ~every, money)
    rising = np.argsort(score, kind="stable")
    more = np.cumsum((metrics.cost(label, every, money) - quiet)[rising[::-1]])
    alarms = len(score) - np.searchsorted(score[rising], at, side="left")
    return {"x": at, "y": quiet.sum() + more[alarms - 1]}


def _whole(label: Array, score: Array) -> ranking.Curve:
    return ranking.curve(ranking.ranking(label, score), np.ones(len(label), np.int64))


def _spread(places: Array, size: int) -> Array:
    return np.unique(np.clip(places.astype(np.int64), 0, size - 1))
