"""Histories to the hour, lags, and label delays in hours: by brute force, and in batch as in a single request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given

from plumbline.core.declarations import Entity, Fresh, Hourly, Snapshot, Where
from plumbline.core.errors import SpecError
from plumbline.features import catalog, ibis_session, store
from plumbline.model import manifest
from tests.code.test_batch import EVENTS, FEW
from tests.small import AS_OF, SMALL, brute, computed, event, single, write

SERIES = replace(
    SMALL,
    label_delay=0,
    label_delay_hours=5,
    entities=(*SMALL.entities, Entity("all", None, "every event")),
    snapshots=(
        Snapshot("who_week_ago", "who", "sum", 1, "cents a week ago", "cents", lag=7),
        Snapshot("who_before", "who", "mean", 3, "mean, 2 to 4 days ago", "cents", lag=2),
        Snapshot("all_bad_3d", "all", "rate", 3, "bad share of all", "bad", True, default=0.5),
        Snapshot("place_bad_2d", "place", "rate", 2, "bad share", "bad", True, default=0.5),
    ),
    hourly=(
        Hourly("all_2h", "all", "sum", 2, "cents of all", "cents"),
        Hourly("who_last_hour", "who", "count", 1, "events in the hour before"),
        Hourly("who_day_ago", "who", "mean", 2, "cents a day ago", "cents", default=-1.0, lag=24),
        Hourly("place_8h", "place", "sum", 8, "cents in 8 hours", "cents"),
        Hourly("place_bad_8h", "place", "rate", 8, "bad share", "bad", True, default=0.5),
        Hourly("place_ok_3h", "place", "count", 3, "ok, 3 hours", where=(Where("ok", 1),), lag=4),
    ),
    fresh=(
        Fresh("place_bad_today", "place", "rate", "bad share", "bad", default=0.5, matured=True),
        Fresh("who_lost_today", "who", "sum", "cents lost", "loss", matured=True),
        Fresh("all_today", "all", "count", "events today"),
        Fresh("all_bad_today", "all", "count", "known today", matured=True),
        Fresh("who_today", "who", "count", "events today"),
    ),
    rows=(),
    derived=(),
    features=("cents", "who_last_hour"),
)
HOUR = timedelta(hours=1)


def late(rows):
    """The rows with outcomes known five hours after the events."""
    return [{**r, "known_at": r["at"] + SERIES.delay} for r in rows]


@pytest.mark.capability("C30")
@FEW
@given(EVENTS.map(late))
def test_batch_equals_single_equals_brute_force(rows):
    expected = brute(rows, SERIES)
    assert computed(rows, case=SERIES) == expected
    assert single(rows, SERIES) == expected


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (datetime(2025, 3, 10, 11, 59, 59), 1),  # the last second of the hour before
        (datetime(2025, 3, 10, 11, 0), 1),  # its first moment
        (datetime(2025, 3, 10, 10, 59, 59), 0),  # a second too old
        (datetime(2025, 3, 10, 12, 0), 0),  # the event's own hour
    ],
)
def test_the_last_hour_ends_where_the_events_own_begins(before, counted):
    rows = late([event(0, before), event(1, datetime(2025, 3, 10, 12, 30))])
    assert computed(rows, case=SERIES)[1]["who_last_hour"] == counted


def test_a_label_counts_from_the_hour_after_it_became_known():
    known = datetime(2025, 3, 10, 9, 30)
    rows = late([event(0, known - 5 * HOUR, bad=1)])
    rows += late([event(1, datetime(2025, 3, 10, 9, 59)), event(2, datetime(2025, 3, 10, 10, 0))])
    result = computed(rows, case=SERIES)
    assert (result[1]["place_bad_8h"], result[2]["place_bad_8h"]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        (datetime(2025, 3, 10, 0, 59), 0),  # not yet known
        (datetime(2025, 3, 10, 1, 0), 0),  # known at this very moment
        (datetime(2025, 3, 10, 1, 1), 7),  # an event of yesterday, known since one o'clock
        (datetime(2025, 3, 11, 0, 30), 0),  # known yesterday
    ],
)
def test_a_fresh_label_counts_from_the_moment_it_is_known_until_midnight(at, counted):
    rows = late([event(0, datetime(2025, 3, 9, 20, 0), loss=7), event(1, at)])
    assert computed(rows, case=SERIES)[1]["who_lost_today"] == counted


def test_feast_joins_and_serves_the_same_hours(tmp_path):
    from tests.conftest import ROOT

    start = datetime(2025, 3, 14)
    rows = late(
        [event(i, start + i * 3 * HOUR, who_id=f"p{i % 3}", place_id=i % 2) for i in range(47)]
    )
    write(rows, tmp_path / "valid")
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "store").mkdir()
    text = (ROOT / "feature_store" / "feature_store.yaml").read_text()
    (tmp_path / "store" / "feature_store.yaml").write_text(text)
    from plumbline.features import assemble, batch

    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, SERIES, tmp_path / "valid")
        events, outcomes = assemble.visible(backend, SERIES, events, outcomes, AS_OF)
        built = assemble.write_snapshots(
            backend, SERIES, events, outcomes, AS_OF, tmp_path / "snapshots"
        )
        direct = batch.join_snapshots(SERIES, events, built).order_by("number").to_pyarrow()
        feast = store.join_snapshots(SERIES, events, tmp_path / "snapshots").order_by("number")
        assert feast.to_pyarrow().select(direct.column_names).equals(direct)
    store.apply(SERIES, tmp_path / "store", tmp_path / "snapshots")
    store.materialize(SERIES, AS_OF, tmp_path / "store")
    ids = {"who_id": ["p0", "p1", "nobody"], "place_id": [0, 1, 9]}
    online = store.online(SERIES, ids, tmp_path / "store")
    midnight = datetime(2025, 3, 20)
    asked = [event(100 + i, midnight, **{n: v[i] for n, v in ids.items()}) for i in range(3)]
    expected = brute([*rows, *late(asked)], SERIES)
    for i in range(3):
        served = {n: v[i] for n, v in online.items()}
        assert served == {n: expected[100 + i][n] for n in served}


@pytest.mark.capability("C31")
def test_the_catalog_says_the_window():
    windows = {e.name: e.window for e in catalog.entries(SERIES)}
    assert windows["who_last_hour"] == "1 hours, to the full hour before"
    assert windows["who_week_ago"] == "1 days, to 7 days before"


def test_what_is_not_declared_changes_no_md5():
    assert manifest.definitions(SMALL) == manifest.definitions(replace(SMALL, hourly=()))
    lagged = replace(SMALL.snapshots[0], lag=2)
    other = replace(SMALL, snapshots=(lagged, *SMALL.snapshots[1:]))
    assert manifest.definitions(other) != manifest.definitions(SMALL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hourly": (Hourly("n", "who", "count", 0, "n"),)}, r"'n': hours is 0; expected a whole"),
        ({"hourly": (Hourly("n", "who", "count", 1, "n", lag=0),)}, r"'n': lag is 0; expected"),
        ({"snapshots": (Snapshot("n", "who", "count", -1, "n"),)}, r"days is -1; expected"),
        ({"hourly": (Hourly("n", "who", "sum", 1, "n", "bad"),)}, r"not known at prediction time"),
        ({"label_delay_hours": 1.5}, r"label_delay_hours is 1\.5; expected a whole number"),
    ],
)
def test_what_cannot_be_is_refused_at_load(changes, message):
    with pytest.raises(SpecError, match=message):
        replace(SERIES, **changes)
