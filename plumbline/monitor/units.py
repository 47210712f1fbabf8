"""By which factors a column's values can change when its sender changes the unit. Pure.

A count, a code or a share of one has no unit that could be changed: what moves it is drift.
"""

from __future__ import annotations

from collections.abc import Sequence

POWERS_OF_TEN = (10.0, 100.0, 1000.0)
"""A point that slipped, cents for euros, metres for kilometres: for every column that has a unit."""
LENGTH = (2.54, 3.28084, 1.09361, 12.0, 3.0, 1.60934)
"""Inches, feet and yards to the metric ones, feet and yards in inches and feet, miles."""
MASS = (2.20462, 28.3495, 16.0)
"""Pounds and ounces to the metric ones, ounces to the pound."""
TIME = (60.0, 3600.0, 24.0, 1440.0, 86400.0)
"""Seconds, minutes, hours and days."""
VOLUME = (3.78541, 4.54609)
"""Gallons of the United States and of the United Kingdom, in litres."""
SPEED = (1.60934, 3.6, 2.23694, 1.852, 1.94384)
"""Miles per hour, metres per second and knots."""
AREA = (10.7639, 2.47105)
"""Square feet and acres to the metric ones."""

WORDS = {
    LENGTH: "mm millimetre cm centimetre dm m metre km kilometre in inch ft foot feet yd yard mi mile",
    MASS: "mg milligram g gram kg kilogram t tonne ton lb pound oz ounce",
    TIME: "us microsecond ms millisecond s sec second min minute h hour d day",
    VOLUME: "ml millilitre l litre gal gallon m3",
    SPEED: "km/h kmh kph mph m/s kn knot",
    AREA: "m2 ft2 sqft sqm ha hectare acre km2",
}
NO_UNIT = frozenset(
    [
        "-",
        "0/1",
        "bool",
        "boolean",
        "code",
        "count",
        "events",
        "hhmm",
        "id",
        "index",
        "items",
        "key",
        "level",
        "number",
        "orders",
        "people",
        "per",
        "pieces",
        "rank",
        "rate",
        "ratio",
        "rentals",
        "rides",
        "rows",
        "score",
        "share",
        "times",
        "trips",
        "unit",
        "units",
        "utc",
        "local",
    ]
)
"""Words that name what is counted, or no unit at all."""


def factors(unit: str) -> tuple[float, ...]:
    """The factors, and their inverses, by which another unit than `unit` could scale the values.

    >>> factors("rides per hour")
    ()
    >>> 2.54 in factors("cm"), 2.54 in factors("EUR"), 0.01 in factors("EUR")
    (True, False, True)
    """
    words = unit.lower().split()
    if not words or words[0] in NO_UNIT:
        return ()
    special = next((f for f, names in WORDS.items() if _singular(words[0]) in names.split()), ())
    direct = (*POWERS_OF_TEN, *special)
    return (*direct, *(1 / factor for factor in direct))


def any_factor(factors: Sequence[float]) -> bool:
    """Whether a factor that is not among these may be another unit, too: another currency, say.

    Lengths, masses and so on have a list of their own, which is complete.

    >>> any_factor(factors("EUR")), any_factor(factors("metres")), any_factor(())
    (True, False, False)
    """
    return bool(factors) and all(f in POWERS_OF_TEN or 1 / f in POWERS_OF_TEN for f in factors)


def _singular(word: str) -> str:
    word = word.replace("meter", "metre").replace("liter", "litre").strip(".")
    known = " ".join(WORDS.values()).split()
    return next(
        (w for w in (word, word.removesuffix("s"), word.removesuffix("es")) if w in known), word
    )
