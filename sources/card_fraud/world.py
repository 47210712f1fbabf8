"""The simulated land: terminals, customers, who is near what, and what is hacked or leaked on a day.

Every draw has a stream of its own, keyed by seed, subject and day or block, so that neither the
span nor the order of asking changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import ceil, isqrt

import numpy as np

from sources.card_fraud.settings import CATEGORIES, REGIONS, Settings

Array = np.ndarray
TERMINALS, CUSTOMERS, HACKS, LEAKS, PAYMENTS, FAULTS = range(6)
BLOCK = 1_024  # customers drawn together
MOST = 10.0  # hacks and leaks are drawn at this many times their rate, then thinned


def stream(seed: int, subject: int, *keys: int) -> np.random.Generator:
    """The random numbers of one subject and day."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, subject, *keys])))


@dataclass(frozen=True)
class Terminals:
    """Places (metres), category codes and price levels of the terminals, each of shape (n,)."""

    x: Array
    y: Array
    category: Array
    level: Array


@dataclass(frozen=True)
class Customers:
    """Homes (metres), mean amounts (cents) and daily rates, each (n,); the terminals near customer i
    are near[first[i] : first[i + 1]]."""

    x: Array
    y: Array
    mean: Array
    rate: Array
    near: Array
    first: Array


@dataclass(frozen=True)
class World:
    """All that stands still: drawn once, the same whatever days are simulated."""

    settings: Settings
    seed: int
    start: date
    terminals: Terminals
    customers: Customers

    def population(self, day: date) -> int:
        """Customers on `day`: they join at a steady pace from the first day on."""
        return population(self.settings, (day - self.start).days)


def build(settings: Settings, seed: int, start: date, end: date) -> World:
    """The world for the days from `start` to before `end`; a later end only adds customers."""
    length = side(settings)
    terminals = _terminals(settings, seed, length)
    most = population(settings, (end - start).days)
    customers = _customers(settings, seed, length, most, terminals)
    return World(settings, seed, start, terminals, customers)


def within(settings: Settings, region: str | None, x: Array, y: Array) -> Array:
    """Which places (metres) lie in a quarter of the land, bool (n,); all of them without a region."""
    if region is None:
        return np.ones(len(x), bool)
    middle = side(settings) / 2
    return np.asarray(2 * (y >= middle) + (x >= middle) == REGIONS.index(region))


def side(settings: Settings) -> int:
    """Length of the square land, metres."""
    return isqrt(int(1_000_000 * settings.terminals / settings.terminals_per_km2))


def population(settings: Settings, days: int) -> int:
    """Customers after `days` days."""
    return int(settings.customers * (1 + settings.growth * max(days, 0) / 365))


def _terminals(settings: Settings, seed: int, side: int) -> Terminals:
    random = stream(seed, TERMINALS)
    n = settings.terminals
    share, level, _ = np.array(list(CATEGORIES.values())).T
    category = np.searchsorted(np.cumsum(share)[:-1], random.random(n), side="right")
    return Terminals(
        random.integers(0, side, n),
        random.integers(0, side, n),
        category,
        level[category] * random.uniform(0.7, 1.3, n),
    )


def _customers(settings: Settings, seed: int, side: int, n: int, terminals: Terminals) -> Customers:
    blocks = [_block(settings, seed, side, b) for b in range(ceil(n / BLOCK))]
    x, y, mean, rate = (np.concatenate(part)[:n] for part in zip(*blocks, strict=True))
    near, first = _near(x, y, terminals, settings.radius_m)
    return Customers(x, y, mean, rate, near, first)


def _block(
    settings: Settings, seed: int, side: int, block: int
) -> tuple[Array, Array, Array, Array]:
    random = stream(seed, CUSTOMERS, block)
    x = random.integers(0, side, BLOCK)
    y = random.integers(0, side, BLOCK)
    mean = random.uniform(settings.mean_min, settings.mean_max, BLOCK)
    return x, y, mean, random.uniform(0, settings.rate_max, BLOCK)


def _near(x: Array, y: Array, terminals: Terminals, radius: int) -> tuple[Array, Array]:
    """Terminals within `radius` of each home, as one flat array and where each home's part begins."""
    columns = int(terminals.x.max()) // radius + 3
    cell = (terminals.y // radius + 1) * columns + terminals.x // radius + 1
    order = np.argsort(cell, kind="stable")
    corner = (y // radius) * columns + x // radius
    homes, places = [], []
    for row in range(3):  # three rows of three neighbouring cells: each row is one run of `order`
        low = np.searchsorted(cell[order], corner + row * columns)
        high = np.searchsorted(cell[order], corner + row * columns + 2, side="right")
        home = np.repeat(np.arange(len(x)), high - low)
        run = np.arange(len(home)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        place = order[low[home] + run]
        inside = (terminals.x[place] - x[home]) ** 2 + (
            terminals.y[place] - y[home]
        ) ** 2 <= radius**2
        homes.append(home[inside])
        places.append(place[inside])
    home, place = np.concatenate(homes), np.concatenate(places)
    by_home = np.lexsort((place, home))
    return place[by_home], np.searchsorted(home[by_home], np.arange(len(x) + 1))


def hacked(world: World, day: date) -> Array:
    """Days since each terminal was compromised, int (terminals,); -1 where it is not."""
    s = world.settings
    return _ages(world, HACKS, day, s.terminal_days, s.terminals_hacked, s.terminals)


def leaked(world: World, day: date) -> Array:
    """Days since each customer's card was leaked, int (customers,); -1 where it is not in use."""
    s = world.settings
    return _ages(world, LEAKS, day, s.card_days, s.cards_leaked, world.population(day))


def _ages(world: World, subject: int, day: date, days: int, rate: float, now: int) -> Array:
    """Strikes of `day` and the days - 1 before it, the eldest counting.

    Drawn at MOST times the rate and thinned by a mark, so that a changed fraud rate acts at once and
    on top of the same strikes.
    """
    times = 1.0
    for _, size in world.settings.world("fraud_rate", day):
        times *= size
    age = np.full(now, -1)
    for past in range(days):
        ordinal = day.toordinal() - past
        n = now if subject == HACKS else world.population(date.fromordinal(ordinal))
        random = stream(world.seed, subject, ordinal)
        count = random.poisson(MOST * rate * n)
        marks, draws = random.random(count), random.random(count)
        age[(draws * n).astype(np.int64)[marks * MOST < times]] = past
    return age
