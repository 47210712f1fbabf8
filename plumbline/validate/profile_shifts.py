"""How a window of data differs from the accepted profile: measures, each with its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plumbline.validate.params import Validate
from plumbline.validate.profile_document import ColumnProfile, Profile

FACTORS = (2.54, 10.0, 60.0, 100.0, 1_000.0, 3_600.0, 1_000_000.0)
"""Units mistaken for each other: inches and centimetres, seconds and minutes, parts and wholes."""

UNIT_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""What must move by the same factor for a day to look like another unit."""

MIN_ROWS = 30
"""Fewer rows on a day say nothing about its units or whether a column is stuck."""

CUT = 0.01
"""Values with a smaller share are not listed in a profile."""


@dataclass(frozen=True)
class ProfileShift:
    """One statistical check: `value` must lie between `low` and `high` (None: no bound).

    `column` is "rows" for counts per day. `detail` says what was found, in words.
    """

    kind: str
    column: str
    value: float
    low: float | None
    high: float | None
    detail: str

    @property
    def failed(self) -> bool:
        """Whether the value lies outside its bounds."""
        below = self.low is not None and self.value < self.low
        return below or (self.high is not None and self.value > self.high)


@dataclass(frozen=True)
class ColumnDay:
    """One day of one column: rows that are not null, and their quantiles (None for text).

    `constant` says that all those rows hold the same value.
    """

    day: str
    rows: int
    constant: bool
    quantiles: tuple[float, ...] | None = None


def js(p: Sequence[float], q: Sequence[float]) -> float:
    """Jensen-Shannon divergence of two distributions over the same k values, base 2, 0 to 1.

    Lin (1991), "Divergence measures based on the Shannon entropy".

    >>> js([1.0, 0.0], [0.0, 1.0])
    1.0
    """
    half = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (_kl(p, half) + _kl(q, half)) / 2


def factor(ratio: float, tolerance: float) -> float | None:
    """The factor of FACTORS, or one over it, that `ratio` is near to; None where there is none.

    Near: within `tolerance` of it in natural logarithms.

    >>> factor(97.0, 0.1), factor(0.099, 0.1), factor(1.2, 0.1)
    (100.0, 0.1, None)
    """
    if not ratio > 0:
        return None
    choices = [*FACTORS, *(1 / f for f in FACTORS)]
    best = min(choices, key=lambda f: abs(math.log(ratio / f)))
    return best if abs(math.log(ratio / best)) <= tolerance else None


def times(value: float) -> str:
    """A factor in words.

    >>> times(100.0), times(0.1)
    ('x100', '/10')
    """
    return f"x{value:g}" if value >= 1 else f"/{1 / value:g}"


def measures(
    accepted: Profile | None,
    current: Profile,
    limits: Validate,
    days: Mapping[str, Sequence[ColumnDay]],
) -> list[ProfileShift]:
    """Every measure of the window: against the accepted profile, where there is one, and by day.

    Single days (`days`: per column) are held against the accepted profile, or else the window's own.
    """
    shifts: list[ProfileShift] = []
    known = accepted.columns if accepted else {}
    for name, before in known.items():
        now = current.columns.get(name)
        if now is not None and now.rows and before.rows:
            shifts += _column(name, before, now, limits)
    if accepted:
        shifts += _rate(accepted, current, limits)
    shifts += _single_days(days, known)
    weekdays = (accepted or current).per_day.weekdays
    if current.days and weekdays:
        shifts.append(_days(current, weekdays, limits))
    return [replace(m, value=_r(m.value), low=_r(m.low), high=_r(m.high)) for m in shifts]


def _single_days(
    days: Mapping[str, Sequence[ColumnDay]], known: Mapping[str, ColumnProfile]
) -> list[ProfileShift]:
    """Units and stuck columns."""
    shifts = []
    for name, column in days.items():
        if column and column[0].quantiles is not None:
            typical = known[name].quantiles if name in known else {}
            shifts.append(_unit(name, column, typical or _median_quantiles(column)))
        shifts.append(_constant(name, column))
    return shifts


def _median_quantiles(days: Sequence[ColumnDay]) -> dict[str, float]:
    """Each quantile on the middle day, so that a few odd days do not count."""
    levels = zip(*(d.quantiles for d in days if d.quantiles), strict=True)
    return {
        str(p): sorted(values)[len(values) // 2]
        for p, values in zip(UNIT_QUANTILES, levels, strict=True)
    }


def _column(
    name: str, before: ColumnProfile, now: ColumnProfile, limits: Validate
) -> list[ProfileShift]:
    scale = math.sqrt(1 / before.rows + 1 / now.rows)
    moved = now.null - before.null
    spread = math.sqrt(max(before.null * (1 - before.null), 1 / before.rows))
    detail = f"share of nulls {now.null:.3g}, was {before.null:.3g}"
    shifts = [_both("nulls", name, moved, limits.nulls + 3 * spread * scale, detail)]
    if before.shares and now.shares:
        shifts.append(_shares(name, before, now, limits))
    if before.sd and before.mean is not None and now.mean is not None:
        moved = (now.mean - before.mean) / before.sd
        detail = f"mean {now.mean:.5g}, was {before.mean:.5g}: {moved:+.2f} sd"
        shifts.append(_both("mean", name, moved, limits.mean + 3 * scale, detail))
        shifts += _quantiles(name, before, now, limits.quantiles + 4 * scale)
    return shifts


def _shares(name: str, before: ColumnProfile, now: ColumnProfile, limits: Validate) -> ProfileShift:
    kinds = sorted({*before.shares, *now.shares})
    p, q = _aligned(before.shares, kinds), _aligned(now.shares, kinds)
    noise = (len(kinds) - 1) / (4 * math.log(2)) * (1 / before.rows + 1 / now.rows)
    moved = max(kinds, key=lambda k: abs(q[kinds.index(k)] - p[kinds.index(k)]), default="")
    at = kinds.index(moved) if kinds else 0
    detail = f"share of '{moved}' {q[at]:.3g}, was {p[at]:.3g}" if kinds else "no listed values"
    return ProfileShift("shares", name, js(p, q), None, limits.shares + noise, detail)


def _aligned(shares: Mapping[str, float], kinds: Sequence[str]) -> list[float]:
    """Shares of `kinds`, then of the rest. A value not listed has at most CUT, if others are not."""
    rest = max(0.0, 1 - sum(shares.values()))
    absent = [k for k in kinds if k not in shares]
    each = min(CUT, rest / len(absent)) if absent else 0.0
    listed = [shares.get(k, each) for k in kinds]
    return [*listed, max(0.0, 1 - sum(listed))]


def _quantiles(
    name: str, before: ColumnProfile, now: ColumnProfile, limit: float
) -> list[ProfileShift]:
    was, is_ = before.quantiles, now.quantiles
    spread = was["0.75"] - was["0.25"]
    if not spread:
        return []
    moves = {p: (is_[p] - was[p]) / spread for p in ("0.25", "0.5", "0.75")}
    far = max(moves, key=lambda p: abs(moves[p]))
    detail = f"quantile {far} is {is_[far]:.5g}, was {was[far]:.5g}: {moves[far]:+.2f} IQR"
    return [_both("quantiles", name, moves[far], limit, detail)]


def _both(kind: str, name: str, value: float, limit: float, detail: str) -> ProfileShift:
    return ProfileShift(kind, name, value, -limit, limit, detail)


def _rate(accepted: Profile, current: Profile, limits: Validate) -> list[ProfileShift]:
    was, is_ = accepted.per_day, current.per_day
    if not was.mean or is_.mean is None:
        return []
    detail = f"{is_.mean:.5g} rows per day, was {was.mean:.5g}"
    half = limits.rows / 2 + 3 / math.sqrt(max(1.0, accepted.rows))
    return [
        ProfileShift("rows", "rows per day, ratio", is_.mean / was.mean, 1 - half, 1 + half, detail)
    ]


def _days(current: Profile, typical: Sequence[float | None], limits: Validate) -> ProfileShift:
    unusual = []
    for day in current.days:
        expected = typical[day.weekday]
        if expected is None:
            continue
        slack = limits.rows * expected + 4 * math.sqrt(expected)
        if abs(day.rows - expected) > slack:
            unusual.append(f"{day.day}: {day.rows} rows, usually {expected:.5g}")
    return _none_of("rows", "rows of a day", unusual)


def _unit(name: str, days: Sequence[ColumnDay], quantiles: Mapping[str, float]) -> ProfileShift:
    unusual = [
        f"{d.day} looks like {name} {times(ratio)}: median {d.quantiles[2]:.5g}, "
        f"usually {quantiles['0.5']:.5g}"
        for d in days
        if d.quantiles and d.rows >= MIN_ROWS and (ratio := _day_factor(d, quantiles))
    ]
    return _none_of("unit", name, unusual)


def _day_factor(day: ColumnDay, quantiles: Mapping[str, float]) -> float | None:
    """The factor by which at least three quantiles, all that are not zero, have moved."""
    pairs = zip(day.quantiles or (), (quantiles[str(p)] for p in UNIT_QUANTILES), strict=True)
    ratios = [now / was for now, was in pairs if was]
    if len(ratios) < 3 or min(ratios) <= 0:
        return None
    factors = {factor(r, 0.22) for r in ratios}
    middle = factor(sorted(ratios)[len(ratios) // 2], 0.1)
    return middle if factors == {middle} else None


def _constant(name: str, days: Sequence[ColumnDay]) -> ProfileShift:
    stuck = [d for d in days if d.constant and d.rows >= MIN_ROWS]
    if stuck and len(stuck) == len(days):
        all_rows = "in all rows" if len(days) == 1 else f"on all {len(days)} days"
        return _none_of("constant", name, [f"the same value {all_rows}"])
    return _none_of("constant", name, [f"{d.day}: the same value in {d.rows} rows" for d in stuck])


def _none_of(kind: str, name: str, unusual: Sequence[str]) -> ProfileShift:
    shown = "; ".join(unusual[:3]) + (
        f"; and {len(unusual) - 3} more days" if len(unusual) > 3 else ""
    )
    return ProfileShift(kind, name, float(len(unusual)), None, 0.0, shown or "no such day")


def _kl(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log2(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def _r(value: Any) -> Any:
    """Without the last digits, which differ with the order of sums."""
    return None if value is None else round(value, 6)
