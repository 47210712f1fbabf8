"""The age of an event's newest history: of what its features could have seen, by brute force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.core.declarations import Entity, Hourly, Snapshot
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, history_age
from tests.code.test_batch import many
from tests.small import AS_OF, SMALL, event, lent

ROWS = [*many(250), event(900, datetime(2025, 3, 3, 9), who_id=None)]
PLAIN = {"fresh": (), "rows": (), "derived": (), "categories": (), "features": ("cents",)}


def case(*specs: Snapshot | Hourly) -> UseCase:
    """The small use case with these histories alone."""
    daily = tuple(s for s in specs if isinstance(s, Snapshot))
    hourly = tuple(s for s in specs if isinstance(s, Hourly))
    return replace(SMALL, snapshots=daily, hourly=hourly, **PLAIN)


def ages(usecase: UseCase) -> dict[int, float]:
    """By key, the age of the history of `who`."""
    with lent(ROWS) as (backend, events, outcomes):
        events, outcomes = assemble.visible(backend, usecase, events, outcomes, AS_OF)
        table = history_age.with_ages(usecase, events, events, outcomes).to_pyarrow()
    names = table.column("number"), table.column("who_history_age")
    return dict(zip(*(tables.numpy(one).tolist() for one in names), strict=True))


def midnight(at: datetime) -> datetime:
    return datetime.combine(at, datetime.min.time())


DAILY = Snapshot("who_count_1d", "who", "count", 1, "events in a day")
CASES = {
    "snapshots see up to midnight": (case(DAILY), midnight, "at"),
    "a lag is more": (
        case(Snapshot("late", "who", "count", 3, "events", lag=3)),
        lambda at: midnight(at) - timedelta(days=2),
        "at",
    ),
    "hourly ones see up to the hour": (
        case(DAILY, Hourly("hour", "who", "count", 2, "events")),
        lambda at: at.replace(minute=0),
        "at",
    ),
    "labels count from when they are known": (
        case(Snapshot("share", "who", "rate", 3, "bad share", "bad", True)),
        midnight,
        "known_at",
    ),
}


@pytest.mark.capability("C24")
@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_nearest_looking_feature_sees(name: str) -> None:
    usecase, until, clock = CASES[name]
    result = ages(usecase)
    assert len(result) == len(ROWS)
    for row in ROWS:
        seen = [
            other[clock]
            for other in ROWS
            if other["who_id"] == row["who_id"] is not None and other[clock] < until(row["at"])
        ]
        hours = (row["at"] - max(seen)).total_seconds() / 3600 if seen else np.nan
        assert result[row["number"]] == pytest.approx(hours, nan_ok=True), row


def test_they_are_counted_between_edges() -> None:
    usecase = CASES["snapshots see up to midnight"][0]
    every = np.array(list(ages(usecase).values()))
    with lent(ROWS) as (_, events, outcomes):
        rows = history_age.with_ages(usecase, events, events, outcomes)
        counted = history_age.counted(usecase, rows)["who"]
    known = every[~np.isnan(every)]
    expected = np.histogram(known, [-np.inf, *history_age.EDGES, np.inf])[0]
    assert counted.counts == expected.tolist()
    assert counted.none == int(np.isnan(every).sum()) > 0
    assert sum(counted.counts) + counted.none == len(ROWS)


def test_entities_without_a_column_or_histories_have_none() -> None:
    assert [e.name for e in history_age.entities(SMALL)] == ["who", "place"]
    assert [e.name for e in history_age.entities(case(DAILY))] == ["who"]
    whole = replace(
        SMALL,
        entities=(Entity("all", None, "every event"),),
        snapshots=(Snapshot("all_count_1d", "all", "count", 1, "events"),),
        **PLAIN,
    )
    assert list(history_age.entities(whole)) == []
