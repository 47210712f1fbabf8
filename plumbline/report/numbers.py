"""How numbers, shares and intervals read, in every report, message and page. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

NONE = "–"
"""Stands for a number that is not known."""
SMALLEST = 1e-6
"""A size below this is written as being below it."""


def figure(value: Any) -> str:
    """A number in four significant digits, without exponent; "–" for none; anything else as text.

    Whole numbers, and numbers of 1,000 and more, are written to the unit.

    >>> figure(0.123456), figure(61270), figure(12345.6), figure(0.00001234)
    ('0.1235', '61,270', '12,346', '0.000012')
    >>> figure(None), figure(float("nan")), figure(2e-9), figure(-2e-9), figure("csv")
    ('–', '–', '<0.000001', '>-0.000001', 'csv')
    """
    if value is None:
        return NONE
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return NONE
    return _finite(value)


def count(number: int, noun: str) -> str:
    """So many of something.

    >>> count(1, "feature"), count(1234, "feature")
    ('1 feature', '1,234 features')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def signed(value: Any) -> str:
    """A difference as `figure` writes it, with its sign.

    >>> signed(0.5), signed(-0.5), signed(0.0), signed(None)
    ('+0.5', '-0.5', '+0', '–')
    """
    text = figure(value) if isinstance(value, (int, float)) else NONE
    return text if text[0] in "-–<>" else f"+{text}"


def share(value: Any) -> str:
    """A share in per cent with one decimal, below 1% with two significant digits; zero as "0%".

    >>> share(0.512), share(0.0512), share(0.000421), share(0.0), share(None)
    ('51.2%', '5.1%', '0.042%', '0%', '–')
    """
    if not known(value):
        return NONE
    if value == 0:
        return "0%"
    percent = 100 * float(value)
    return f"{percent:.2g}%" if 0.01 <= abs(percent) < 1 else f"{percent:.1f}%"


def relative(value: Any) -> str:
    """A relative difference in per cent, with its sign.

    >>> relative(0.667), relative(None)
    ('+66.7%', '–')
    """
    return f"{value:+,.1%}" if known(value) else NONE


class HasInterval(Protocol):
    """A figure and the ends of its interval; None or NaN where one is not known."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def interval(
    estimate: HasInterval | None, write: Callable[[Any], str] = figure, *, empty: str = NONE
) -> str:
    """`value` with its `low` and `high`, where both are known; each written by `write`.

    Figures, and shares, have the same number of decimals.

    >>> from plumbline.metrics.bootstrap import Estimate
    >>> interval(Estimate(0.5, 0.4, 0.61))
    '0.50 (0.40 to 0.61)'
    >>> interval(Estimate(0.097, -0.0025, 0.201), share), interval(None)
    ('9.7% (-0.2% to 20.1%)', '–')
    >>> interval(Estimate(0.007358, -0.0079, 0.02077), signed)
    '+0.007 (-0.008 to +0.021)'
    """
    if estimate is None or not known(estimate.value):
        return empty
    three = [estimate.value, estimate.low, estimate.high]
    if not all(map(known, three)):
        return write(estimate.value)
    value, low, high = ALIGNED[write](three) if write in ALIGNED else map(write, three)
    return f"{value} ({low} to {high})"


def _shares(values: Sequence[Any]) -> list[str]:
    """Shares in per cent with the same number of decimals, one at least."""
    percents = [100 * float(value) for value in values]
    decimals = max(1, decimal_places(percents, 2))
    return [f"{fixed(percent, decimals)}%" for percent in percents]


def _aligned(values: Sequence[Any]) -> list[str]:
    """Figures with as many decimals as the one that has the most."""
    texts = [figure(value) for value in values]
    if any(text[0] in "<>" for text in texts):
        return texts
    decimals = max(len(text.partition(".")[2]) for text in texts)
    return [f"{value:,.{decimals}f}" for value in values]


def _differences(values: Sequence[Any]) -> list[str]:
    """Differences with their signs, to two significant digits of the largest at least."""
    decimals = decimal_places(values, 2)
    return [fixed(value, decimals, sign=True) for value in values]


def decimal_places(values: Iterable[Any], digits: int = 3) -> int:
    """The decimals in which the largest of the values has `digits` significant digits, 6 at most.

    >>> decimal_places([3.57, -0.33]), decimal_places([61270.0]), decimal_places([0.00041, None], 2), decimal_places([])
    (2, 0, 5, 0)
    """
    largest = max((abs(value) for value in values if known(value)), default=0.0)
    if largest == 0:
        return 0
    return min(6, max(0, digits - 1 - math.floor(math.log10(largest))))


def fixed(value: Any, decimals: int, *, sign: bool = False) -> str:
    """A number with so many decimals, for a column of them; with `sign` a difference.

    >>> fixed(3.5701, 2), fixed(0.329, 2, sign=True), fixed(-0.001, 2, sign=True), fixed(None, 2)
    ('3.57', '+0.33', '0.00', '–')
    """
    if not known(value):
        return NONE
    if round(value, decimals) == 0:
        return f"{0:.{decimals}f}"
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def known(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _finite(value: int | float) -> str:
    if 0 < abs(value) < SMALLEST:
        return f"<{SMALLEST:.6f}" if value > 0 else f">-{SMALLEST:.6f}"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    digits = f"{value:.4g}"
    return digits if "e" not in digits else f"{value:.6f}".rstrip("0")


ALIGNED: Mapping[Callable[[Any], str], Callable[[Sequence[Any]], list[str]]] = {
    figure: _aligned,
    share: _shares,
    signed: _differences,
}
"""How the three of an interval are written together, by how one is."""
