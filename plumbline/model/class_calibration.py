"""Calibrated probabilities of several classes (Guo et al. 2017): temperature and vector scaling; pure.

Both scale the logarithms of the probabilities: by one number, or by one per class with a shift each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model import portable, softmax

EDGE = 1e-7
"""Probabilities are taken as no smaller."""
STRENGTH = 1e-3
"""Of the pull of a vector's scales to one and of its shifts to nought: a class that the window lacks keeps its own."""
Numbers = tuple[float, ...]


def apply(scales: Numbers, shifts: Numbers, probability: Array) -> Array:
    """Calibrated probabilities float64 (n, k); one scale is that of all classes."""
    return softmax.of(_logs(probability) * np.array(scales) + (np.array(shifts) if shifts else 0.0))


def temperature(probability: Array, label: Array) -> tuple[Numbers, Numbers]:
    """The one scale of least log loss for codes `label` (n,)."""
    logs = _logs(probability)
    best = _least(
        lambda given: _loss(logs * given[0], label, lambda off: [np.sum(off * logs)]), np.ones(1)
    )
    return (max(float(best[0]), 0.0),), ()


def vector(probability: Array, label: Array) -> tuple[Numbers, Numbers]:
    """A scale and a shift per class, of least log loss for codes `label` (n,)."""
    logs, k = _logs(probability), probability.shape[1]
    ideal = np.concatenate([np.ones(k), np.zeros(k)])

    def loss(given: Array) -> tuple[float, Array]:
        value, slope = _loss(
            logs * given[:k] + given[k:],
            label,
            lambda off: [*np.sum(off * logs, axis=0), *np.sum(off, axis=0)],
        )
        apart = given - ideal
        return value + STRENGTH * float(apart @ apart), slope + 2 * STRENGTH * apart

    best = _least(loss, ideal)
    return tuple(np.maximum(best[:k], 0.0).tolist()), tuple(best[k:].tolist())


def _loss(
    margin: Array, label: Array, gradient: Callable[[Array], list[float]]
) -> tuple[float, Array]:
    """Mean log loss of margins (n, k), and its gradient from what each probability is off by."""
    probability, rows = softmax.of(margin), np.arange(len(label))
    codes = label.astype(np.int64)
    value = float(np.mean(-portable.log(np.maximum(probability[rows, codes], EDGE))))
    probability[rows, codes] -= 1.0
    return value, np.array(gradient(probability)) / len(label)


def _least(loss: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    from scipy.optimize import minimize

    best = minimize(loss, start, jac=True, method="BFGS").x
    return np.array([float(f"{v:.10g}") for v in best])  # to the digits that JSON keeps


def _logs(probability: Array) -> Array:
    return portable.log(np.maximum(np.asarray(probability, np.float64), EDGE))
