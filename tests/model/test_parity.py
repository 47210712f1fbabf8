"""Batch and single request: the same features to the bit, on real and on simulated rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.core.declarations import Entity, Fresh, Hourly, Snapshot
from plumbline.features import splits
from plumbline.serve import single_event
from tests.frames import FLIGHTS, PAYMENTS, build, departures, payments

ROWS = 10_000
FEWER = 2_500
"""Rows of the use case whose entity of all events makes each single answer dear."""
MORE = replace(
    FLIGHTS,
    entities=(*FLIGHTS.entities, Entity("all", None, "every departure")),
    label_delay=0,
    label_delay_hours=12,
    snapshots=(
        *FLIGHTS.snapshots,
        Snapshot("dest_week_ago", "dest", "mean", 1, "same weekday", "dep_delay", lag=7),
    ),
    fresh=(
        *FLIGHTS.fresh,
        Fresh("dest_arrived_today", "dest", "mean", "known today", "arr_delay", matured=True),
    ),
    hourly=(
        Hourly("all_2h", "all", "mean", 2, "of all departures", "dep_delay"),
        Hourly("origin_3h", "origin", "mean", 3, "of three hours", "dep_delay"),
        Hourly("origin_day_ago", "origin", "count", 1, "same hour yesterday", lag=24),
        Hourly("dest_arrived_6h", "dest", "mean", 6, "arrivals known", "arr_delay", True),
    ),
)
"""The use case flights with every further kind of history."""


def aggregated(case, rows):
    """The events with every history, and the features' names."""
    known = rows.select([c.name for c in case.known]).to_pylist()
    late = rows.select([case.key, case.time, *(c.name for c in case.unknown)]).to_pylist()
    outcomes = [{**o, "known_at": o[case.time] + case.delay} for o in late]
    return known, single_event.histories(case, known, outcomes)


def check(case, rows, folder, count=ROWS) -> None:
    """Every feature of the last rows of all tables equals the single evaluator's, bit for bit."""
    written = build(case, rows, folder)
    names = [f.name for f in (*case.aggregates, *case.rows, *case.categories)]
    result = [tables.read(written / f"{n}.parquet", [case.key, *names]) for n in splits.NAMES]
    batch = {n: np.concatenate([part[n] for part in result])[-count:] for n in (case.key, *names)}
    assert len(batch[case.key]) == count
    known, histories = aggregated(case, rows)
    by_key = {event[case.key]: event for event in known}
    built = {name: np.empty(count) for name in names}
    for i, key in enumerate(batch[case.key].tolist()):
        event = by_key[key]
        own = single_event.own_histories(case, event, histories)
        for name, value in single_event.features(case, event, own).items():
            built[name][i] = value
    differ = [n for n in names if batch[n].tobytes() != built[n].tobytes()]
    assert differ == []
    constant = [n for n in names if len(np.unique(built[n])) < 2]
    assert constant == []


@pytest.mark.capability("C2")
@pytest.mark.no_cover  # thousands of rows: counting lines would double the seconds
def test_departures(nycflights, tmp_path):
    check(MORE, departures(nycflights), tmp_path, FEWER)


@pytest.mark.capability("C2", "C30", "C32")
@pytest.mark.no_cover
@pytest.mark.mltest("Monitor 3")
def test_payments(tmp_path):
    check(PAYMENTS, payments(), tmp_path)
