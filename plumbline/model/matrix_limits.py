"""What makes a table too large for memory, or for a search. The rules look at the data alone."""

from __future__ import annotations

from dataclasses import dataclass

IN_MEMORY = 250_000_000
"""Rows x features up to which the bins of a table are held in memory: 1 GB at four bytes each."""


@dataclass(frozen=True)
class MatrixLimits:
    """From which sizes on a matrix is made otherwise, so that a model never depends on the machine.

    `in_memory`: rows x features from which the bins of a table are pages on disk. `learned`, `watched`: rows of
    the train table and of the validation window that are taken at most, evenly spaced; None: all.
    """

    in_memory: int = IN_MEMORY
    learned: int | None = None
    watched: int | None = None


ALL_ROWS = MatrixLimits()


def step(rows: int, most: int | None) -> int:
    """Of how many rows one is taken, so that there are at most so many.

    >>> step(10, None), step(10, 10), step(11, 10), step(35, 10)
    (1, 1, 2, 4)
    """
    return 1 if most is None else max(1, -(-rows // most))
