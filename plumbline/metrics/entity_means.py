"""Means per event of entities whose events belong together: the error counts entities, not events. Pure.

Where whole entities are assigned to an arm, their events are no independent draws: the mean per event is a
ratio of two sums over entities, and its error that of the linearised ratio (the delta method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plumbline.metrics.bootstrap import Array
from plumbline.metrics.confidence_sequence import Moments

SURE = 1.64
"""Standard errors above which a habit is taken for one."""


@dataclass(frozen=True)
class EntitySums:
    """Sums over n entities of c = events and y = what is measured: all that a mean and its error need."""

    n: int
    events: float = 0.0
    total: float = 0.0
    events_squared: float = 0.0
    total_squared: float = 0.0
    product: float = 0.0

    @classmethod
    def of(cls, events: Array, total: Array) -> EntitySums:
        """Of each entity's number of events and total, (n,) both; entities without an event count for nothing."""
        seen = events > 0
        c, y = events[seen].astype(np.float64), total[seen].astype(np.float64)
        sums = (c.sum(), y.sum(), c @ c, y @ y, c @ y)
        return cls(len(c), *map(float, sums))

    @property
    def mean(self) -> float:
        """The mean per event; NaN without one."""
        return self.total / self.events if self.events else math.nan

    def moments(self) -> Moments:
        """The mean per event as a mean of independent units with the linearised ratio's variance.

        >>> EntitySums.of(np.array([1, 1]), np.array([1.0, 3.0])).moments()
        Moments(n=2, mean=2.0, variance=2.0)
        """
        if self.n < 2:
            return Moments(self.n, self.mean, math.nan)
        mean, size = self.mean, self.events / self.n
        squares = self.total_squared - 2 * mean * self.product + mean**2 * self.events_squared
        return Moments(self.n, mean, max(squares, 0.0) / (self.n - 1) / size**2)


def lasting_variance(events: tuple[Array, Array], total: tuple[Array, Array]) -> float:
    """The part of the mean's squared error that no further day averages out: what entities have in common with themselves.

    `events`, `total`: of the same n entities on one half of the days and on the other. The product of an entity's
    two deviations is, on average, the square of its habit; 0 where that is not beyond the noise.
    """
    mean = (total[0].sum() + total[1].sum()) / (events[0].sum() + events[1].sum())
    products = (total[0] - mean * events[0]) * (total[1] - mean * events[1])
    noise = math.sqrt(float(products @ products))
    common = float(products.sum())
    size = float(events[0].sum() + events[1].sum())
    return 4 * common / size**2 if common > SURE * noise else 0.0
