"""What a column's values may be: ends with slack, closed sets, vocabularies. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plumbline.ops.infer.typed_table import TypedColumn

MOST_ALLOWED = 50
"""Values of a text that are listed as its closed set, at most."""
UNSEEN = 0.001
"""Share of the rows whose value occurs once: about the chance that the next value is a new one."""
CODED = 50
"""Values of a category, at most."""
LARGEST = 3e38
"""The model's numbers have 32 bits and hold none beyond."""
COVERED = 0.5
"""Share of the rows that a category's values hold, at least."""
RAREST = 5
"""Rows that a value of a category needs."""


@dataclass(frozen=True)
class Ends:
    """The smallest and largest allowed value, None for no limit, and what they are made of."""

    low: float | None
    high: float | None
    reason: str


def ends(column: TypedColumn) -> Ends:
    """The ends seen, widened: to twice the largest, below zero only where values are."""
    low, high = column.low, column.high
    if low is None or high is None or column.type not in ("int", "float"):
        return Ends(None, None, "")
    seen = f"{_shown(low)} to {_shown(high)} seen"
    if low >= 0 and high <= 1:
        return Ends(0, 1, seen)
    if max(abs(low), abs(high)) >= LARGEST / 4:
        return Ends(None, None, seen)
    spread = (high - low) or abs(high) or 1.0
    floor = _nice_below(low - (spread if low >= 0 else max(-low, 0.1 * spread)))
    ceiling = _nice(high + spread) if high + spread > 0 else 0.0
    if max(abs(floor), abs(ceiling)) >= 2**53:
        return Ends(None, None, seen)
    return Ends(max(0.0, floor) if low >= 0 else floor, ceiling, seen)


def allowed(column: TypedColumn) -> tuple[str, ...]:
    """The closed set of a text's values, where all were seen often; empty where new ones are likely."""
    facts = column.facts
    if column.type != "string" or facts.distinct > MOST_ALLOWED:
        return ()
    if facts.once > UNSEEN * facts.values or facts.values < 20 * facts.distinct:
        return ()
    return tuple(sorted(value for value, _ in facts.top))


def vocabulary(column: TypedColumn) -> tuple[str, ...]:
    """The values of a category, sorted; a rare or new one gets a code of its own for all.

    Empty where most rows have other values.
    """
    facts = column.facts
    least = max(RAREST, facts.values // 1000)
    frequent = {value: n for value, n in facts.top[:CODED] if n >= least}
    covered = sum(frequent.values()) >= COVERED * facts.values
    return tuple(sorted(frequent)) if covered else ()


def _nice(value: float) -> float:
    """Rounded up to two significant digits.

    >>> _nice(6181.0), _nice(0.0231), _nice(40.0)
    (6200.0, 0.024, 40.0)
    """
    if value <= 0:
        return 0.0
    digits = math.floor(math.log10(value)) - 1
    scaled = math.ceil(round(value / 10.0**digits, 6))
    return float(f"{scaled}e{digits}")


def _nice_below(value: float) -> float:
    """Rounded down to two significant digits.

    >>> _nice_below(-153.2), _nice_below(1691.0)
    (-160.0, 1600.0)
    """
    if value <= 0:
        return -_nice(-value)
    digits = math.floor(math.log10(value)) - 1
    return float(f"{math.floor(round(value / 10.0**digits, 6))}e{digits}")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
