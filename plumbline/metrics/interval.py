"""A figure with its interval, as documents keep it."""

from __future__ import annotations

from typing import Any, Self

from plumbline.core.documents import SparseDocument, rounded
from plumbline.metrics.bootstrap import Estimate, Word

Figure = float | None
"""Null where it is not defined, or where there are too few rows to tell."""


class Interval(SparseDocument):
    """A figure and its interval; null ends where there are too few units for one."""

    value: Figure
    low: Figure
    high: Figure

    @classmethod
    def from_estimate(cls, estimate: Estimate, **more: Any) -> Self:
        """The estimate, rounded; `more`: the other fields of a document that has an interval.

        >>> Interval.from_estimate(Estimate(0.123456789, 0.1, 0.2))
        Interval(value=0.123457, low=0.1, high=0.2)
        """
        value, low, high = map(rounded, (estimate.value, estimate.low, estimate.high))
        return cls(value=value, low=low, high=high, **more)

    @property
    def estimate(self) -> Estimate:
        """The same with NaN for null."""
        nan = float("nan")
        value, low, high = (nan if v is None else v for v in (self.value, self.low, self.high))
        return Estimate(value, low, high)


class PairedDifference(Interval):
    """The model minus another answer, paired; `relative` to the other's figure."""

    relative: Figure
    word: Word
