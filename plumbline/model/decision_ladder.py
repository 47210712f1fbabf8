"""Events from the highest score down, and the cuts through them that cost least. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model.decision_prices import Prices
from plumbline.model.decisions import Cut

Places = tuple[int, int]
"""Of the cuts: so many distinct scores are blocked, and so many blocked or reviewed."""


@dataclass(frozen=True)
class Ladder:
    """Events cut behind each distinct score: what the first none, one, ... k of them cost, (k + 1,) each, and
    how many events they are. `values`: the distinct scores, falling, (k,).
    """

    values: Array
    count: Array
    approve: Array
    review: Array
    block: Array

    def cost(self, places: Places) -> float:
        """What the cuts cost beside approving all."""
        blocked, touched = places
        above = self.block[blocked] - self.review[blocked]
        return float(above + self.review[touched] - self.approve[touched])

    def reviews(self, places: Places) -> int:
        """How many events lie between the cuts."""
        return int(self.count[places[1]] - self.count[places[0]])

    def cut(self, places: Places) -> Cut:
        """The thresholds at these places."""
        blocked, touched = places
        return Cut(review=_between(self.values, touched), block=_between(self.values, blocked))


def ladder(score: Array, price: Prices) -> Ladder:
    """The ladder of some events, (n,); without a review its cost is nothing, and its cuts lie together."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def summed(values: Array) -> Array:
        return np.concatenate([[0.0], np.cumsum(values[order])[last]])

    never = not np.all(np.isfinite(price.review))
    review = np.zeros(len(last) + 1) if never else summed(price.review)
    count = np.append(0, last + 1)
    return Ladder(ranked[last], count, summed(price.approve), review, summed(price.block))


def one_cut(events: Ladder) -> Places:
    """The cut that costs least without a review; of equals, the fewest events blocked."""
    best = int(np.argmin(events.block - events.approve))
    return best, best


def two_cuts(events: Ladder, extra: float = 0.0) -> Places:
    """Both cuts that cost least, where each review costs `extra` more; of equals, the fewest events touched."""
    reviewed = events.review + extra * events.count
    to_block = events.block - reviewed
    lower = int(np.argmin(np.minimum.accumulate(to_block) + reviewed - events.approve))
    return int(np.argmin(to_block[: lower + 1])), lower


def within(events: Ladder, most: int) -> Places:
    """Both cuts that cost least with at most so many reviews: exact, in one pass down the ladder."""
    to_block = (events.block - events.review).tolist()
    to_review, count = (events.review - events.approve).tolist(), events.count.tolist()
    held: deque[int] = deque()  # places of the upper cut, their costs rising
    best, places = np.inf, (0, 0)
    for lower, above in enumerate(to_block):
        while held and to_block[held[-1]] > above:
            held.pop()
        held.append(lower)
        while count[lower] - count[held[0]] > most:
            held.popleft()
        if to_block[held[0]] + to_review[lower] < best:
            best, places = to_block[held[0]] + to_review[lower], (held[0], lower)
    return places


def at_rate(events: Ladder, ranked: Array, level: float) -> Places:
    """The cut that blocks `level` of the `ranked` scores, falling, to the nearest row."""
    wanted = round(level * len(ranked))
    if wanted:
        place = int(np.count_nonzero(events.values >= ranked[wanted - 1]))
    else:
        place = int(np.count_nonzero(events.values > ranked[0])) if len(ranked) else 0
    return place, place


def _between(values: Array, place: int) -> float:
    """Half way between the last of the first `place` scores and the next; for none, above the highest."""
    if place == 0:
        return float(max(2.0, values[0] + 1))
    after = values[place] if place < len(values) else min(0.0, values[-1] - 1)
    return float((values[place - 1] + after) / 2)
