"""Sequential evidence that a challenger is worse, valid however often one looks. Pure.

Each function returns the logarithm of an e-value: a bet against "not worse than the limit", which by Ville's
inequality reaches 1 / alpha with probability alpha at most, at any time, where that holds. Bets are mixed over
a fixed grid, so that the value depends on counts alone. Method: betting martingales (Waudby-Smith and Ramdas,
"Estimating means of bounded random variables by betting", 2024; Robbins' mixtures).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, inf, log, log1p

ALPHA = 0.001
"""Probability of a false alarm of one test, over all looks."""
RATE_ALPHA = 0.002
"""Of one of the two tests of a rate, which have few events to go by: seven tests stay below 1 % together."""
LIMIT, RATE_LIMIT = log(1 / ALPHA), log(1 / RATE_ALPHA)
BETS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""What is staked, as shares of what may be lost at most."""
RATE_BETS = {0.15: 0.1, 0.35: 0.15, 0.7: 0.25, 0.99: 0.5}
"""Stakes on a rate, and their weights: high ones, as alarms are rare and a model without any must be found by few."""


def mean_above(counts: Mapping[float, int], limit: float, lowest: float) -> float:
    """That values with these counts, never below `lowest`, have a mean above `limit`.

    >>> mean_above({1.0: 20, 0.0: 0}, 0.1, 0.0) > LIMIT, mean_above({1.0: 2, 0.0: 18}, 0.1, 0.0) < 1
    (True, True)
    """
    most = 1 / (limit - lowest)
    seen = [(value - limit, count) for value, count in counts.items() if count]
    return _mixed([sum(c * log1p(b * most * x) for x, c in seen) for b in BETS])


def share_above(hits: int, of: int, limit: float) -> float:
    """That more than `limit` of all are hits."""
    return mean_above({1.0: hits, 0.0: of - hits}, limit, 0.0)


def rate_above(own: int, other: int, both: int, ratio: float) -> float:
    """That one raises more than `ratio` times as many alarms as another.

    `own`: events with an alarm of the first alone; `other`: of the second alone. What has none is no evidence.
    """
    seen = ((1.0, own), (-ratio, other), (1.0 - ratio, both))
    return _mixed(
        [sum(n * log1p(bet * x / ratio) for x, n in seen) for bet in RATE_BETS],
        tuple(RATE_BETS.values()),
    )


def average(values: Sequence[float]) -> float:
    """The evidence of several tests together, one of which may be right: the mean of the e-values."""
    return _mixed(values)


def _mixed(logs: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """The logarithm of the mean of what these are logarithms of; weights sum to 1."""
    if not logs:
        return 0.0
    top, shares = max(logs, default=-inf), weights or [1 / len(logs)] * len(logs)
    return top + log(sum(w * exp(one - top) for one, w in zip(logs, shares, strict=True)))
