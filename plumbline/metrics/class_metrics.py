"""The metrics of several classes, each as R replicates (R,) of a bootstrap; replicate 0 is the plain figure.

Pure. `label` holds codes (n,), `probability` a column per class (n, k). What is of one class is measured
against all others together; a macro figure is the plain mean over the classes that have rows.
"""

from __future__ import annotations

import numpy as np

from plumbline.metrics import metrics, ranking
from plumbline.metrics.bootstrap import Array, Resample, divide

PER_CLASS = ("precision", "recall", "f1", "average_precision", "brier", "ece")


def decide(probability: Array, costs: Array | None) -> Array:
    """The class decided on, code (n,): the one of least expected cost, or the likeliest; of equals the first.

    `costs` (k, k): of a row of the first class where the second is decided on.

    >>> decide(np.array([[0.6, 0.3, 0.1]]), None).tolist()
    [0]
    >>> decide(np.array([[0.6, 0.3, 0.1]]), np.array([[0, 1, 1], [1, 0, 1], [9, 9, 0]])).tolist()
    [2]
    """
    if costs is None:
        return np.asarray(np.argmax(probability, axis=1))
    expected = np.zeros(probability.shape)
    for true in range(probability.shape[1]):  # term by term: a single row sums like a batch
        expected += probability[:, true, None] * costs[true]
    return np.asarray(np.argmin(expected, axis=1))


def headline(
    label: Array, probability: Array, sample: Resample, costs: Array | None
) -> metrics.Replicates:
    """Log loss, Brier score, accuracy, macro figures and, with costs, the money of the whole window.

    `cost_of_constant`: of the one class that costs least where it is always decided on.
    """
    decided = decide(probability, costs)
    each = per_class(label, probability, decided, sample)
    there = [one for code, one in enumerate(each) if (label == code).any()]
    out = {
        "log_loss": metrics.primary("multiclass", label, probability, sample),
        "accuracy": sample.mean((decided == label).astype(np.float64)),
        "brier": np.add.reduce([one["brier"] for one in each]),
        "ece": _mean([one["ece"] for one in each]),
        "macro_f1": _mean([one["f1"] for one in there]),
        "macro_average_precision": _mean([one["average_precision"] for one in there]),
    }
    return out if costs is None else {**out, **money(label, decided, costs, sample)}


def money(label: Array, decided: Array, costs: Array, sample: Resample) -> metrics.Replicates:
    """The cost of the decisions, that of always the cheapest one, and the difference, (R,) each."""
    codes = label.astype(np.int64)
    cost = sample.total(costs[codes, decided])
    constant = int(np.argmin(costs[codes].sum(axis=0)))
    of_constant = sample.total(costs[codes, constant])
    return {"cost": cost, "cost_of_constant": of_constant, "cost_saved": of_constant - cost}


def per_class(
    label: Array, probability: Array, decided: Array, sample: Resample
) -> list[metrics.Replicates]:
    """By class, each of `PER_CLASS`; what is not defined, as the recall of a class without rows, is NaN."""
    return [
        _one((label == c).astype(np.float64), probability[:, c], decided == c, sample)
        for c in range(probability.shape[1])
    ]


def confusion(label: Array, decided: Array, size: int) -> Array:
    """Rows by their class and the class decided on, int (size, size)."""
    pair = label.astype(np.int64) * size + decided
    return np.bincount(pair, minlength=size * size).reshape(size, size)


def _one(own: Array, probability: Array, decided: Array, sample: Resample) -> metrics.Replicates:
    hits = sample.total(own * decided)
    of_own, of_decided = sample.total(own), sample.total(decided.astype(np.float64))
    ranked = ranking.ranking(own, probability)
    return {
        "precision": divide(hits, of_decided),
        "recall": divide(hits, of_own),
        "f1": divide(2 * hits, of_own + of_decided),
        "average_precision": ranking.figures(ranked, sample, ranking.average_precision)[0],
        "brier": sample.mean((probability - own) ** 2),
        "ece": metrics.without_excess(metrics.calibration_error(own, probability, sample)),
    }


def _mean(replicates: list[Array]) -> Array:
    """The mean of what is defined in each replicate; NaN where nothing is."""
    each = np.array(replicates)
    held = np.isfinite(each)
    return divide(np.where(held, each, 0.0).sum(axis=0), held.sum(axis=0))
