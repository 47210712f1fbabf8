"""Probabilities of several classes from what the trees add up to; the same bits for one row and for many; pure.

XGBoost's own softmax is computed in float32 by a code path per processor; margins are not.
"""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model import portable


def of(margin: Array) -> Array:
    """Probabilities float64 (n, k) of margins (n, k), class by class.

    >>> of(np.array([[0.0, 0.0, 0.0, 0.0]])).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    margin = np.asarray(margin, np.float64)
    part = portable.exp(margin - np.max(margin, axis=1, keepdims=True))
    total = np.zeros(len(margin))
    for column in part.T:  # one after another: a sum over an axis may take another order
        total = total + column
    return np.asarray(part / total[:, None])
