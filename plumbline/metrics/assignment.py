"""Whether entities came to the arms in the shares that were planned, at every look. Pure.

The sequential multinomial test of Lindon and Malek (NeurIPS 2022): the Bayes factor against the planned shares, a
martingale under them, so that it exceeds 1 / alpha at any look with a probability of at most alpha.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

CONCENTRATION = 1000.0
"""How close to the plan the alternative is expected: a share of one half, within 1.6 points."""


def evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The Bayes factor against the planned `shares`, which sum to 1; infinite beyond what a float holds.

    >>> evidence([500, 500], [0.5, 0.5]) < 1 < evidence([700, 300], [0.5, 0.5])
    True
    """
    total = sum(counts)
    log = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + total)
    for count, share in zip(counts, shares, strict=True):
        prior = CONCENTRATION * share
        log += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return math.exp(log) if log < 700 else math.inf


def mismatch(counts: Sequence[int], shares: Sequence[float], alpha: float = 0.001) -> bool:
    """Whether the counts cannot come from the planned shares."""
    return evidence(counts, shares) > 1 / alpha
