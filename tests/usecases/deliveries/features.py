"""The features of deliveries."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Row
from plumbline.core.usecase import FeatureSet

from .contract import CONTRACT


def rush(hour: Array) -> Array:
    """Whether most people order, 0 or 1."""
    return ((hour >= 17) & (hour < 20)).astype(np.float64)


FEATURES = FeatureSet.of(
    CONTRACT,
    rows=(Row(rush),),
    features=("distance", "items", "hour", "rain"),
)
