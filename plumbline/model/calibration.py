"""Probabilities from scores: fitted on the validation window, kept as plain numbers; pure.

Isotonic regression (Zadrozny & Elkan 2002) keeps its steps as knots; Platt's scaling (Platt 1999,
with Lin, Lin & Weng's targets, 2007) keeps a slope and an intercept on the log odds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model import class_calibration, portable

Kind = Literal["none", "platt", "isotonic", "temperature", "vector"]
EDGE = 1e-7  # float32 scores are no finer


@dataclass(frozen=True)
class Calibration:
    """`x`, `y`: an isotonic function's knots, (slope,) and (intercept,) of Platt's; of several classes the
    scales and shifts; else empty.
    """

    kind: Kind = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"kind": self.kind, "x": list(self.x), "y": list(self.y)}


def from_json(value: Mapping[str, Any]) -> Calibration:
    """What `as_json` gave; ValueError where it is nothing of the kind."""
    try:
        kind, x, y = value["kind"], tuple(map(float, value["x"])), tuple(map(float, value["y"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"calibration: expected kind, x and y, found {sorted(value)}") from error
    some = max(len(x), 1)
    sizes = {"none": (0, 0), "platt": (1, 1), "isotonic": (some, some)}
    sizes |= {"temperature": (1, 0), "vector": (some, some)}
    if sizes.get(kind) != (len(x), len(y)):
        raise ValueError(f"calibration: none of kind {kind!r} has {len(x)} and {len(y)} numbers")
    if kind == "isotonic" and any(a > b for k in (x, y) for a, b in pairwise(k)):
        raise ValueError("calibration: the knots of an isotonic one must not fall")
    return Calibration(kind, x, y)


def fit(kind: Kind, score: Array, label: Array) -> Calibration:
    """The calibration of `score` (n,) in [0, 1] for `label` (n,) of 0 and 1; of several classes (n, k) for codes."""
    score, label = np.asarray(score, np.float64), np.asarray(label, np.float64)
    if kind == "platt":
        return _platt(score, label)
    if kind == "isotonic":
        return _isotonic(score, label)
    if kind == "temperature":
        return Calibration(kind, *class_calibration.temperature(score, label))
    if kind == "vector":
        return Calibration(kind, *class_calibration.vector(score, label))
    return Calibration()


def apply(calibration: Calibration, score: Array) -> Array:
    """Calibrated probabilities, float64 (n,) or (n, k); of one score, never falls where the score rises."""
    score = np.asarray(score, np.float64)
    if calibration.kind == "isotonic":
        return np.interp(score, calibration.x, calibration.y)
    if calibration.kind == "platt":
        return _sigmoid(calibration.x[0] * _logit(score) + calibration.y[0])
    if calibration.kind in ("temperature", "vector"):
        return class_calibration.apply(calibration.x, calibration.y, score)
    return score


def _isotonic(score: Array, label: Array) -> Calibration:
    from scipy.optimize import isotonic_regression

    values, place, weight = np.unique(score, return_inverse=True, return_counts=True)
    mean = np.bincount(place, label) / weight
    fitted = isotonic_regression(mean, weights=weight)
    starts, ends = fitted.blocks[:-1], fitted.blocks[1:] - 1
    knots = np.unique(np.concatenate([starts, ends]))
    x, y = _short(values[knots]), _short(fitted.x[knots])
    distinct = np.flatnonzero(np.append(True, np.diff(x) > 0))
    return Calibration("isotonic", tuple(x[distinct].tolist()), tuple(y[distinct].tolist()))


def _platt(score: Array, label: Array) -> Calibration:
    from scipy.optimize import minimize

    odds, cases = _logit(score), float(np.sum(label))
    high, low = (cases + 1) / (cases + 2), 1 / (len(label) - cases + 2)
    target = np.where(label == 1, high, low)

    def loss(line: Array) -> tuple[float, Array]:
        z = line[0] * odds + line[1]
        miss = _sigmoid(z) - target
        return float(np.mean(_softplus(z) - target * z)), np.array(
            [np.mean(miss * odds), np.mean(miss)]
        )

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    slope = max(slope, 0.0)  # a score that ranks backwards is worth nothing, not its opposite
    return Calibration("platt", *((float(v),) for v in _short(np.array([slope, intercept]))))


def _logit(score: Array) -> Array:
    inside = np.clip(score, EDGE, 1 - EDGE)
    return portable.log(inside / (1 - inside))


def _sigmoid(odds: Array) -> Array:
    return 1.0 / (1.0 + portable.exp(-odds))


def _softplus(z: Array) -> Array:
    """log(1 + exp(z))."""
    return np.maximum(z, 0.0) + portable.log(1.0 + portable.exp(-np.abs(z)))


def _short(values: Array) -> Array:
    """To the digits that JSON keeps, so that what was fitted is what is loaded."""
    return np.array([float(f"{v:.10g}") for v in values])
