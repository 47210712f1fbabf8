"""exp and log by additions and multiplications alone, so that every processor gives the same bits; pure.

NumPy's own take another code path per processor: of 61,270 calibrated probabilities some differ in the
last bit with AVX-512 and without (`make prove` shows it: room B). IEEE 754 fixes each basic operation.
"""

from __future__ import annotations

import math

import numpy as np

from plumbline.core.declarations import Array

LN2_HIGH = float.fromhex("0x1.62e42fefap-1")  # 33 bits of ln 2: times a whole number it is exact
LN2_LOW = float.fromhex("0x1.cf79abc9e3b3ap-40")  # the rest of it
MOST = 700.0  # beyond, exp leaves float64
EXP = tuple(1.0 / math.factorial(n) for n in range(14))
LOG = tuple(1.0 / (2 * n + 1) for n in range(12))
ROOT_HALF = 0.7071067811865476


def exp(x: Array) -> Array:
    """e to the power of x, float64 (n,), within 2 units in the last place; x is cut at ±700.

    >>> exp(np.array([0.0, 1.0])).round(12).tolist()
    [1.0, 2.718281828459]
    """
    inside = np.clip(np.asarray(x, np.float64), -MOST, MOST)
    integral = np.rint(inside / (LN2_HIGH + LN2_LOW))
    rest = (inside - integral * LN2_HIGH) - integral * LN2_LOW
    return np.ldexp(_polynomial(EXP, rest), integral.astype(np.int64))


def log(x: Array) -> Array:
    """Natural logarithm of x > 0, float64 (n,), within 2 units in the last place away from 1.

    >>> log(np.array([1.0, 10.0])).round(12).tolist()
    [0.0, 2.302585092994]
    """
    part, power = np.frexp(np.asarray(x, np.float64))
    small = part < ROOT_HALF
    part, power = np.where(small, 2 * part, part), power - small
    ratio = (part - 1) / (part + 1)  # log((1 + r) / (1 - r)) = 2 (r + r³/3 + r⁵/5 + ...)
    series = 2 * ratio * _polynomial(LOG, ratio * ratio)
    return power * LN2_HIGH + (power * LN2_LOW + series)


def _polynomial(terms: tuple[float, ...], x: Array) -> Array:
    """Horner's scheme; each step is rounded by itself."""
    total = np.full_like(x, terms[-1])
    for term in reversed(terms[:-1]):
        total = total * x + term
    return total
