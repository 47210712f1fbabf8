"""Tiles and moments as Redis keeps them: a hash of packed rows. Pure.

A row is the columns of a tile table as doubles, exact up to 2**53. An amount beyond 2**31 is added in two parts, of
which the upper one has a second set of columns, so that sums stay exact at any size of 64 bits. Moments are kept
by hour as well (of all events by minute and second, too), so that a day so far is read in a few short hashes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from plumbline.core.declarations import Array
from plumbline.serve.state.cumulative_sums import CumulativeSums
from plumbline.serve.state.plan import DAY, HOUR, SECOND, Increments, Moment, TileTable

BASE = 2**32
MINUTE = 60 * SECOND
Levels = tuple[tuple[int, int], ...]
"""Of moments: how long a hash is, and each row in it."""
ALL_EVENTS: Levels = ((DAY, HOUR), (HOUR, MINUTE), (MINUTE, SECOND), (SECOND, 1))
ONE_ID: Levels = ((DAY, HOUR), (HOUR, 1))
EXACT, SAFE = 2**50, 2.0**62


def split(increments: Increments, width: int) -> list[int]:
    """Columns and amounts, one after the other; the upper part of a large amount `width` columns later.

    >>> split([(0, 1), (1, 2**32 + 5)], 2)
    [0, 1, 1, 5, 3, 1]
    """
    parts: list[int] = []
    for column, amount in increments:
        low = (amount + BASE // 2) % BASE - BASE // 2
        high = (amount - low) // BASE
        parts += [column, low]
        if high:
            parts += [width + column, high]
    return parts


def packed(row: Sequence[int]) -> bytes:
    """One row, of whole numbers of any size."""
    if all(abs(value) < EXACT for value in row):
        return np.array(row, "<f8").tobytes()
    lows = [(value + BASE // 2) % BASE - BASE // 2 for value in row]
    highs = [(value - low) // BASE for value, low in zip(row, lows, strict=True)]
    return np.array([*lows, *highs], "<f8").tobytes()


Hash = tuple[Array, Array]
"""What was read of a hash: numbers int64 (n,), rows float64 (n, width), or (n, 2 * width) with upper parts."""


def unpacked(fields: bytes, rows: bytes) -> Hash:
    """A hash's fields, with commas between them, and its packed rows, all of one length."""
    numbers = np.array([int(field) for field in fields.split(b",")] if fields else [], np.int64)
    return numbers, np.frombuffer(rows, "<f8").reshape(len(numbers), -1 if fields else 0)


def below(length: int, end: int, held: Hash) -> Hash:
    """The rows of `length` that lie before the number `end`, each at the microsecond where it begins."""
    numbers, rows = held
    kept = numbers < end
    return numbers[kept] * length, rows[kept]


def cumulative(hashes: Sequence[Hash], width: int) -> CumulativeSums | None:
    """The cumulative sums of an id's hashes, whose numbers differ; None where they hold nothing."""
    held = [(numbers, rows) for numbers, rows in hashes if len(numbers)]
    if not held:
        return None
    at = np.concatenate([numbers for numbers, _ in held])
    order = np.argsort(at)
    if all(rows.shape[1] == width for _, rows in held):
        values = np.concatenate([rows for _, rows in held])[order]
        if np.abs(values).sum() < SAFE:
            return _cumulative(at[order], values.astype(np.int64))
    whole = [row for _, rows in held for row in _whole(rows, width)]
    return _exact(at[order], [whole[i] for i in order.tolist()])


def levels(tile_table: TileTable) -> Levels:
    """How the moments of a tile table lie in hashes: one history of all events is a busy one."""
    return ALL_EVENTS if tile_table.entity.column is None else ONE_ID


def moments(tile_table: TileTable, end: Moment) -> list[tuple[int, int, int, int]]:
    """Of each level: its place, the number of the hash to read, how long a row is, and the number that rows lie below."""
    micros = end.micros
    return [
        (i, micros // length, row, micros // row)
        for i, (length, row) in enumerate(levels(tile_table))
    ]


def _cumulative(at: Array, rows: Array) -> CumulativeSums:
    result = CumulativeSums(0)
    result.at = array("q", at.tobytes())
    zeros = np.zeros((1, rows.shape[1]), np.int64)
    result.sums = array("q", np.concatenate([zeros, np.cumsum(rows, axis=0)]).tobytes())
    return result


def _whole(rows: Array, width: int) -> list[list[int]]:
    """The columns of rows as Python's integers, the upper parts added."""
    whole = [[int(value) for value in row] for row in rows.tolist()]
    if rows.shape[1] == width:
        return whole
    return [
        [low + high * BASE for low, high in zip(row[:width], row[width:], strict=True)]
        for row in whole
    ]


def _exact(at: Array, rows: Sequence[Sequence[int]]) -> CumulativeSums:
    width = len(rows[0])
    result = CumulativeSums(width)
    for number, row in zip(at.tolist(), rows, strict=True):
        result.add(number, list(enumerate(row)), width)
    return result
