"""What each decision costs each event, as it came out and as the model expects it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.metrics import cost_matrix
from plumbline.metrics.cost import cost
from plumbline.metrics.cost_matrix import Costs
from plumbline.model.decision_params import Decisions
from plumbline.model.threshold import BELIEF

REVIEW_BELIEF = 0.8
"""How far an event counts as its probability says where there are two thresholds: `python -m bench.decisions`."""


@dataclass(frozen=True)
class Prices:
    """What each decision costs each row, (n,) each."""

    approve: Array
    review: Array
    block: Array

    def of(self, places: Array) -> Array:
        """The cost of the decisions at these places, (n,)."""
        return np.select([places == 0, places == 1], [self.approve, self.review], self.block)

    def rows(self, inside: Array) -> Prices:
        """Those of some rows."""
        return Prices(self.approve[inside], self.review[inside], self.block[inside])


def prices(declared: Decisions, costs: Costs, columns: Columns, positive: Array) -> Prices:
    """What each decision costs where `positive` (n,) is so; without a review it costs more than all."""
    money, rows = cost_matrix.money(costs, columns), len(positive)
    quiet, alarm = (cost(positive, np.full(rows, acts), money) for acts in (False, True))
    if declared.review is None:
        return Prices(quiet, np.full(rows, np.inf), alarm)
    case, none = (
        np.broadcast_to(cost_matrix.filled(amount, columns), (rows,)).astype(np.float64)
        for amount in (declared.review.positive, declared.review.negative)
    )
    return Prices(quiet, np.where(positive == 1, case, none), alarm)


def expected(declared: Decisions, costs: Costs, columns: Columns, window: Window) -> Prices:
    """Each row in part as it came out and in part as its probability says; without a review as `threshold` has it."""
    real = prices(declared, costs, columns, window.positive)
    if window.probability is None:
        return real
    share, rows = window.probability, len(window.positive)
    trust = REVIEW_BELIEF if declared.review else BELIEF
    case, none = (prices(declared, costs, columns, np.full(rows, v)) for v in (1, 0))

    def blend(kind: str) -> Array:
        belief = share * getattr(case, kind) + (1 - share) * getattr(none, kind)
        return np.asarray(trust * belief + (1 - trust) * getattr(real, kind))

    review = blend("review") if declared.review else real.review
    return Prices(blend("approve"), review, blend("block"))


@dataclass(frozen=True)
class Window:
    """The validation window: what was positive, bool (m,), its score, how many days it has.

    `probability`: the score where it is one; None for a regression.
    """

    positive: Array
    score: Array
    days: int
    probability: Array | None
