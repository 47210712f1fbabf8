"""What can be turned in the simulator: every setting with its default and unit, and the shocks.

Refused with one clear line each where a key is unknown or a value impossible.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from plumbline.core.errors import ParamsError, suggest

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
Day = Annotated[datetime.date, Field(strict=False)]
WORLD = {
    "prices": 0.2,  # amounts x (1 + size), of one `category` or all, in one `region` or all
    "volume": 0.2,  # payments x (1 + size), of one `region`'s customers or all
    "customer_mix": 0.5,  # customers with high amounts pay (1 + size) times as often, the others less
    "category_mix": 0.1,  # this share of the payments, of one `region` or all, moves to `category`
    "roaming": 0.1,  # this share more of the payments is made anywhere
    "fraud_rate": 3.0,  # hacked terminals and leaked cards x size, from the first day on, at most 10
    "leaked_amounts": 1.5,  # leaked cards pay this many times the usual amount
    "amount_limit": 100_000.0,  # cents over which a payment is a fraud
    "new_fraud_pattern": 0.005,  # small payments online at night, all frauds: this share more payments
}
"""Shocks that change what happens, with the default of `size`. Labels follow."""
FAULTS = {
    "unit_error": 100.0,  # `column` x size in `share` of the rows
    "stuck_terminal": 1_999.0,  # `column` is always this at `share` of the terminals
    "missing_column": 0.0,  # `column` is null throughout
    "null_values": 0.0,  # `column` is null in `share` of the rows
    "new_category": 0.0,  # category is `value` in `share` of the rows
    "time_zone": 2.0,  # times are this many hours late
    "future_dates": 365.0,  # times are this many days late in `share` of the rows
    "duplicates": 0.0,  # `share` of the rows come twice
    "partial_day": 12.0,  # nothing comes from this hour on; 0: nothing at all
    "swapped_columns": 0.0,  # amount_cents and distance_m change places in `share` of the rows
}
"""Shocks to the rows on their way here, with the default of `size`. Labels stay true."""
POISON = {
    "flipped_labels": 0.0,  # the label of `share` of the rows is the other one
    "outlier_burst": 450_000.0,  # `share` more payments, of nearly this many cents, labelled `label` or 0
    "near_copies": 1.0,  # `share` of the rows come so many times more, slightly changed, with the other label
}
"""Poisoning, with the default of `size`; of rows of `category`, `label` and a share of `terminals` only."""
KINDS = {**WORLD, **FAULTS, **POISON}
LIMITS = {
    "prices": (-0.99, 100.0),
    "volume": (-1.0, 100.0),
    "customer_mix": (-0.99, 100.0),
    "category_mix": (0.0, 1.0),
    "roaming": (0.0, 1.0),
    "fraud_rate": (0.0, 10.0),
    "leaked_amounts": (0.01, 100.0),
    "amount_limit": (0.0, math.inf),
    "new_fraud_pattern": (0.0, 1.0),
    "partial_day": (0.0, 24.0),
    "outlier_burst": (1.0, 500_000.0),
    "near_copies": (1.0, 100.0),
}
"""Least and greatest `size`."""
REGIONS = ("south-west", "south-east", "north-west", "north-east")
"""Quarters of the land, by their place: a shock with a `region` acts there alone."""
REGIONAL = ("prices", "volume", "category_mix")
"""Kinds that may have a region: of the terminal for prices, of the customer's home for the others."""
NUMBERS = ("amount_cents", "distance_m")
NULLABLE = ("customer_id", "terminal_id", "amount_cents", "kind", "category", "distance_m")


class Section(BaseModel):
    """Frozen, with no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Shock(Section):
    """A change of the world, a fault or a poisoning of the feed, from `date` to the day before `until` (or for good).

    `size` is in the unit of its kind (see WORLD, FAULTS and POISON), reached after `ramp` days.
    """

    date: Day
    kind: str
    size: float | None = None
    until: Day | None = None
    ramp: Annotated[int, Field(ge=0)] = 0
    share: Share = 1.0
    column: str = "amount_cents"
    category: str | None = None
    region: str | None = None
    value: str = "gambling"
    terminals: Share = 1.0
    label: Literal[0, 1] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Shock:
        if self.kind not in KINDS:
            raise ValueError(f"kind: got {self.kind!r}; {suggest(self.kind, KINDS)}")
        columns = NUMBERS if self.kind in ("unit_error", "stuck_terminal") else NULLABLE
        if self.column not in columns:
            raise ValueError(f"column: got {self.column!r}; {suggest(self.column, columns)}")
        if self.category is not None and self.category not in CATEGORIES:
            raise ValueError(
                f"category: got {self.category!r}; {suggest(self.category, CATEGORIES)}"
            )
        if self.region is not None and self.region not in REGIONS:
            raise ValueError(f"region: got {self.region!r}; {suggest(self.region, REGIONS)}")
        if self.region is not None and self.kind not in REGIONAL:
            raise ValueError(
                f"region: got {self.region!r}, but {self.kind} acts everywhere; expected none, or a kind among "
                f"{', '.join(REGIONAL)}"
            )
        if self.kind == "category_mix" and self.category is None:
            raise ValueError("category: missing; a category_mix moves payments to one")
        low, high = LIMITS.get(self.kind, (-math.inf, math.inf))
        if self.size is not None and not low <= self.size <= high:
            raise ValueError(f"size: got {self.size}, expected a number from {low:g} to {high:g}")
        if self.until is not None and self.until <= self.date:
            raise ValueError(f"until: got {self.until}, expected a day after {self.date}")
        return self

    def level(self, day: datetime.date) -> float | None:
        """The size on `day`, in part while it ramps up; None where the shock is not on."""
        if day < self.date or (self.until is not None and day >= self.until):
            return None
        size = KINDS[self.kind] if self.size is None else self.size
        return size * min(1.0, ((day - self.date).days + 1) / max(self.ramp, 1))


CATEGORIES: Mapping[str, tuple[float, float, float]] = {
    "grocery": (0.28, 0.6, 0.0),
    "fuel": (0.12, 0.9, 0.0),
    "restaurant": (0.18, 0.5, 0.0),
    "clothing": (0.12, 1.3, 0.15),
    "electronics": (0.08, 2.0, 0.3),
    "travel": (0.05, 3.0, 0.3),
    "health": (0.09, 0.8, 0.05),
    "online": (0.08, 1.0, 0.1),
}
"""Merchant category: share of the terminals; price level (times the customer's mean amount); share of
its payments that are big ones, up to BIG times the usual."""
BIG = 8.0
SPREAD = 0.5  # standard deviation of an amount, times its mean
# Weight of each hour of the day.
HOURS = (4, 2, 1, 1, 2, 5, 15, 35, 55, 60, 65, 75, 90, 80, 65, 65, 75, 95, 100, 80, 55, 35, 18, 9)


class Settings(Section):
    """The size and habits of the simulated world. Money in cents, distances in metres."""

    customers: Count = 1_000  # on the first day
    terminals: Count = 1_000
    growth: Annotated[float, Field(ge=0, le=10)] = 0.2  # per year, share of the first customers
    terminals_per_km2: Positive = 1.0  # sets the size of the (square) land
    radius_m: Count = 5_000  # customers pay at terminals this near to their home
    roam_share: Share = 0.02  # payments made anywhere in the land
    rate_max: Positive = 4.0  # payments per customer and day: uniform from 0 to this
    mean_min: Positive = 500.0  # cents: a customer's mean amount, uniform from this
    mean_max: Positive = 10_000.0  # to this
    refund_share: Share = 0.01
    duplicate_share: Share = 0.0005
    amount_limit: Positive = 200_000.0  # cents: over it a payment is a fraud (1)
    terminals_hacked: Share = 0.0002  # per terminal and day (2)
    terminal_days: Annotated[int, Field(ge=1, le=366)] = 28
    terminal_share: Share = 0.2  # of the payments there from 6 to 18 o'clock are frauds
    terminal_night_share: Share = 1.0  # of those at other hours
    cards_leaked: Share = 0.0016  # per customer and day (3)
    card_days: Annotated[int, Field(ge=1, le=366)] = 14
    card_share: Share = 0.3333333333333333  # of a leaked card's payments are frauds
    card_factor: Positive = 5.0  # times the usual amount
    card_roam_share: Share = 0.6  # of these frauds made anywhere
    shocks: tuple[Shock, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Settings:
        if self.mean_min > self.mean_max:
            raise ValueError(f"mean_max: got {self.mean_max}, expected mean_min or more")
        return self

    def faults(self, day: datetime.date) -> list[tuple[int, Shock, float]]:
        """The feed's faults that are on: place in the list, shock, size."""
        return self._on(FAULTS, day)

    def poisons(self, day: datetime.date) -> list[tuple[int, Shock, float]]:
        """The feed's poisonings that are on: place in the list, shock, size."""
        return self._on(POISON, day)

    def _on(self, kinds: Mapping[str, float], day: datetime.date) -> list[tuple[int, Shock, float]]:
        on = [(i, s, s.level(day)) for i, s in enumerate(self.shocks) if s.kind in kinds]
        return [(i, s, size) for i, s, size in on if size is not None]

    def world(self, kind: str, day: datetime.date) -> list[tuple[Shock, float]]:
        """The shocks of one kind that are on, each with its size."""
        on = [(s, s.level(day)) for s in self.shocks if s.kind == kind]
        return [(s, size) for s, size in on if size is not None]


def read(settings: Mapping[str, Any]) -> Settings:
    """`settings` checked, with defaults for what is not given; ParamsError, one line per mistake."""
    plain = dict(settings)
    if isinstance(plain.get("shocks"), list):
        plain["shocks"] = tuple(plain["shocks"])
    try:
        return Settings.model_validate(plain)
    except ValidationError as error:
        raise ParamsError("\n".join(_line(dict(e)) for e in error.errors())) from None


def _line(error: dict[str, Any]) -> str:
    where = ".".join(("card_fraud.data.simulate", *(str(p) for p in error["loc"])))
    if error["type"] == "extra_forbidden":
        model = Shock if error["loc"][0] == "shocks" else Settings
        return f"params.yaml, {where}: unknown key; {suggest(str(error['loc'][-1]), model.model_fields)}"
    if error["type"] == "missing":
        return f"params.yaml, {where}: missing; add it"
    if error["type"] == "value_error":  # its text begins with the key
        return f"params.yaml, {where}.{error['msg'].removeprefix('Value error, ')}"
    expected = error["msg"].removeprefix("Input should be ")
    return f"params.yaml, {where}: got {error['input']!r}, expected {expected}"
