"""The features of diabetes."""

from __future__ import annotations

from plumbline.core.declarations import Array, Row
from plumbline.core.usecase import FeatureSet

from .contract import CONTRACT, SERUM


def bmi_times_bp(bmi: Array, bp: Array) -> Array:
    """Product of body mass index and blood pressure, kg/m2 times mmHg."""
    return bmi * bp


FEATURES = FeatureSet.of(
    CONTRACT,
    rows=(Row(bmi_times_bp),),
    features=("age", "sex", "bmi", "bp", *SERUM, "bmi_times_bp"),
)
