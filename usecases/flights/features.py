"""The features of a departure: delays of its carrier, airports and aircraft, and the day so far."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Category, Fresh, Row, Snapshot
from plumbline.core.usecase import FeatureSet
from usecases.flights.contract import CARRIERS, CONTRACT, ORIGINS


def _matured(entity: str, days: int, *names: tuple[str, str, str]) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            f"{entity}_{short}_{days}d",
            entity,
            "mean",
            days,
            f"mean {text}, {days} days",
            column,
            True,
        )
        for short, column, text in names
    )


ARRIVED = ("arrival", "arr_delay", "arrival delay, minutes")
LEFT = ("departure", "dep_delay", "departure delay of the arrived, minutes")
AIR = ("air", "air_time", "minutes in the air")

SNAPSHOTS = (
    *_matured("carrier", 7, ARRIVED, LEFT),
    *_matured("carrier", 30, ARRIVED, LEFT),
    *_matured("dest", 1, ARRIVED, LEFT),
    *_matured("dest", 7, ARRIVED, LEFT, AIR),
    *_matured("dest", 30, ARRIVED, LEFT, AIR),
    *_matured("origin", 1, ARRIVED, LEFT),
    *_matured("origin", 7, ARRIVED, LEFT),
    *_matured("tailnum", 30, ARRIVED, LEFT),
    Snapshot("tailnum_count_7d", "tailnum", "count", 7, "departures in 7 days"),
)

FRESH = (
    Fresh("origin_count_today", "origin", "count", "departures earlier today"),
    Fresh(
        "origin_delay_today", "origin", "mean", "mean departure delay earlier today", "dep_delay"
    ),
    Fresh("dest_delay_today", "dest", "mean", "mean departure delay earlier today", "dep_delay"),
    Fresh(
        "carrier_delay_today", "carrier", "mean", "mean departure delay earlier today", "dep_delay"
    ),
)


def hour(departed_at: Array) -> Array:
    """Hour of the day, 0 to 23."""
    return (departed_at.astype("datetime64[h]") - departed_at.astype("datetime64[D]")).astype(
        np.int64
    )


def weekday(departed_at: Array) -> Array:
    """Day of the week, 0 = Monday."""
    return (departed_at.astype("datetime64[D]").astype(np.int64) + 3) % 7


def carrier_gain_30d(carrier_arrival_30d: Array, carrier_departure_30d: Array) -> Array:
    """Minutes that the carrier's flights lost on the way, mean of 30 days."""
    return carrier_arrival_30d - carrier_departure_30d


def dest_gain_7d(dest_arrival_7d: Array, dest_departure_7d: Array) -> Array:
    """Minutes lost on the way to this destination, mean of 7 days."""
    return dest_arrival_7d - dest_departure_7d


def dest_gain_30d(dest_arrival_30d: Array, dest_departure_30d: Array) -> Array:
    """Minutes lost on the way to this destination, mean of 30 days."""
    return dest_arrival_30d - dest_departure_30d


def origin_gain_1d(origin_arrival_1d: Array, origin_departure_1d: Array) -> Array:
    """Minutes lost on the way from this origin, mean of the last settled day."""
    return origin_arrival_1d - origin_departure_1d


ROWS = tuple(
    Row(f) for f in (hour, weekday, carrier_gain_30d, dest_gain_7d, dest_gain_30d, origin_gain_1d)
)

CODES = (
    Category("carrier_code", "carrier", CARRIERS, "airline"),
    Category("origin_code", "origin", ORIGINS, "airport of departure"),
)

FEATURES = FeatureSet.of(
    CONTRACT,
    snapshots=SNAPSHOTS,
    fresh=FRESH,
    categories=CODES,
    rows=ROWS,
    features=(
        "dep_delay",
        "distance",
        "carrier_code",
        "origin_code",
        *(s.name for s in SNAPSHOTS),
        *(f.name for f in FRESH),
        *(r.name for r in ROWS),
    ),
    offset="dep_delay",
)
