"""Rows in order, of all or of each entity, and the windows that a history may be taken over. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase

DAY = np.timedelta64(1, "D") // np.timedelta64(1, "us")
SPANS = (1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 60, 90, 180, 365)
"""Lengths of windows that are tried, days."""
LENGTHS = (2, 3, 4, 5, 6, 7, 10, 12, 14, 20, 24, 30)
"""The same in rows."""
AROUND = (1, 2, 3, 5, 7, 15)
"""The same, to both sides."""


@dataclass(frozen=True)
class OrderedRows:
    """Rows of each group in time order: places into the table, group codes, and microseconds, int64 (n,)."""

    by: str
    place: Array
    group: Array
    time: Array

    @cached_property
    def first(self) -> Array:
        """Where each row's group begins, (n,)."""
        return np.searchsorted(self.group, self.group, side="left")

    @cached_property
    def end(self) -> Array:
        """Where each row's group ends."""
        return np.searchsorted(self.group, self.group, side="right")

    @cached_property
    def _line(self) -> tuple[int, int, Array]:
        """Groups one behind the other on one line of time: where it begins, a group's length, the rows' places."""
        low, span = int(self.time.min()) - 1, int(self.time.max() - self.time.min()) + 3
        return low, span, self.group * span + self.time - low

    def at(self, rows: Array, time: Array) -> Array:
        """Of the rows (m,), the first row of each one's group that is not before a time (m,)."""
        low, span, line = self._line
        return np.searchsorted(line, self.group[rows] * span + np.clip(time - low, 0, span - 1))


def in_order(case: UseCase, table: Columns) -> Iterator[OrderedRows]:
    """All rows in their order, then those of each entity."""
    size = len(table[case.label])
    time = np.arange(size)
    if case.time is not None:
        time = table[case.time].astype("datetime64[us]").astype(np.int64)
    order = np.argsort(time, kind="stable")
    yield OrderedRows("", order, np.zeros(size, np.int64), time[order])
    for column in case.entity_columns:
        codes = np.unique(table[column].astype(str), return_inverse=True)[1]
        order = np.lexsort((time, codes))
        yield OrderedRows(column, order, codes[order], time[order])


def delay(usecase: UseCase) -> int:
    """Microseconds until a label is known."""
    return usecase.delay // timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """First and last (excluded) rows of each row's window, and where those end whose labels, and rows, are known.

    `whole`: whether the table has all of the window's rows.
    """

    low: Array
    high: Array
    labels: Array
    rows: Array
    whole: Array


def windows(case: UseCase, sequence: OrderedRows, looked: Array) -> dict[str, Window]:
    """The windows of the rows `looked` at, by what they are called."""
    time = sequence.time[looked]
    ends = dict(_by_rows(sequence, looked))
    seen = ends["all rows"][0]
    if case.time is not None:
        ends |= dict(_by_days(sequence, looked, time))
        seen = sequence.at(looked, time - delay(case))
    return {
        words: Window(low, high, np.clip(seen, low, high), np.clip(looked + 1, low, high), whole)
        for words, (low, high, whole) in ends.items()
    }


Ends = tuple[Array, Array, Array]


def _by_rows(sequence: OrderedRows, looked: Array) -> Iterator[tuple[str, Ends]]:
    first, end, after = sequence.first[looked], sequence.end[looked], looked + 1
    every = np.ones(len(looked), bool)
    yield "all rows", (first, end, every)
    yield "the rows up to and with its own", (first, after, every)
    yield "the rows before", (first, looked, every)
    yield "the rows after it", (after, end, every)
    for size in LENGTHS:
        low, ahead = np.maximum(after - size, first), np.minimum(after + size, end)
        before = np.maximum(looked - size, first)
        yield f"the last {size} rows, its own among them", (low, after, after - low == size)
        yield f"the {size} rows before", (before, looked, looked - before == size)
        yield f"the next {size} rows", (after, ahead, ahead - after == size)
    for size in AROUND:
        low, high = np.maximum(looked - size, first), np.minimum(after + size, end)
        yield f"{size} rows before and after", (low, high, high - low == 2 * size + 1)


def _by_days(sequence: OrderedRows, looked: Array, time: Array) -> Iterator[tuple[str, Ends]]:
    start, end = int(sequence.time.min()), int(sequence.time.max())

    def between(low: Array, high: Array) -> Ends:
        return (
            sequence.at(looked, low),
            sequence.at(looked, high),
            (low >= start) & (high <= end + 1),
        )

    midnight = time // DAY * DAY
    for days in SPANS:
        back, ahead = time - days * DAY, time + days * DAY
        yield f"{days} days up to and with its own row", between(back + 1, time + 1)
        yield f"the {days} days before", between(back, time)
        yield f"the {days} days after", between(time + 1, ahead + 1)
        yield f"{days} days from its own row on", between(time, ahead)
        yield f"{days} days before and after", between(back, ahead + 1)
        first = midnight - (days - 1) * DAY
        yield f"{days} whole days, its own among them", between(first, midnight + DAY)
        yield f"the {days} whole days before", between(first - DAY, midnight)


def sums(total: Array, window: Window, known: Array) -> Iterator[tuple[str, Array, Array]]:
    """Sum and mean over a window, and over what is known of it, from running totals."""
    full, part = total[window.high] - total[window.low], total[known] - total[window.low]
    yield "sum", full, part
    counts = np.maximum(window.high - window.low, 1), np.maximum(known - window.low, 1)
    yield "mean", full / counts[0], part / counts[1]
