"""How the arrival delay is judged: slices, groups, expected behaviours, intended use."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Behaviour, Columns, Slice, Use
from plumbline.core.usecase import UseCase
from usecases.flights.features import FEATURES


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

USECASE = UseCase.of(
    FEATURES,
    naive="dep_delay",
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
