"""Pairs of columns that say much of the label together and nothing alone, as a planned and a measured time do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from plumbline.core.declarations import Array

TOGETHER, ALONE = 0.15, 0.03
"""Share of what the best column leaves of the label's variance: that a pair explains, and each of it at most."""
FEWEST = 200
"""Rows with all values."""
PAIRED = 20


def find(
    numbers: Mapping[str, Array], label: str, names: Sequence[str]
) -> list[tuple[str, str, float]]:
    """Such pairs, each with the share that it explains, the largest first."""
    names = [n for n in names if np.isfinite(numbers[n]).mean() > 0.5][:PAIRED]
    if len(names) < 3:
        return []
    table = np.column_stack([numbers[n] for n in (*names, label)])
    table = table[np.all(np.isfinite(table), axis=1)]
    spread = table.std(axis=0) if len(table) >= FEWEST else np.zeros(len(names) + 1)
    if not np.all(spread > 0):
        return []
    shared = np.corrcoef(table, rowvar=False)
    best = int(np.argmax(np.abs(shared[-1, :-1])))
    left = 1 - shared[-1, best] ** 2
    others = [i for i in range(len(names)) if i != best]
    alone = {i: 1 - _left(shared, [best, i]) / left for i in others}
    pairs = [
        (names[i], names[j], 1 - _left(shared, [best, i, j]) / left)
        for i, j in combinations(others, 2)
        if max(alone[i], alone[j]) <= ALONE
    ]
    return sorted((p for p in pairs if p[2] >= TOGETHER), key=lambda p: -p[2])


def sentence(pair: tuple[str, str, float]) -> str:
    """What a pair does, and what to ask."""
    return (
        f"together they explain {100 * pair[2]:.0f} % of what the best column leaves of the label, alone nothing: "
        "is one of them measured after the event? Then leave it out, or give it known=False"
    )


def _left(shared: Array, chosen: Sequence[int]) -> float:
    """The share of the label's variance that a linear fit on these columns leaves."""
    inner, outer = shared[np.ix_(chosen, chosen)], shared[chosen, -1]
    return float(1 - outer @ np.linalg.lstsq(inner, outer, rcond=1e-9)[0])
