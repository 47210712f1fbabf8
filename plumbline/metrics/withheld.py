"""Events whose label was withheld by the decision, and draws of what those labels may be. Pure, integers only.

A blocked event never gets a label; a known share of them, drawn at random, is let through and does. Events with
the same chance of a label form a stratum: those let through are a simple random sample of it. Given a uniform
prior, the unknown events divide among the sampled ones and one event never seen as uniformly random gaps do
(Pólya posterior: Ghosh and Meeden, 1997). With the event never seen at its worst, an interval of a share is
the exact one of the hypergeometric distribution (as Clopper and Pearson's), and of any mean Gaffke's (2005).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.metrics.bootstrap import Array

DIGITS = 9
"""Decimals of a chance that count: 1 - 0.99 and 0.01 are one stratum."""
CELLS = 4_000_000
"""Weights held in memory at a time."""


@dataclass(frozen=True)
class Stratum:
    """Events that had the same chance of a label, as places in the rows: `passed` have one, `unknown` have not."""

    chance: float
    passed: Array
    unknown: Array


@dataclass(frozen=True)
class Labelled:
    """n events that are due, with their labels where the decision did not withhold them.

    `label` float (n,): NaN where withheld. `chance` (n,): the probability with which the label was to be known.
    """

    label: Array
    chance: Array

    @classmethod
    def of(cls, label: Array, propensity: Array, withheld: Array) -> Labelled:
        """From rows of the prediction log: `propensity` of the action taken, whether the action `withheld` the label.

        A label that came all the same (an analyst's of a blocked event) is not drawn at random, and left out.
        ValueError where an event that was let through has no label: those are not due, or have no feedback.
        """
        chance = np.round(np.where(withheld, 1 - propensity, propensity), DIGITS)
        rows = cls(np.where(withheld, np.nan, label), chance)
        missing = int(np.sum(~rows.known & ~withheld.astype(bool)))
        if missing:
            raise ValueError(
                f"{missing} of {len(label)} events have no label although their action withheld none: "
                "pass only events whose label is known or was withheld"
            )
        if len(chance) and not (np.all(chance >= 0) and np.all(chance <= 1)):
            raise ValueError(
                f"expected propensities in [0, 1], found {propensity.min()} to {propensity.max()}"
            )
        return rows

    def __len__(self) -> int:
        return len(self.label)

    @property
    def known(self) -> Array:
        """Whether the label is known, bool (n,)."""
        return np.isfinite(self.label)

    def where(self, chosen: Array) -> Labelled:
        """The rows of a mask (n,)."""
        return Labelled(self.label[chosen], self.chance[chosen])

    def strata(self) -> list[Stratum]:
        """Strata with a label that is not known, by rising chance."""
        unknown = ~self.known
        return [
            Stratum(
                float(chance),
                np.flatnonzero(same & ~unknown),
                np.flatnonzero(same & unknown),
            )
            for chance in np.unique(self.chance[unknown])
            for same in (self.chance == chance,)
        ]

    def weights(self) -> Array:
        """What each event counts for, float (n,): 1 if its label was certain, else by its stratum; 0 if unknown.

        They sum to n (Hájek's normalisation, per stratum). A stratum of which none was let through is spread over
        the other strata; where there are none, its events count for nothing.
        """
        weight = self.known.astype(np.float64)
        strata = self.strata()
        for one in strata:
            if len(one.passed):
                weight[one.passed] += len(one.unknown) / len(one.passed)
        lost = sum(len(one.unknown) for one in strata if not len(one.passed))
        sampled = np.concatenate([one.passed for one in strata] or [np.zeros(0, np.int64)])
        weight[sampled] *= 1 + lost / max(float(weight[sampled].sum()), 1.0)
        return weight


@dataclass(frozen=True)
class Draw:
    """r draws of a stratum: what each of its m passed events counts for beyond itself, int (r, m), and the unseen, (r,)."""

    passed: Array
    unseen: Array


def draws(strata: Sequence[Stratum], replicates: int, seed: int) -> Iterator[tuple[Draw, ...]]:
    """`replicates` draws of each stratum, in chunks; seeded. Weights and `unseen` of a draw sum to the unknown events.

    Without strata there is nothing to draw: one chunk without a draw.
    """
    if not strata:
        yield ()
        return
    randoms = [np.random.default_rng([seed, place]) for place in range(len(strata))]
    most = max(1, CELLS // sum(len(one.passed) + 1 for one in strata))
    for start in range(0, replicates, most):
        count = min(most, replicates - start)
        yield tuple(_draw(r, one, count) for r, one in zip(randoms, strata, strict=True))


def _draw(random: np.random.Generator, stratum: Stratum, count: int) -> Draw:
    sizes = len(stratum.passed), len(stratum.unknown)
    gaps = np.array([_gaps(random, *sizes) for _ in range(count)])
    return Draw(gaps[:, 1:], gaps[:, 0])


def _gaps(random: np.random.Generator, bars: int, stars: int) -> Array:
    """`stars` divided among bars + 1 places, each division as likely as any other, int (bars + 1,)."""
    places = np.sort(random.choice(bars + stars, bars, replace=False, shuffle=False))
    return np.diff(places, prepend=-1, append=bars + stars) - 1
