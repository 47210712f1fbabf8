"""How unlikely the newest figure of a series is, by the figures of its own past.

The tail beyond what a short past can show is Student's, with the spread moderated towards that of all
series (Smyth 2004, the moderated t).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plumbline.core.declarations import Array

MIN_MATCHED = 7
"""Past periods with a matched reference, below which the others count too."""
PRIOR = 4.0
"""Degrees of freedom that the spread over all columns counts for."""


def moderated(
    series: Mapping[str, Array], matched: Array, *, floor: float, upper: bool = False
) -> dict[str, float]:
    """The chance of the newest (last) value by the past ones, by a moderated t, two-sided.

    `floor` is the least spread. Past values of periods without a matched reference count only where
    there are no others. `upper`: large values only.
    """
    enough = matched[:-1].sum() >= MIN_MATCHED
    usable = matched[:-1] if enough else np.ones(len(matched) - 1, bool)
    past = {n: v[:-1][usable & np.isfinite(v[:-1])] for n, v in series.items()}
    spread = [float(np.var(v, ddof=1)) for v in past.values() if len(v) > 2]
    prior = max(floor**2, float(np.median(spread)) if spread else 0.0)
    return {n: _tail(past[n], v[-1], prior, floor, upper=upper) for n, v in series.items()}


def _tail(past: Array, newest: float, prior: float, floor: float, *, upper: bool) -> float:
    from scipy.special import stdtr

    count = len(past)
    centre = float(past.sum() / (count + 1))  # shrunk towards no difference
    if upper:
        centre = float(past.mean()) if count else 0.0
    squares = float(((past - centre) ** 2).sum())
    freedom = PRIOR + max(count - 1, 0)
    variance = max(floor**2, (PRIOR * prior + squares) / freedom)
    t = (newest - centre) / np.sqrt(variance * (1 + 1 / (count + 1)))
    tail = float(stdtr(freedom, -t if upper else -abs(t)))
    return tail if upper else min(1.0, 2 * tail)


def rate(count: int, rows: int, counts: Array, sizes: Array) -> tuple[float, float]:
    """The chance of `count` or more of `rows` by past `counts` of `sizes`, and the share to be expected.

    Negative binomial, with the past's overdispersion and the error of its own mean.
    """
    from scipy.special import pdtrc

    share = (counts.sum() + 0.5) / (sizes.sum() + 1)
    expected = share * rows
    if count <= expected:
        return 1.0, float(share)
    fitted = np.maximum(share * sizes, 1e-12)
    over = float(((counts - fitted) ** 2 / (fitted + 0.25)).mean()) if len(counts) > 2 else 1.0
    over = max(1.0, over) * (1 + rows / (sizes.sum() + 1))
    if over <= 1 + 1e-9:
        return float(pdtrc(count - 1, expected)), float(share)
    return _negative_binomial(count, expected, over), float(share)


def _negative_binomial(count: int, mean: float, over: float) -> float:
    """P(X >= count) at this mean and variance over * mean."""
    from scipy.special import betainc

    size = mean / (over - 1)
    return float(betainc(count, size, 1 - 1 / over))
