"""The world goes on: each day's payments as they are sent, and what they truly were.

The simulator's payments with the feed's faults of the year, and a fraud pattern that it does not know: thieves
who shop at places of electronics and travel near the customer, around noon, for a part of what people pay
there. No column says so; a model that has seen some of them can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from bench.year.calendar import START, Year
from plumbline.core.declarations import Array
from sources.card_fraud import simulator
from sources.card_fraud.payments import DAY, EPOCH
from sources.card_fraud.settings import CATEGORIES, read
from sources.card_fraud.world import World, build, stream

PLACES = ("electronics", "travel")
HOURS = (11, 16)
PART = (0.15, 0.4)
"""What the thieves pay, over what the customer usually pays there."""
SUBJECT = 71
"""Of the pattern's random numbers, beside the simulator's own."""
KNOWN = (
    "payment_id", "paid_at", "customer_id", "terminal_id", "amount_cents", "kind", "category",
    "distance_m",
)  # fmt: skip


@dataclass(frozen=True)
class Payments:
    """One day's payments in the order of their times. `sent`: the columns as they come in, (n,) each.

    `amount`: cents as they were; `fraud`: 0 or 1; `pattern`: of the new fraud pattern; `wrong`: sent in
    another unit.
    """

    day: date
    sent: Mapping[str, Array]
    amount: Array
    fraud: Array
    pattern: Array
    wrong: Array

    @property
    def rows(self) -> int:
        return len(self.amount)

    def events(self) -> list[dict[str, Any]]:
        """Each payment as plain values, in the order of the contract's columns."""
        columns = [self.sent[name].tolist() for name in KNOWN]
        return [dict(zip(KNOWN, row, strict=True)) for row in zip(*columns, strict=True)]


def days(year: Year, since: date = START) -> Iterator[Payments]:
    """The payments of each day from `since` to the year's end; the same whatever day one begins with."""
    world = build(read(year.settings), year.seed, START, year.end)
    spans = (
        simulator.simulate(settings, START, year.end, year.seed, truth=True, since=since)
        for settings in (year.settings, year.faulty)
    )
    for number, (true, sent) in enumerate(zip(*spans, strict=True)):
        day = date.fromordinal(since.toordinal() + number)
        yield _merged(
            _columns(true), _columns(sent), _pattern(year, world, day, true.num_rows), day
        )


def _columns(table: Any) -> dict[str, Array]:
    """A simulated day as arrays, without the copies of rows that a client would not send twice."""
    first = np.unique(table["payment_id"].to_numpy(), return_index=True)[1]
    return {name: table[name].to_numpy()[first] for name in table.column_names}


def _merged(
    true: Mapping[str, Array], sent: Mapping[str, Array], more: Mapping[str, Array], day: date
) -> Payments:
    names = KNOWN if more else ()
    whole = {n: np.concatenate([sent[n], more[n]]) if names else sent[n] for n in KNOWN}
    extra = len(more["amount_cents"]) if more else 0
    amount = np.concatenate([true["amount_cents"], whole["amount_cents"][len(true["is_fraud"]) :]])
    fraud = np.concatenate([true["is_fraud"], np.ones(extra, np.int64)])
    pattern = np.arange(len(amount)) >= len(true["is_fraud"])
    order = np.lexsort((whole["payment_id"], whole["paid_at"]))
    columns = {name: values[order] for name, values in whole.items()}
    wrong = columns["amount_cents"] != amount[order]
    return Payments(day, columns, amount[order], fraud[order], pattern[order], wrong)


def _pattern(year: Year, world: World, day: date, payments: int) -> dict[str, Array]:
    """The new pattern's payments of a day, unsorted; {} before it begins."""
    if day < year.day(year.pattern):
        return {}
    random = stream(year.seed, SUBJECT, day.toordinal())
    customer = random.integers(
        0, world.population(day), random.poisson(year.frauds / 100 * payments)
    )
    terminal, kept = _near(world, customer, random)
    customer, terminal = customer[kept], terminal[kept]
    if not len(customer):
        return {}
    usual = world.customers.mean[customer] * world.terminals.level[terminal]
    seconds = random.integers(HOURS[0] * 3_600, HOURS[1] * 3_600, len(customer))
    at = (day.toordinal() - EPOCH) * DAY + seconds
    across = world.customers.x[customer] - world.terminals.x[terminal]
    along = world.customers.y[customer] - world.terminals.y[terminal]
    number = int(day.strftime("%Y%m%d")) * 10_000_000 + 5_000_000
    return {
        "payment_id": number + np.arange(len(customer)),
        "paid_at": (at * 1_000_000).astype("datetime64[us]"),
        "customer_id": customer,
        "terminal_id": terminal,
        "amount_cents": np.rint(usual * random.uniform(*PART, len(customer))).astype(np.int64) + 1,
        "kind": np.full(len(customer), "payment", object),
        "category": np.array(list(CATEGORIES), object)[world.terminals.category[terminal]],
        "distance_m": np.sqrt(across * across + along * along).astype(np.int64),
    }


def _near(world: World, customer: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """A place of the pattern's kinds near each customer, and which customers have one."""
    wanted = np.isin(world.terminals.category, [list(CATEGORIES).index(p) for p in PLACES])
    terminal, kept = np.zeros(len(customer), np.int64), np.zeros(len(customer), bool)
    for i, one in enumerate(customer):
        near = world.customers.near[world.customers.first[one] : world.customers.first[one + 1]]
        near = near[wanted[near]]
        kept[i] = len(near) > 0
        terminal[i] = near[random.integers(0, len(near))] if len(near) else 0
    return terminal, kept
