"""What one could know of card-fraud payments at their time: the simulator's settings, and Bayes' rule.

For each customer and terminal it weighs on which of the last days, if any, the card leaked or the
terminal was hacked, by every payment seen since and every label that has settled. It knows no strike,
only how often they come, how long they last and how thieves pay. A model has to learn all that from
rows. A little more may be possible: a settled fraud is put down to card or terminal by what was
thought of both before it, and not weighed again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns
from sources.card_fraud.settings import Settings
from sources.card_fraud.truth import DELAY

NEVER, SURE = 1e-9, 1e9


@dataclass
class Strikes:
    """How probable it is of each subject that it was struck so many days ago, (subjects, days + 1):
    column 0 for not struck, column 1 + d for d days ago. `rate`: strikes per subject and day."""

    weights: Array
    rate: float

    @classmethod
    def none(cls, subjects: int, days: int, rate: float) -> Strikes:
        """Of nobody is anything known."""
        return cls(np.hstack([np.ones((subjects, 1)), np.zeros((subjects, days))]), rate)

    def later(self) -> Strikes:
        """A day later: the eldest strikes end, new ones come."""
        free = self.weights[:, 0] + self.weights[:, -1]
        new = [free * (1 - self.rate), free * self.rate]
        return Strikes(np.column_stack([*new, self.weights[:, 1:-1]]), self.rate)

    def observe(self, who: Array, odds: Array) -> None:
        """What was seen of `who` (n,), each once, is `odds` (n,) times likelier of one struck."""
        seen = self.weights[who]
        seen[:, 1:] *= odds[:, None]
        self.weights[who] = seen / seen.sum(axis=1, keepdims=True)

    def struck(self, who: Array) -> Array:
        """The probability that each of `who` is struck, (n,)."""
        return 1 - self.weights[who, 0]


@dataclass(frozen=True)
class Day:
    """One day's payments: customer, terminal, `odds` (amount, place and hour from a thief over from
    the owner), `cloning` (share of frauds at a hacked terminal), `over` the limit, label; (n,) each.
    `turns`: the rows of each customer's first payment of the day, of the second, and so on."""

    customer: Array
    terminal: Array
    odds: Array
    cloning: Array
    over: Array
    fraud: Array
    turns: tuple[Array, ...]


def knowable(payments: Columns, settings: Settings, since: int) -> Array:
    """Probability of fraud of each payment (n,), from the day `since` on; NaN before it, 0 for refunds.

    `payments`: customer_id, terminal_id, amount_cents, is_fraud, odds, cloning, and `day` from 0, in
    time order; labels settle DELAY days later.
    """
    sales = np.flatnonzero(payments["amount_cents"] > 0)
    rows = [sales[payments["day"][sales] == d] for d in range(int(payments["day"].max()) + 1)]
    days = [_day(payments, own, settings) for own in rows]
    probabilities = np.where(payments["amount_cents"] > 0, np.nan, 0.0)
    cards, hacks = _nobody(payments, settings)
    for number in range(len(days)):
        if number >= DELAY:
            cards, hacks = cards.later(), hacks.later()
            _settle(days[number - DELAY], cards, hacks, settings)
        if number >= since:
            ahead = days[max(0, number - DELAY + 1) : number + 1]
            probabilities[rows[number]] = _answers(ahead, cards, hacks, settings)
    return probabilities


def _nobody(payments: Columns, s: Settings) -> tuple[Strikes, Strikes]:
    customers, terminals = (
        int(payments[name].max()) + 1 for name in ("customer_id", "terminal_id")
    )
    return (
        Strikes.none(customers, s.card_days, s.cards_leaked),
        Strikes.none(terminals, s.terminal_days, s.terminals_hacked),
    )


def _day(payments: Columns, rows: Array, settings: Settings) -> Day:
    def column(name: str) -> Any:
        return payments[name][rows]

    customer = column("customer_id")
    return Day(
        customer=customer,
        terminal=column("terminal_id"),
        odds=np.clip(column("odds"), NEVER, SURE),
        cloning=column("cloning"),
        over=column("amount_cents") > settings.amount_limit,
        fraud=column("is_fraud") == 1,
        turns=_turns(customer),
    )


def _turns(who: Array) -> tuple[Array, ...]:
    """The rows where each of `who` comes for the first time, for the second, and so on."""
    order = np.argsort(who, kind="stable")
    _, first, counts = np.unique(who[order], return_index=True, return_counts=True)
    turn = np.empty(len(who), np.int64)
    turn[order] = np.arange(len(who)) - np.repeat(first, counts)
    return tuple(np.flatnonzero(turn == t) for t in range(int(counts.max(initial=0))))


def _settle(day: Day, cards: Strikes, hacks: Strikes, s: Settings) -> None:
    """The day's labels have become known: both beliefs follow."""
    thief = s.card_share * day.odds
    cloned = hacks.struck(day.terminal) * day.cloning
    leaked = cards.struck(day.customer) * s.card_share
    stolen = leaked * day.odds / (leaked * day.odds + 1 - leaked)
    honest = 1 - s.card_share
    of_leaked = (honest * cloned + thief) / np.maximum(cloned, 1e-5)
    of_hacked = (1 - (1 - day.cloning) * (1 - stolen)) / np.maximum(stolen, 1e-6)
    card = np.where(day.fraud, of_leaked, honest)
    hack = np.where(day.fraud, of_hacked, 1 - day.cloning)
    for rows in day.turns:
        observe = rows[~day.over[rows]]
        cards.observe(day.customer[observe], np.maximum(card[observe], NEVER))
    for rows in _turns(day.terminal):
        observe = rows[~day.over[rows]]
        hacks.observe(day.terminal[observe], np.maximum(hack[observe], NEVER))


def _answers(ahead: list[Day], cards: Strikes, hacks: Strikes, s: Settings) -> Array:
    """The last day's probabilities: beliefs as settled, and the days `ahead` without their labels."""
    cards = Strikes(cards.weights.copy(), cards.rate)
    for _ in range(DELAY):
        hacks = hacks.later()
    leak = np.zeros(len(ahead[-1].customer))
    for day in ahead:
        cards = cards.later()
        for rows in day.turns:
            if day is ahead[-1]:
                leak[rows] = cards.struck(day.customer[rows])
            cards.observe(day.customer[rows], 1 - s.card_share + s.card_share * day.odds[rows])
    now = ahead[-1]
    thief = leak * s.card_share * now.odds
    stolen = thief / (thief + 1 - leak * s.card_share)
    cloned = hacks.struck(now.terminal) * now.cloning
    return np.where(now.over, 1.0, 1 - (1 - cloned) * (1 - stolen))
