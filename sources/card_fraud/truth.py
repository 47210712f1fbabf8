"""How probable fraud was, for one who knows the simulator: what an oracle would say.

Bayes' rule over what the simulator drew; see payments.py for the draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.card_fraud.settings import BIG, HOURS, SPREAD, Settings
from sources.card_fraud.world import Array

DELAY = 7  # days until a label is known, for `reachable`


@dataclass(frozen=True)
class Circumstances:
    """What decides over fraud: `over` the limit, days since the terminal was hacked and the card
    leaked (-1: not), the share of clones at such a terminal and hour, amount over the usual one, share
    of big payments in the category, place picked from anywhere, hour; a thief's factor and the share of
    honest payments made anywhere. Arrays of shape (n,)."""

    over: Array
    hack: Array
    leak: Array
    cloning: Array
    ratio: Array
    big: Array
    roams: Array
    hour: Array
    factor: float
    roaming: float


def chances(s: Settings, seen: Circumstances) -> dict[str, Array]:
    """Probability of fraud before the last draw, (n,) each.

    `probability`: for one who knows which terminals are hacked and which cards are leaked.
    `reachable`: for one who learns of these only when labels are settled, and never doubts them then.
    Payments not yet settled can hint at a leaked card, so that more than this is possible.
    Beside these `odds`: how many times likelier amount, place and hour are from a thief than from the
    card's owner; and `cloning`: the share of frauds at a hacked terminal at that hour.
    """
    odds = _odds(s, seen)
    return {
        "probability": _probability(s, seen, odds, seen.hack >= 0, seen.leak >= 0),
        "odds": odds,
        "cloning": seen.cloning,
        "reachable": _probability(
            s,
            seen,
            odds,
            np.where(seen.hack > DELAY, 1.0, s.terminals_hacked * (DELAY + 1)),
            np.where(seen.leak > DELAY, 1.0, s.cards_leaked * (DELAY + 1)),
        ),
    }


def _probability(s: Settings, seen: Circumstances, odds: Array, hack: Array, leak: Array) -> Array:
    """Probability of fraud where terminal and card are struck with these probabilities."""
    thief = leak * s.card_share * odds
    owner = 1 - leak * s.card_share
    stolen = np.divide(thief, thief + owner, out=np.zeros(len(thief)), where=thief > 0)
    return np.where(seen.over, 1.0, 1 - (1 - hack * seen.cloning) * (1 - stolen))


def _odds(s: Settings, seen: Circumstances) -> Array:
    """How many times likelier amount, place and hour are from a thief than from the card's owner."""
    thief = _density(seen.ratio / seen.factor, np.zeros(1)) / seen.factor / 24
    thief *= np.where(seen.roams, s.card_roam_share, 1 - s.card_roam_share)
    owner = _density(seen.ratio, seen.big) * np.array(HOURS)[seen.hour] / sum(HOURS)
    owner *= np.where(seen.roams, seen.roaming, 1 - seen.roaming)
    return np.divide(thief, owner, out=np.full(len(thief), 1e12), where=owner > 1e-12 * thief)


def _density(ratio: Array, big: Array) -> Array:
    """Density of an honest payment's amount over the usual one."""
    normal = np.exp(-0.5 * ((ratio - 1) / SPREAD) ** 2) / (SPREAD * np.sqrt(2 * np.pi))
    normal += 0.02275 * 0.5 * (ratio < 2)  # the normal's share below zero, spread over 0 to 2
    return (1 - big) * normal + big * ((ratio >= 1) & (ratio < BIG)) / (BIG - 1)
