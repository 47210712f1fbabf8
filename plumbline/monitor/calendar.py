"""Whole weeks, so that weekdays meet the same weekdays, and the day on which labels are known."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array

DAY = np.timedelta64(1, "D")


def span(day: Array, last: np.datetime64) -> int:
    """Days from the first row's to `last`, both included; 0 without rows. `day`: datetime64[D] (n,)."""
    return 0 if len(day) == 0 else int((last - day.min()) // DAY) + 1


def in_whole_weeks(day: Array, last: np.datetime64) -> Array:
    """True (n,) for the rows of the whole weeks that end with `last`; for all in less than a week."""
    count = span(day, last) // 7
    return np.ones(len(day), bool) if count == 0 else day > last - 7 * count * DAY


def week_of(day: Array, last: np.datetime64) -> Array:
    """Weeks before the one that ends with `last`, int (n,): 0 is that week, 1 the one before."""
    return (last - day).astype(np.int64) // 7


def blocks(day: Array, last: np.datetime64, length: int) -> Array:
    """Stretches of `length` weeks counted back from `last`, int (n,); -1 for rows in none."""
    count = span(day, last) // 7 // length if length > 0 else 0
    if count == 0:
        return np.full(len(day), -1)
    number = week_of(day, last) // length
    return np.where(number < count, number, -1)


def known_on(day: np.datetime64, label_delay: int) -> np.datetime64:
    """The as-of date from which every label of `day` is visible.

    >>> str(known_on(np.datetime64("2025-06-30"), 7))
    '2025-07-08'
    """
    return day + (label_delay + 1) * DAY
