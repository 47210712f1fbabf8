"""Flights: how late will this flight arrive, asked at the moment the plane leaves the gate?

Departures from New York in 2013 (US Bureau of Transportation Statistics, CC0; see sources/flights).
"""

from __future__ import annotations

import numpy as np

from plumbline.core.usecase import (
    Array,
    Behaviour,
    Category,
    Column,
    Columns,
    Entity,
    Fresh,
    Row,
    Slice,
    Snapshot,
    Use,
    UseCase,
)

ORIGINS = ("EWR", "JFK", "LGA")
CARRIERS = (
    "9E",
    "AA",
    "AS",
    "B6",
    "DL",
    "EV",
    "F9",
    "FL",
    "HA",
    "MQ",
    "OO",
    "UA",
    "US",
    "VX",
    "WN",
    "YV",
)

COLUMNS = (
    Column("flight_id", "string", "-", "date, carrier, flight number and origin"),
    Column("departed_at", "timestamp", "local", "when the plane left the gate"),
    Column("carrier", "string", "-", "airline, two-letter code", allowed=CARRIERS),
    Column("tailnum", "string", "-", "the aircraft's tail number"),
    Column("flight", "int", "-", "flight number", min=1, max=9_999),
    Column("origin", "string", "-", "airport of departure", allowed=ORIGINS),
    Column("dest", "string", "-", "airport of arrival"),
    Column("distance", "int", "miles", "from origin to destination", min=10, max=6_000),
    Column("dep_delay", "int", "minutes", "departure delay, negative = early", min=-60, max=1_800),
    Column("arr_time", "int", "hhmm", "local time of arrival", min=0, max=2400, known=False),
    Column("air_time", "int", "minutes", "time in the air", min=10, max=900, known=False),
    Column(
        "arr_delay",
        "int",
        "minutes",
        "arrival delay, negative = early",
        min=-120,
        max=1_800,
        known=False,
    ),
)

DERIVE = {
    "flight_id": "printf('%04d-%02d-%02d-%s-%d-%s', year::INT, month::INT, day::INT, carrier, flight::INT, origin)",
    # dep_time is hhmm, 2400 is the end of its day
    "departed_at": (
        "make_timestamp(year::BIGINT, month::BIGINT, day::BIGINT, 0, 0, 0)"
        " + to_minutes(60 * (dep_time::BIGINT // 100) + dep_time::BIGINT % 100)"
    ),
}


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


def other_aircraft(event: Columns) -> Columns:
    """The same flight and history under another tail number."""
    return {"tailnum": np.full(event["tailnum"].shape, "N00000", dtype=object)}


def hour_later(event: Columns) -> Columns:
    """The flight leaves sixty minutes later than it did."""
    return {"dep_delay": event["dep_delay"] + 60}


def three_hours_late(event: Columns) -> Columns:
    """The flight leaves three hours late."""
    return {"dep_delay": np.full(event["dep_delay"].shape, 180)}


def on_time(event: Columns) -> Columns:
    """The flight leaves on the minute."""
    return {"dep_delay": np.zeros(event["dep_delay"].shape, np.int64)}


USE = Use(
    intended=("Tell passengers and gates how late a flight will arrive, when it leaves the gate.",),
    out_of_scope=(
        "Safety, or the planning of crews by law.",
        "Cancelled and diverted flights: they have no arrival delay and are not in the data.",
        "Airports other than New York's three, and years other than 2013.",
    ),
    limits=("One year alone: no season comes twice.", "The weather is seen through delays only."),
    fairness="No person is in the data: the groups are airports and airlines.",
)

USECASE = UseCase(
    name="flights",
    title="Arrival delay of flights from New York, 2013",
    owner="operations@example.com",
    problem="regression",
    key="flight_id",
    time="departed_at",
    label="arr_delay",
    label_delay=1,
    entities=(
        Entity("tailnum", "tailnum", "an aircraft"),
        Entity("carrier", "carrier", "an airline"),
        Entity("dest", "dest", "an airport of arrival"),
        Entity("origin", "origin", "an airport of departure"),
    ),
    derive=DERIVE,
    columns=COLUMNS,
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
    naive="dep_delay",
    offset="dep_delay",
    slices=(
        Slice("origin", "origin", "airport of departure"),
        Slice("dep_delay", "dep_delay", "departure delay, minutes", edges=(0, 15, 60)),
        Slice("distance", "distance", "miles", edges=(500, 1_500)),
    ),
    behaviours=(
        Behaviour("tail_number", "a tail number means nothing by itself", other_aircraft, "same"),
        Behaviour(
            "hour_later", "leaving an hour later is not arriving earlier", hour_later, "not_lower"
        ),
        Behaviour(
            "three_hours_late",
            "three hours late at the gate is over an hour late at arrival",
            three_hours_late,
            "above",
            limit=60.0,
        ),
        Behaviour(
            "on_time",
            "on time at the gate is less than an hour late at arrival",
            on_time,
            "below",
            limit=60.0,
        ),
    ),
    groups=(
        Slice("origin", "origin", "airport of departure"),
        Slice("carrier", "carrier", "airline"),
    ),
    use=USE,
)
