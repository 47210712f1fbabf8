"""What a day cost, from what was decided and what the payments truly were. Pure.

The prices are those of params.yaml: a fraud that passes costs its amount, one that is looked at a tenth of it, an
honest payment that is blocked or looked at a fixed sum. The amounts are the true ones, whatever was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.year.world import Payments
from plumbline.core.declarations import Array

APPROVE, REVIEW, BLOCK = 0, 1, 2
"""Places of the decisions, as in a bundle's policy."""
MISSED_IN_REVIEW = 0.05
HONEST_REVIEW, HONEST_BLOCK = 100, 500  # cents


@dataclass(frozen=True)
class DayCost:
    """Cents of one day, and what of it was done: missed frauds, and honest payments that were stopped."""

    cents: float
    missed: float
    stopped: float


def cost(day: Payments, action: Array) -> DayCost:
    """The day's cost by what was done about each payment: its place, int (n,)."""
    amount = np.maximum(day.amount, 0).astype(float)
    passed = np.select([action == BLOCK, action == REVIEW], [0.0, MISSED_IN_REVIEW], 1.0)
    price = np.select([action == BLOCK, action == REVIEW], [HONEST_BLOCK, HONEST_REVIEW], 0)
    fraud = day.fraud == 1
    missed, stopped = float((passed * amount)[fraud].sum()), float(price[~fraud].sum())
    return DayCost(missed + stopped, missed, stopped)
