"""The numbers of one column, or of one row in one unit: all with the same number of decimals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plumbline.report.numbers import NONE, HasInterval, decimal_places, fixed, known

DIGITS, MOST = 3, 4
"""Significant digits of the largest number, and decimals at most where smaller ones ask for more."""


def figures(values: Sequence[Any], *, percent: bool = False, sign: bool = False) -> list[str]:
    """A cell for each number; shares as per cent with `percent`.

    >>> figures([0.8548, 0.109, None]), figures([0.0085, 0.51], percent=True)
    (['0.855', '0.109', '–'], ['0.9%', '51.0%'])
    """
    decimals = _decimals(values, values, percent)
    return [_text(value, decimals, percent, sign) for value in values]


def intervals(
    estimates: Sequence[HasInterval | None], *, percent: bool = False, sign: bool = False
) -> list[str]:
    """A cell for each estimate: the value, and its interval where it has one that is not a point.

    >>> from plumbline.metrics.bootstrap import Estimate
    >>> intervals([Estimate(0.9, 0.85, 1.0), Estimate(1.0, 1.0, 1.0), None])
    ['0.90 (0.85 to 1.00)', '1.00', '–']
    """
    rows = [[one.value, one.low, one.high] if one else [None] * 3 for one in estimates]
    decimals = _decimals([v for row in rows for v in row], [row[0] for row in rows], percent)
    return [_interval([_text(v, decimals, percent, sign) for v in row]) for row in rows]


def _interval(texts: Sequence[str]) -> str:
    value, low, high = texts
    return value if low == high or NONE in texts else f"{value} ({low} to {high})"


def _text(value: Any, decimals: int, percent: bool, sign: bool) -> str:
    if not percent:
        return fixed(value, decimals, sign=sign)
    return f"{fixed(100 * value, decimals, sign=sign)}%" if known(value) else NONE


def _decimals(every: Sequence[Any], shown: Sequence[Any], percent: bool) -> int:
    """Enough for the largest of all numbers, and for a digit of the smallest that is `shown`."""
    largest, smallest = (_sizes(values, percent) for values in (every, shown))
    enough = max(int(percent and bool(largest)), decimal_places(largest, DIGITS))
    return max(enough, min(MOST, decimal_places(smallest[:1], 1)))


def _sizes(values: Sequence[Any], percent: bool) -> list[float]:
    return sorted((100 if percent else 1) * abs(float(v)) for v in values if known(v) and v != 0)
