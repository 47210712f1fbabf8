"""Average precision of events of which some labels were withheld, once per draw of what those may be. Pure.

As `ranking.average_precision`, with ties: only thresholds at which there can be a positive matter. What is sure is
counted once; a draw adds the events let through, each for its share of those unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from plumbline.metrics.bootstrap import Array, divide
from plumbline.metrics.withheld import Draw, Labelled, Stratum

Corner = tuple[int, bool]
"""The label of the events never seen, and whether they have the highest or the lowest score of their stratum."""
CORNERS: tuple[Corner, ...] = tuple(product((0, 1), (False, True)))


@dataclass(frozen=True)
class RankedEvents:
    """n events, and at each of g thresholds the known ones at it or above: `rows` and positives `hits`, (g,)."""

    events: Labelled
    score: Array
    strata: list[Stratum]
    thresholds: Array
    rows: Array
    hits: Array

    @classmethod
    def of(cls, events: Labelled, score: Array) -> RankedEvents:
        """Events with their scores (n,)."""
        strata = events.strata()
        positive = events.label == 1
        ends = [_end(score, one, top) for one in strata for top in (False, True)]
        passed = [score[one.passed] for one in strata]
        thresholds = np.unique(np.concatenate((score[positive], ends, *passed)))
        rows, hits = (_at_least(score[mask], thresholds) for mask in (events.known, positive))
        return cls(events, score, strata, thresholds, rows, hits)

    def plain(self) -> float:
        """The figure with each event at its weight."""
        weight = self.events.weights()
        more = np.flatnonzero(weight > 1)
        extra = weight[more] - 1
        return float(self._figures(extra[None, :], self.events.label[more], self.score[more])[0])

    def average_precision(self, chunk: Sequence[Draw], corner: Corner) -> Array:
        """The figure of each draw, (r,), with the events never seen in this corner; (1,) without draws."""
        count = len(chunk[0].unseen) if chunk else 1
        weights, labels, scores = [np.zeros((count, 0))], [np.zeros(0)], [np.zeros(0)]
        for stratum, draw in zip(self.strata, chunk, strict=True):
            weights += [draw.passed, draw.unseen[:, None]]
            labels += [self.events.label[stratum.passed], np.array([corner[0]])]
            scores += [self.score[stratum.passed], np.array([_end(self.score, stratum, corner[1])])]
        return self._figures(np.hstack(weights), np.concatenate(labels), np.concatenate(scores))

    def _figures(self, weight: Array, label: Array, score: Array) -> Array:
        """Per row of `weight` (r, e) the average precision, with e more events of these labels and scores."""
        order = np.argsort(score, kind="stable")
        place = np.searchsorted(score[order], self.thresholds, side="left")
        rows = self.rows + _from(weight[:, order], place)
        hits = self.hits + _from((weight * label)[:, order], place)
        gain = hits - np.append(hits[:, 1:], np.zeros((len(hits), 1)), axis=1)
        reached = np.sum(gain * hits / np.where(rows > 0, rows, 1), axis=1)
        return divide(reached, hits[:, :1].sum(axis=1))


def _end(score: Array, stratum: Stratum, top: bool) -> float:
    """The highest or the lowest score of a stratum's unknown events."""
    own = score[stratum.unknown]
    return float(own.max() if top else own.min())


def _at_least(score: Array, thresholds: Array) -> Array:
    """How many scores reach each threshold."""
    return len(score) - np.searchsorted(np.sort(score), thresholds, side="left")


def _from(weight: Array, place: Array) -> Array:
    """Per row of (r, e) the sums from each place to the end, (r, g)."""
    whole = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
    return np.append(whole, np.zeros((len(weight), 1)), axis=1)[:, place]
