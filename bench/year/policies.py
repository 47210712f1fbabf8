"""Who trains when: nobody, once, every week, or where the monitor calls for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from bench.year import money, training, watch
from bench.year.calendar import CURRENT, START, TEST, Year
from bench.year.service import Logged, Service
from bench.year.training import Champion
from bench.year.world import days as world_days
from plumbline.core.declarations import Array
from usecases.card_fraud.model import USECASE

DELAY = USECASE.delay_days
BEHIND = CURRENT + TEST + DELAY
"""Days from the newest event that a model learns from to its as-of date."""
ENOUGH = 7
"""Days of what a champion lost by that the windows must hold before a model is made of them."""
WAIT = BEHIND - DELAY + ENOUGH
"""Days from an alert to the retraining: the labels that raised it are of events DELAY days before it."""


@dataclass(frozen=True)
class Happening:
    """What a policy did after a day."""

    day: date
    what: str
    why: str = ""


class Policy(Protocol):
    """Decides at each day's end whether there is another champion."""

    name: str
    trained: int
    happenings: list[Happening]

    def after(self, days: list[Logged], champion: Champion) -> Champion: ...


@dataclass
class Frozen:
    """The first model for good."""

    name: str = "frozen"
    trained: int = 0
    happenings: list[Happening] = field(default_factory=list)

    def after(self, days: list[Logged], champion: Champion) -> Champion:  # noqa: ARG002
        return champion


@dataclass
class Weekly:
    """A new model every week, whatever it learned from; no monitor, no gate."""

    name: str = "weekly"
    trained: int = 0
    happenings: list[Happening] = field(default_factory=list)
    served: int = 0

    def after(self, days: list[Logged], champion: Champion) -> Champion:
        self.served += 1
        if self.served % 7:
            return champion
        self.trained += 1
        as_of = days[-1].payments.day + timedelta(days=1)
        self.happenings.append(Happening(as_of, "retrained"))
        return training.train(days, as_of)


@dataclass
class Loop:
    """The monitor each day; where it calls for one, a model of days without faults; the gate; the champion.

    A model that is past its shelf life is retrained at once; after a loss, as soon as the windows hold ENOUGH days of
    what was lost by. `due`: the day of the next retraining.
    """

    name: str = "loop"
    trained: int = 0
    happenings: list[Happening] = field(default_factory=list)
    faulty: dict[date, str] = field(default_factory=dict)
    due: date | None = None
    rest: date = START

    def after(self, days: list[Logged], champion: Champion) -> Champion:
        as_of = days[-1].payments.day + timedelta(days=1)
        verdict = watch.verdict_of(days, champion)
        self._note_faults(watch.faults(verdict))
        if self.due is None and as_of >= self.rest and verdict.retrain and verdict.retrain.now:
            self.due = as_of + timedelta(days=WAIT if watch.lost(verdict) else 0)
            self.happenings.append(Happening(as_of, "alert", verdict.retrain.why))
        if self.due is None or as_of < self.due:
            return champion
        return self._retrained(days, champion, as_of)

    def _note_faults(self, seen: dict[date, str]) -> None:
        new = {day: why for day, why in seen.items() if day not in self.faulty}
        self.happenings += [Happening(day, "fault", why) for day, why in new.items()]
        self.faulty |= new

    def _retrained(self, days: list[Logged], champion: Champion, as_of: date) -> Champion:
        self.trained, self.due = self.trained + 1, None
        self.rest = as_of + timedelta(days=DELAY)
        challenger = training.train(days, as_of, self.faulty.keys())
        low, high = gate(days, champion, challenger, self.faulty)
        what = "refused" if low > 0 else "promoted"
        text = f"{low:+.1f} to {high:+.1f} cents an event beside the champion"
        self.happenings.append(Happening(as_of, what, text))
        return champion if low > 0 else challenger


def gate(
    days: list[Logged], champion: Champion, challenger: Champion, faulty: dict[date, str]
) -> tuple[float, float]:
    """By how much an event of the challenger's test window costs more with it, cents: a paired interval over days."""
    test = training.columns(days, challenger.windows["test"], faulty.keys())
    day = test["paid_at"].astype("datetime64[D]")
    more = _costs(test, challenger) - _costs(test, champion)
    each = np.array([[more[day == d].sum(), (day == d).sum()] for d in np.unique(day)])
    draws = np.random.default_rng(7).integers(0, len(each), (500, len(each)))
    sums = each[draws].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return float(low), float(high)


def _costs(columns: dict[str, Array], one: Champion) -> Array:
    """Of each labelled row, as it would have been decided."""
    assert one.model.decisions is not None
    place = one.model.decisions.places(columns, one.model.predict(columns))
    amount = np.maximum(columns["amount_cents"], 0).astype(float)
    missed = np.select(
        [place == money.BLOCK, place == money.REVIEW], [0.0, money.MISSED_IN_REVIEW], 1.0
    )
    stopped = np.select(
        [place == money.BLOCK, place == money.REVIEW], [money.HONEST_BLOCK, money.HONEST_REVIEW], 0
    )
    return np.where(columns[USECASE.label] == 1, missed * amount, stopped)


@dataclass(frozen=True)
class Served:
    """A served day and its cost."""

    day: date
    cost: money.DayCost
    nothing: float  # cents without a model


def run(year: Year, policy: Policy) -> Iterator[Served]:
    """Each served day of a policy's world. The days before are without a model, and all their labels come."""
    service = Service()
    champion: Champion | None = None
    for payments in world_days(year):
        if payments.day == year.first:
            champion = training.train(service.days, year.first)
        logged = service.serve(payments, champion.model if champion else None)
        if len(service.days) > DELAY:
            service.learn(service.days[-1 - DELAY], DELAY)
        if champion is None:
            continue
        nothing = money.cost(payments, np.zeros(payments.rows, int)).cents
        yield Served(payments.day, money.cost(payments, logged.action), nothing)
        champion = policy.after(service.days, champion)
