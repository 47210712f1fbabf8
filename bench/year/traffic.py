"""The world's clients: events in the order of their times, several in a request, and outcomes with their delay."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from bench.year import money
from bench.year.money import APPROVE, BLOCK, REVIEW, DayCost
from bench.year.project import CASE
from bench.year.service import explored
from bench.year.world import Payments
from plumbline.core.declarations import Array
from usecases.card_fraud.model import USECASE

BATCH = 50
"""Events of a request."""
PLACES = {"approve": APPROVE, "review": REVIEW, "block": BLOCK}


@dataclass
class Sent:
    """A day as it was answered. `action`: place of what was done, by payment; `arms`: answers of each arm."""

    payments: Payments
    action: Array
    refused: Array  # by the contract: nobody scored it, and it passed
    arms: Counter[str] = field(default_factory=Counter)

    @property
    def cost(self) -> DayCost:
        """What the day cost."""
        return money.cost(self.payments, self.action)


class Client:
    """Sends days to a service. `rate`: events a second at most."""

    def __init__(self, address: str, rate: float = 0.0) -> None:
        self.address, self.rate = address, rate
        self._connection: http.client.HTTPConnection | None = None
        self.waiting: list[Sent] = []
        self.counts: Counter[str] = Counter()

    def day(self, payments: Payments) -> Sent:
        """Send a day's events, then the outcomes that have become known with it."""
        sent = Sent(payments, np.full(payments.rows, APPROVE), np.zeros(payments.rows, bool))
        events = payments.events()
        for first in range(0, len(events), BATCH):
            began = time.monotonic()
            self._batch(sent, list(enumerate(events))[first : first + BATCH])
            if self.rate:
                time.sleep(max(0.0, BATCH / self.rate - (time.monotonic() - began)))
        self.waiting.append(sent)
        due = payments.day - timedelta(days=USECASE.delay_days)
        for old in [s for s in self.waiting if s.payments.day <= due]:
            self._outcomes(old)
            self.waiting.remove(old)
        return sent

    def passed(self, payments: Payments) -> None:
        """A day that came before the service: all passed, and its outcomes are still to come."""
        none = np.zeros(payments.rows, bool)
        self.waiting.append(Sent(payments, np.full(payments.rows, APPROVE), none))

    def _batch(self, sent: Sent, events: list[tuple[int, dict[str, Any]]]) -> None:
        """Send some events; those that the contract refuses are left out, and the others sent again."""
        while events:
            body = [{**e, "paid_at": f"{e['paid_at'].isoformat()}Z"} for _, e in events]
            status, answer = self._post("score", {"events": body})
            if status == 200:
                self._taken(sent, events, answer["answers"])
                return
            if status != 422:
                raise RuntimeError(f"score: {status}: {answer}")
            bad = {p["event"] for p in answer["problems"]}
            for place in bad:
                sent.refused[events[place][0]] = True
            self.counts["refused"] += len(bad)
            events = [e for place, e in enumerate(events) if place not in bad]

    def _taken(
        self, sent: Sent, events: list[tuple[int, dict[str, Any]]], answers: list[dict[str, Any]]
    ) -> None:
        for (place, event), answer in zip(events, answers, strict=True):
            action = PLACES[answer.get("action") or answer["decision"]]
            if "action" not in answer and action == BLOCK and explored(event["payment_id"]):
                action = APPROVE
            sent.action[place] = action
            sent.arms[answer["arm"]] += 1
        self.counts["answered"] += len(answers)

    def _outcomes(self, sent: Sent) -> None:
        """The outcomes of a day: of what was not blocked. The feed reports those of refused events, too."""
        delay = np.timedelta64(USECASE.delay_days, "D")
        known = [i for i in range(sent.payments.rows) if sent.action[i] != BLOCK]
        keys, times = sent.payments.sent["payment_id"], sent.payments.sent["paid_at"]
        late = np.datetime_as_string(times + delay, unit="s")
        for first in range(0, len(known), 500):
            rows = [
                {
                    "payment_id": int(keys[i]),
                    USECASE.label: int(sent.payments.fraud[i]),
                    "known_at": f"{late[i]}Z",
                }
                for i in known[first : first + 500]
            ]
            status, answer = self._post("outcomes", {"outcomes": rows})
            if status != 200:
                raise RuntimeError(f"outcomes: {status}: {answer}")
            self.counts["outcomes"] += len(rows)

    def _post(self, path: str, body: Any) -> tuple[int, Any]:
        text = json.dumps(body).encode()
        for attempt in range(40):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(self.address, timeout=60)
                self._connection.request("POST", f"/v1/{CASE}/{path}", text)
                reply = self._connection.getresponse()
                content = json.loads(reply.read())
                if reply.status != 503:
                    return reply.status, content
            except (OSError, http.client.HTTPException):
                self._connection = None
            time.sleep(0.25 * (attempt > 0))
        raise RuntimeError(f"{path}: no answer")
