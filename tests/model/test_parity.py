"""Batch and single request: the same features to the bit, on real and on simulated rows."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.features import splits
from plumbline.serve import single_event
from tests.frames import FLIGHTS, PAYMENTS, build, departures, payments

ROWS = 10_000


def aggregated(case, rows):
    """The events with every history, and the features' names."""
    known = rows.select([c.name for c in case.known]).to_pylist()
    late = rows.select([case.key, case.time, *(c.name for c in case.unknown)]).to_pylist()
    delay = np.timedelta64(case.label_delay, "D").astype("timedelta64[us]").item()
    outcomes = [{**o, "known_at": o[case.time] + delay} for o in late]
    return known, single_event.histories(case, known, outcomes)


def check(case, rows, folder) -> None:
    """Every feature of the last rows of all tables equals the single evaluator's, bit for bit."""
    written = build(case, rows, folder)
    names = [f.name for f in (*case.snapshots, *case.fresh, *case.rows, *case.categories)]
    result = [tables.read(written / f"{n}.parquet", [case.key, *names]) for n in splits.NAMES]
    batch = {n: np.concatenate([part[n] for part in result])[-ROWS:] for n in (case.key, *names)}
    assert len(batch[case.key]) == ROWS
    known, histories = aggregated(case, rows)
    by_key = {event[case.key]: event for event in known}
    built = {name: np.empty(ROWS) for name in names}
    for i, key in enumerate(batch[case.key].tolist()):
        event = by_key[key]
        own = {e.name: histories[e.name][event[e.column]] for e in case.entities}
        for name, value in single_event.features(case, event, own).items():
            built[name][i] = value
    differ = [n for n in names if batch[n].tobytes() != built[n].tobytes()]
    assert differ == []
    constant = [n for n in names if len(np.unique(built[n])) < 2]
    assert constant == []


@pytest.mark.no_cover  # thousands of rows: counting lines would double the seconds
def test_departures(nycflights, tmp_path):
    check(FLIGHTS, departures(nycflights), tmp_path)


@pytest.mark.no_cover
@pytest.mark.mltest("Monitor 3")
def test_payments(tmp_path):
    check(PAYMENTS, payments(), tmp_path)
