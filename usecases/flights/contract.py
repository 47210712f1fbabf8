"""Departures from New York in 2013 (US Bureau of Transportation Statistics, CC0; see sources/flights)."""

from __future__ import annotations

from plumbline.core.declarations import Column, Entity, Terms
from plumbline.core.usecase import Contract

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

CONTRACT = Contract(
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
    terms=Terms(
        licence="CC0 1.0, as published in the R package nycflights13",
        purpose="on-time statistics of US carriers, collected by the Bureau of Transportation Statistics",
        persons="none",
    ),
)
