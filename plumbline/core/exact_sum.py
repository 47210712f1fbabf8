"""Sums of floats without rounding, as fractions: of parts of a table, added up, they are the sum of the whole. Pure."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plumbline.core.declarations import Array

DIGITS = 53
HALF = 26


def of(values: Array) -> Fraction:
    """The sum of finite float64 numbers; rounded once, it is that of math.fsum.

    >>> float(of(np.array([0.1] * 10))), float(of(np.array([1e300, 1.0, -1e300])))
    (1.0, 1.0)
    """
    mantissas, exponents = np.frexp(np.asarray(values, np.float64))
    whole = (mantissas * 2.0**DIGITS).astype(np.int64)
    total = Fraction(0)
    for exponent in np.unique(exponents).tolist():
        own = whole[exponents == exponent]
        high, low = own >> HALF, own & (2**HALF - 1)
        units = (int(high.sum()) << HALF) + int(low.sum())
        total += Fraction(units) * Fraction(2) ** (exponent - DIGITS)
    return total
