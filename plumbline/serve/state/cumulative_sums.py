"""One id's record in a tile table: ascending numbers and running sums. Mutable, compact, exact at any size."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

LONG = 48
"""Rows from which later sums are raised by numpy, which costs some microseconds to start."""
SAFE = 2**62


class CumulativeSums:
    """Numbers in ascending order, and before each of them the running sums of all columns.

    `sums` has one row of `width` more than `at`: row i covers the first i numbers, and row 0 what was trimmed.
    """

    __slots__ = ("at", "sums")

    def __init__(self, width: int) -> None:
        self.at = array("q")
        self.sums: array[int] | list[int] = array("q", bytes(8 * width))

    def rows(self, bounds: Sequence[int], width: int) -> list[int]:
        """Where the running sums before each bound begin."""
        at = self.at
        return [bisect_left(at, bound) * width for bound in bounds]

    def add(self, number: int, increments: Sequence[tuple[int, int]], width: int) -> None:
        """Add to the columns at `number`, which gets a row where it has none."""
        at = self.at
        if not at or number > at[-1]:
            at.append(number)
            self.sums.extend(self.sums[-width:] if width else ())
            row = len(at)
        else:
            row = bisect_left(at, number) + 1
            if at[row - 1] != number:
                at.insert(row - 1, number)
                place = row * width
                self.sums[place:place] = self.sums[place - width : place]  # type: ignore[assignment]
        if increments:
            self._raise(row * width, increments, width)

    def trim(self, oldest: int, width: int) -> None:
        """Forget the numbers below `oldest`; differences of the sums stay."""
        if self.at and self.at[0] < oldest:
            gone = bisect_left(self.at, oldest)
            del self.at[:gone]
            del self.sums[: gone * width]

    def _raise(self, start: int, increments: Sequence[tuple[int, int]], width: int) -> None:
        """Add to the columns of all rows from `start` on."""
        sums = self.sums
        if len(sums) - start > LONG * width and self._raised_at_once(start, increments, width):
            return
        for row in range(start, len(sums), width):
            for column, value in increments:
                try:
                    sums[row + column] += value
                except OverflowError:
                    self.sums = sums = list(sums)
                    sums[row + column] += value

    def _raised_at_once(
        self, start: int, increments: Sequence[tuple[int, int]], width: int
    ) -> bool:
        """As `_raise` where all stays far inside 64 bits; else False, and nothing is done."""
        if isinstance(self.sums, list) or any(abs(value) >= 2**32 for _, value in increments):
            return False
        rows = np.frombuffer(self.sums, np.int64).reshape(-1, width)[start // width :]
        if rows.max() > SAFE or rows.min() < -SAFE:
            return False
        for column, value in increments:
            rows[:, column] += value
        return True
