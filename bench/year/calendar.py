"""The year's days: the seed, the days that are served, the planted drifts; and the sizes that it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

START = date(2024, 10, 1)


@dataclass(frozen=True)
class Year:
    """A world and its days. `history`: days before the first served one; `served`: days of traffic.

    `fault`: on which served day senders begin to send amounts in another unit, for `fault_days` days, in
    `fault_share` of the events. `pattern`: on which served day a new fraud pattern begins, for good; so many
    `frauds` per hundred payments more.
    """

    seed: int
    customers: int = 500
    terminals: int = 400
    history: int = 98
    served: int = 196
    fault: int = 30
    fault_days: int = 4
    fault_share: float = 0.5
    pattern: int = 56
    frauds: float = 1.0

    @property
    def first(self) -> date:
        """The first served day."""
        return START + timedelta(days=self.history)

    @property
    def end(self) -> date:
        """The day after the last served one."""
        return self.first + timedelta(days=self.served)

    def day(self, number: int) -> date:
        """The served day of this number, from 0."""
        return self.first + timedelta(days=number)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The simulator's settings: the world as it is without a drift."""
        return {"customers": self.customers, "terminals": self.terminals}

    @property
    def faulty(self) -> Mapping[str, Any]:
        """The simulator's settings with the unit error: amounts times a hundred."""
        shock = {
            "kind": "unit_error",
            "date": self.day(self.fault),
            "until": self.day(self.fault + self.fault_days),
            "share": self.fault_share,
        }
        return {**self.settings, "shocks": [shock]}

    def short(self) -> Year:
        """The same in a few weeks and a tiny world, for tests."""
        return replace(self, customers=120, terminals=100, served=70, fault=8, pattern=18)


WARMUP, VALID, TEST, CURRENT = 30, 7, 7, 14
"""Days of the windows (params.yaml, features) of every model of the year."""
