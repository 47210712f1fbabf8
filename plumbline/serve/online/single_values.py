"""One answer's calibration in plain floats: the bits of `calibration.apply`, without an array's overhead. Pure.

IEEE 754 fixes each addition and multiplication, so that the same steps in the same order give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from plumbline.model import calibration, portable
from plumbline.model.calibration import Calibration

LN2 = portable.LN2_HIGH + portable.LN2_LOW
EXP, LOG = tuple(reversed(portable.EXP)), tuple(reversed(portable.LOG))


def calibrator(fitted: Calibration) -> Callable[[float], float]:
    """`calibration.apply` of one score, of a calibration that is not of several classes."""
    if fitted.kind == "platt":
        slope, intercept = fitted.x[0], fitted.y[0]
        return lambda score: sigmoid(slope * logit(score) + intercept)
    if fitted.kind == "isotonic":
        x, y = np.array(fitted.x), np.array(fitted.y)
        return lambda score: float(np.interp(score, x, y))
    return lambda score: score


def logit(score: float) -> float:
    """Log odds of a score, which is drawn off 0 and 1 a little."""
    inside = min(max(score, calibration.EDGE), 1 - calibration.EDGE)
    return log(inside / (1 - inside))


def sigmoid(odds: float) -> float:
    """The probability of log odds."""
    return 1.0 / (1.0 + exp(-odds))


def exp(x: float) -> float:
    """`portable.exp` of one number.

    >>> exp(0.0)
    1.0
    """
    if x != x:
        return x
    inside = min(max(x, -portable.MOST), portable.MOST)
    integral = round(inside / LN2)
    rest = (inside - integral * portable.LN2_HIGH) - integral * portable.LN2_LOW
    return math.ldexp(_polynomial(EXP, rest), integral)


def log(x: float) -> float:
    """`portable.log` of one number.

    >>> log(1.0)
    0.0
    """
    part, power = math.frexp(x)
    if part < portable.ROOT_HALF:
        part, power = 2 * part, power - 1
    ratio = (part - 1) / (part + 1)
    series = 2 * ratio * _polynomial(LOG, ratio * ratio)
    return power * portable.LN2_HIGH + (power * portable.LN2_LOW + series)


def _polynomial(falling: tuple[float, ...], x: float) -> float:
    """Horner's scheme; terms from the highest power down."""
    total = falling[0]
    for term in falling[1:]:
        total = total * x + term
    return total
