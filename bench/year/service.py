"""A service without a server: the online state, a model, and the log as columns, a day at a time.

Features and scores are the library's own: `serve.state` adds up the histories, `serve.online` computes row features.
An event that is blocked tells nobody whether it was a fraud: its outcome does not come, but for those of the
hundredth that passes all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bench.year.money import APPROVE, BLOCK
from bench.year.world import Payments
from plumbline.core.declarations import Array
from plumbline.serve.online.row_inputs import RowInputs
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.state import plan
from plumbline.serve.state.memory import MemoryState
from plumbline.train.fitting import FittedModel
from usecases.card_fraud.model import USECASE

EXPLORED = 0.01
"""Share of the blocked payments that pass all the same."""
LIMIT = 500_000
"""Cents: the contract refuses an event of more."""
NEEDED = tuple(dict.fromkeys((*USECASE.features, "payment_id", "paid_at", *USECASE.available)))


@dataclass
class Logged:
    """A day as it was served: columns, score and label (NaN: not known yet), (n,) each; `action`: what was done."""

    payments: Payments
    taken: Array  # which payments the contract let in, bool (rows of the day,)
    columns: Mapping[str, Array]
    score: Array
    action: Array  # of every payment of the day
    label: Array


@dataclass
class Service:
    """The state of one policy's world. `days`: what was served, oldest first."""

    state: MemoryState = field(default_factory=lambda: MemoryState(plan.compiled(USECASE)))
    rows: RowInputs = field(default_factory=lambda: RowInputs(USECASE))
    days: list[Logged] = field(default_factory=list)
    sequence: int = 0

    def serve(self, payments: Payments, model: FittedModel | None) -> Logged:
        """Score a day's payments in the order of their times, decide, and count them."""
        taken = np.abs(payments.sent["amount_cents"]) <= LIMIT
        every = payments.events()
        events = [every[i] for i in np.flatnonzero(taken)]
        columns = self._features(events)
        score = np.zeros(len(events)) if model is None else model.predict(columns)
        action = np.full(payments.rows, APPROVE)
        if model is not None and model.decisions is not None:
            action[taken] = model.decisions.places(columns, score)
        passed = np.array([explored(k) for k in payments.sent["payment_id"].tolist()])
        action[(action == BLOCK) & passed] = APPROVE
        logged = Logged(payments, taken, columns, score, action, np.full(len(events), np.nan))
        self.days.append(logged)
        return logged

    def learn(self, day: Logged, delay: int) -> None:
        """Take the outcomes of a day that is `delay` days old: of what was not blocked."""
        known = day.action[day.taken] != BLOCK
        fraud = day.payments.fraud[day.taken]
        day.label = np.where(known, fraud, np.nan)
        keys, times = day.columns["payment_id"].tolist(), day.columns["paid_at"]
        late = (
            (times + np.timedelta64(delay, "D")).astype("datetime64[us]").astype(np.int64).tolist()
        )
        for key, at, value, shown in zip(keys, late, fraud.tolist(), known.tolist(), strict=True):
            if shown:
                self.sequence += 1
                outcome = LoggedOutcome(
                    self.sequence, at, "", key, b"", at, {USECASE.label: value}, True
                )
                self.state.add_outcome(outcome)

    def _features(self, events: list[dict[str, Any]]) -> dict[str, Array]:
        """The model's columns of a day's events, in waves in which no customer and no terminal pays twice."""
        parts: list[tuple[Sequence[int], Mapping[str, Array]]] = []
        for places in _waves(events):
            wave = [events[i] for i in places]
            computed = self.rows.compute(wave, [self.state.values(e) for e in wave])
            for event, derived in zip(wave, computed.derived, strict=True):
                self.state.add_event(self._row(event, derived))
            parts.append((places, computed.columns))
        order = np.argsort(np.concatenate([places for places, _ in parts]))
        names = [n for n in parts[0][1] if n in NEEDED or n in USECASE.aggregates]
        return {n: np.concatenate([c[n] for _, c in parts])[order] for n in names}

    def _row(self, event: dict[str, Any], derived: tuple[int | None, ...]) -> LoggedEvent:
        self.sequence += 1
        at = int(event["paid_at"].replace(tzinfo=UTC).timestamp()) * 1_000_000
        return LoggedEvent(
            self.sequence, at, "", event["payment_id"], b"", event, (), (), derived, (), (), None,
            None, "", 1.0, "", "live", 0, "", "", 0, (), 0, b"",
        )  # fmt: skip


def explored(key: int) -> bool:
    """Whether a payment passes where its decision is to block: drawn by its key."""
    return zlib.crc32(str(key).encode()) % 10_000 < EXPLORED * 10_000


def _waves(events: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Places of the events: the first of each customer, the second ones, and so on (the fresh features are customers')."""
    seen: dict[int, int] = {}
    waves: list[list[int]] = []
    for place, event in enumerate(events):
        number = seen[event["customer_id"]] = seen.get(event["customer_id"], -1) + 1
        if number == len(waves):
            waves.append([])
        waves[number].append(place)
    return waves


def midnight(day: Any) -> datetime:
    """The end of a day."""
    return datetime(day.year, day.month, day.day) + timedelta(days=1)
