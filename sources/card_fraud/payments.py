"""One day of payments: who pays where, when and how much, and which are frauds.

After chapter 3 of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot, Bontempi, 2022), with
seasons, price levels, refunds and duplicates of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from sources.card_fraud.settings import BIG, CATEGORIES, HOURS, SPREAD, Settings, Shock
from sources.card_fraud.truth import Circumstances, chances
from sources.card_fraud.world import PAYMENTS, Array, World, hacked, leaked, stream, within

Columns = Mapping[str, Array]
WEEKDAYS = (0.95, 0.95, 1.0, 1.0, 1.1, 1.15, 0.85)  # Monday first
MONTHS = (0.95, 0.95, 1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 1.0, 1.0, 1.05, 1.15)
BIG_SHARES = np.array([big for _, _, big in CATEGORIES.values()])
CAP = 500_000  # cents
DAY = 86_400  # seconds
EPOCH = date(1970, 1, 1).toordinal()
AMOUNT, TERMINAL, CARD, PATTERN = 1, 2, 3, 4  # fraud scenarios


def draw(world: World, day: date) -> Columns:
    """The payments of `day` sorted by time: codes for texts, seconds since 1970 for `paid_at`,
    and beside the source's columns `scenario` (0: no fraud) and the chances of truth.py."""
    random = stream(world.seed, PAYMENTS, day.toordinal())
    built = _payments(world, day, random)
    built = _append(built, _pattern(world, day, random, len(built["paid_at"])))
    built = _append(built, _refunds(built, world.settings, random))
    order = np.argsort(built["paid_at"], kind="stable")
    built = {name: values[order] for name, values in built.items()}
    number = int(day.strftime("%Y%m%d")) * 10_000_000
    built["payment_id"] = number + np.arange(len(order))
    again = random.random(len(order)) < world.settings.duplicate_share
    return {name: np.repeat(values, 1 + again) for name, values in built.items()}


def _payments(world: World, day: date, random: np.random.Generator) -> dict[str, Array]:
    s = world.settings
    customer = np.repeat(np.arange(world.population(day)), random.poisson(_rates(world, day)))
    n = len(customer)
    leak = leaked(world, day)[customer]
    stolen = (leak >= 0) & (random.random(n) < s.card_share)
    terminal, roams = _places(world, day, customer, stolen, random)
    hack = hacked(world, day)[terminal]
    hour = _hours(stolen, random)
    cloning = np.where((hour >= 6) & (hour < 18), s.terminal_share, s.terminal_night_share)
    cloned = (hack >= 0) & (random.random(n) < cloning)
    factor = next((size for _, size in s.world("leaked_amounts", day)), s.card_factor)
    big = BIG_SHARES[world.terminals.category[terminal]]
    ratio = np.where(stolen, factor * _ratios(random, np.zeros(n)), _ratios(random, big))
    usual = world.customers.mean[customer] * world.terminals.level[terminal]
    cents = _cents(usual * _prices(world, day, terminal) * ratio)
    over = cents > next((size for _, size in s.world("amount_limit", day)), s.amount_limit)
    roaming = s.roam_share + sum(size for _, size in s.world("roaming", day))
    seen = Circumstances(over, hack, leak, cloning, ratio, big, roams, hour, factor, roaming)
    return {
        "paid_at": (day.toordinal() - EPOCH) * DAY + hour * 3_600 + random.integers(0, 3_600, n),
        "customer_id": customer,
        "terminal_id": terminal,
        "amount_cents": cents,
        "kind": np.zeros(n, dtype=np.int64),
        "category": world.terminals.category[terminal],
        "distance_m": _distance(world, customer, terminal),
        "scenario": np.select([over, cloned, stolen], [AMOUNT, TERMINAL, CARD], 0),
        **chances(s, seen),
    }


def _rates(world: World, day: date) -> Array:
    """Expected payments of each customer on `day`."""
    rate = world.customers.rate[: world.population(day)]
    rate = rate * (WEEKDAYS[day.weekday()] * MONTHS[day.month - 1])
    people = world.customers
    for shock, size in world.settings.world("volume", day):
        there = within(world.settings, shock.region, people.x, people.y)[: len(rate)]
        rate = np.where(there, rate * (1 + size), rate)
    for _, size in world.settings.world("customer_mix", day):
        rich = (
            world.customers.mean[: len(rate)]
            > (world.settings.mean_min + world.settings.mean_max) / 2
        )
        rate = np.where(rich, rate * (1 + size), rate / (1 + size))
    return rate


def _places(
    world: World, day: date, customer: Array, stolen: Array, random: np.random.Generator
) -> tuple[Array, Array]:
    """The terminal of each payment, and whether it was picked from anywhere."""
    s, people, n = world.settings, world.customers, len(customer)
    more = sum(size for _, size in s.world("roaming", day))
    degree = people.first[customer + 1] - people.first[customer]
    roams = random.random(n) < np.where(stolen, s.card_roam_share, s.roam_share + more)
    roams |= degree == 0
    place = people.first[customer] + (random.random(n) * degree).astype(np.int64)
    anywhere = random.integers(0, s.terminals, n)
    near = people.near[np.minimum(place, len(people.near) - 1)] if len(people.near) else anywhere
    terminal = np.where(roams, anywhere, near)
    for shock, size in s.world("category_mix", day):
        of_kind = np.flatnonzero(
            world.terminals.category == list(CATEGORIES).index(str(shock.category))
        )
        there = within(s, shock.region, people.x[customer], people.y[customer])
        moves = (random.random(n) < size) & there
        if len(of_kind):
            terminal = np.where(moves, of_kind[random.integers(0, len(of_kind), n)], terminal)
    return terminal, roams


def _hours(stolen: Array, random: np.random.Generator) -> Array:
    """Hour of day; thieves do not sleep."""
    usual = np.searchsorted(np.cumsum(HOURS), random.random(len(stolen)) * sum(HOURS), side="right")
    return np.where(stolen, random.integers(0, 24, len(stolen)), usual)


def _ratios(random: np.random.Generator, big: Array) -> Array:
    """Amount over the usual one: normal around 1, negative ones drawn again, uniform from 0 to 2; a
    share `big` is uniform from 1 to BIG."""
    n = len(big)
    ratio = 1 + SPREAD * random.standard_normal(n)
    ratio = np.where(ratio > 0, ratio, 2 * random.random(n))
    return np.where(random.random(n) < big, 1 + (BIG - 1) * random.random(n), ratio)


def _prices(world: World, day: date, terminal: Array) -> Array:
    """What the price shocks make of amounts, (1,) or one factor per payment."""
    factor = np.ones(1)
    for shock, size in world.settings.world("prices", day):
        if shock.category is None and shock.region is None:
            factor = factor * (1 + size)
        else:
            factor = factor * np.where(_concerned(world, shock, terminal), 1 + size, 1.0)
    return factor


def _concerned(world: World, shock: Shock, terminal: Array) -> Array:
    """The payments at terminals of a shock's category and region, bool (n,)."""
    t = world.terminals
    there = within(world.settings, shock.region, t.x[terminal], t.y[terminal])
    if shock.category is None:
        return there
    return there & (t.category[terminal] == list(CATEGORIES).index(shock.category))


def _cents(amount: Array) -> Array:
    return np.clip(np.rint(amount), 1, CAP).astype(np.int64)


def _distance(world: World, customer: Array, terminal: Array) -> Array:
    """Metres from home to terminal, rounded down."""
    x = world.customers.x[customer] - world.terminals.x[terminal]
    y = world.customers.y[customer] - world.terminals.y[terminal]
    return np.sqrt(x * x + y * y).astype(np.int64)


def _pattern(world: World, day: date, random: np.random.Generator, n: int) -> dict[str, Array]:
    """Payments of a fraud pattern not seen before: a few units, online, at night."""
    share = sum(size for _, size in world.settings.world("new_fraud_pattern", day))
    count = int(random.poisson(share * n)) if share else 0
    online = np.flatnonzero(world.terminals.category == list(CATEGORIES).index("online"))
    if not count or not len(online):
        return {}
    customer = random.integers(0, world.population(day), count)
    terminal = online[random.integers(0, len(online), count)]
    return {
        "paid_at": (day.toordinal() - EPOCH) * DAY + random.integers(0, 6 * 3_600, count),
        "customer_id": customer,
        "terminal_id": terminal,
        "amount_cents": random.integers(100, 500, count),
        "kind": np.zeros(count, dtype=np.int64),
        "category": world.terminals.category[terminal],
        "distance_m": _distance(world, customer, terminal),
        "scenario": np.full(count, PATTERN),
        "probability": np.ones(count),
        "reachable": np.ones(count),
        "odds": np.ones(count),
        "cloning": np.zeros(count),
    }


def _refunds(built: Columns, s: Settings, random: np.random.Generator) -> dict[str, Array]:
    """Some honest payments given back within hours of the same day."""
    n = len(built["paid_at"])
    given = np.flatnonzero((random.random(n) < s.refund_share) & (built["scenario"] == 0))
    back = {name: values[given] for name, values in built.items()}
    end = (back["paid_at"] // DAY + 1) * DAY - 1
    later = back["paid_at"] + random.integers(600, 4 * 3_600, len(given))
    zeros = np.zeros(len(given))
    return {
        **back,
        "paid_at": np.minimum(later, end),
        "amount_cents": -back["amount_cents"],
        "kind": np.ones(len(given), dtype=np.int64),
        **dict.fromkeys(("probability", "reachable", "odds", "cloning"), zeros),
    }


def _append(built: dict[str, Array], more: Columns) -> dict[str, Array]:
    if not more:
        return built
    return {name: np.concatenate([values, more[name]]) for name, values in built.items()}
