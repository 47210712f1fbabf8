"""What each feature added to an answer: exact TreeSHAP values (Lundberg et al. 2020), as XGBoost has them.

A model's answer on the scale on which its trees add up (log odds, or the label's unit) is a base
value, the offset if any, and one contribution per feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core import row_features
from plumbline.core.declarations import Array, Columns, Scale
from plumbline.model import scale as scales
from plumbline.model.calibration import Calibration


@dataclass(frozen=True)
class Contributions:
    """`each` float64 (n, k), by feature in the model's order; `base`, `offset` and `total` (n,)."""

    each: Array
    base: Array
    offset: Array
    total: Array


def of(
    booster: Any,
    features: tuple[str, ...],
    offset: str | None,
    columns: Columns,
    scale: Scale = "label",
    decided: Array | None = None,
) -> Contributions:
    """The contributions to n answers before calibration: base + offset + sum of each = total.

    The sum holds to float32, in which XGBoost computes. `decided` (n,): of several classes the code of that whose
    answer is explained, before all are made to sum to one.
    """
    import xgboost

    x = row_features.matrix(features, columns)
    margin = scales.start(scale, offset, columns)
    start = np.zeros(len(x), np.float32) if margin is None else margin
    types = booster.feature_types if "c" in (booster.feature_types or ()) else None
    data = xgboost.DMatrix(
        x,
        base_margin=margin,
        feature_names=list(features),
        feature_types=types,
        enable_categorical=types is not None,
    )
    raw = booster.predict(data, pred_contribs=True).astype(np.float64)
    total = booster.predict(data, output_margin=True).astype(np.float64)
    if decided is not None:
        rows = np.arange(len(x))
        raw, total = raw[rows, decided], total[rows, decided]
    moved = start.astype(np.float64)
    return Contributions(raw[:, :-1], raw[:, -1] - moved, moved, total)


def calibrated(
    raw: Contributions, fitted: Calibration, decided: Array | None = None
) -> Contributions:
    """The same through Platt's line, which stretches log odds, or the scales of several classes; unchanged
    where there is no line. `decided` as of `of`.

    Isotonic steps have no share per feature: there the contributions stay before calibration.
    """
    if decided is not None and fitted.kind in ("temperature", "vector"):
        places = decided if fitted.kind == "vector" else np.zeros(len(decided), np.int64)
        slopes, shifts = np.array(fitted.x)[places], np.array([*fitted.y, 0.0])[places]
        return _stretched(raw, slopes, shifts if fitted.kind == "vector" else 0.0 * slopes)
    if fitted.kind != "platt":
        return raw
    return _stretched(raw, np.array(fitted.x[0]), np.array(fitted.y[0]))


def _stretched(raw: Contributions, slope: Array, shift: Array) -> Contributions:
    """Contributions times the slope (n,), the base with the shift."""
    return Contributions(
        slope[..., None] * raw.each, slope * raw.base + shift, raw.offset, slope * raw.total + shift
    )


def ranked(each: Array, features: Sequence[str]) -> list[tuple[str, float]]:
    """Features by their mean absolute contribution over (n, k), the largest first."""
    size = np.mean(np.abs(each), axis=0)
    order = sorted(range(len(features)), key=lambda i: (-size[i], features[i]))
    return [(features[i], float(size[i])) for i in order]
