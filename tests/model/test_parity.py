"""Batch and single request: the same features to the bit, on real and on simulated rows."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from plumbline.core import tables
from plumbline.core.declarations import (
    Column,
    Encoding,
    Entity,
    Fresh,
    Hourly,
    Only,
    Snapshot,
    Split,
)
from plumbline.core.errors import PlumblineError
from plumbline.features import ibis_session, splits, store
from plumbline.features.params import Features
from plumbline.model import bundle
from plumbline.serve import request_check, single_event
from plumbline.train.params import Train
from tests import classes
from tests.conftest import ROOT
from tests.frames import AS_OF, FLIGHTS, PAYMENTS, build, departures, payments

ROWS = 6_000
FEWER = 2_500
IN_FEAST = 1_500
WINDOWS = Features(warmup_days=14, valid_days=14, test_days=28, current_days=10)
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
    equal(case, rows, build(case, rows, folder), count)


def equal(case, rows, written, count) -> None:
    """`check` of tables that are written."""
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


@pytest.fixture(scope="module")
def departed(nycflights, tmp_path_factory):
    """All departures, and the folder with what the features stage makes of them."""
    rows, folder = departures(nycflights), tmp_path_factory.mktemp("departures")
    build(MORE, rows, folder)
    return rows, folder


@pytest.mark.capability("C2")
@pytest.mark.no_cover  # thousands of rows: counting lines would double the seconds
def test_departures(departed):
    rows, folder = departed
    equal(MORE, rows, folder / "tables", FEWER)


@pytest.mark.capability("C2", "C31")
def test_feast_joins_real_departures_to_the_same_bits(departed):
    _, folder = departed
    names = [f.name for f in MORE.stored]
    current = tables.read(folder / "tables" / "current.parquet", [MORE.key, *names])
    wanted = pa.table({"wanted": current[MORE.key][-IN_FEAST:]})
    with ibis_session.connection() as backend:
        events, _ = ibis_session.read(backend, MORE, folder / "valid")
        chosen = ibis_session.lend(backend, wanted)
        last = events.semi_join(chosen, events[MORE.key] == chosen["wanted"])
        joined = store.join_snapshots(MORE, last, folder / "snapshots").to_pyarrow()
    assert joined.num_rows == IN_FEAST
    order = {key: i for i, key in enumerate(joined[MORE.key].to_pylist())}
    places = [order[key] for key in wanted["wanted"].to_pylist()]
    for name in names:
        feast = tables.numpy(joined.column(name))[places]
        assert feast.tobytes() == current[name][-IN_FEAST:].tobytes(), name


@pytest.mark.capability("C2", "C31")
def test_feast_serves_real_departures_to_the_same_bits(departed, tmp_path):
    rows, folder = departed
    shutil.copytree(ROOT / "feature_store", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))  # fmt: skip
    store.apply(MORE, tmp_path, folder / "snapshots")
    store.materialize(MORE, AS_OF["flights"], tmp_path)
    known, histories = aggregated(MORE, rows)
    some = known[:: len(known) // 200]
    ids = {e.column: [event[e.column] for event in some] for e in MORE.entities if e.column}
    online = store.online(MORE, ids, tmp_path)
    midnight = datetime.combine(AS_OF["flights"], datetime.min.time())
    for i, event in enumerate(some):
        asked = {**event, MORE.time: midnight}
        own = single_event.own_histories(MORE, asked, histories)
        expected = single_event.features(MORE, asked, own)
        for name, values in online.items():
            assert values[i] == expected[name], (name, event[MORE.key])


LEARNED = {
    "native": {"categories": tuple(replace(c, native=True) for c in FLIGHTS.categories)},
    "log": {"label": "air_time", "scale": "log", "offset": "distance"},
    "ratio": {"label": "air_time", "scale": "ratio", "offset": "distance"},
    "count": {"label": "air_time", "scale": "count", "offset": None},
    "eligible": {"eligible": (Only("tailnum_count_7d", "Seen this week", low=1),)},
    "only": {"only": (Only("distance", "Flights of 500 miles and more", low=500),)},
    "bands": {
        "problem": "multiclass",
        "label": "band",
        "offset": None,
        "naive": None,
        "behaviours": (),
        "groups": (),
    },
}
"""What else can be declared of the real table, by its name here."""


@pytest.mark.parametrize("name", LEARNED)
def test_what_a_model_is_declared_with_answers_one_departure_as_the_batch(name, departed, tmp_path):
    in_order = departed[0].sort_by([(MORE.time, "ascending"), (MORE.key, "ascending")])
    rows = in_order.take(list(range(0, 27_000, 3)))
    band = pc.if_else(pc.less(rows["arr_delay"], -5), "early", pc.if_else(pc.less(rows["arr_delay"], 15), "on time", "late"))  # fmt: skip
    rows = rows.append_column("band", band)
    case = bounded(**LEARNED[name])
    kept = rows.filter(pc.greater_equal(rows["distance"], 500)) if case.only else rows
    as_of = pc.max(kept[case.time]).as_py().date()
    folder = classes.tables_of(case, kept, tmp_path, WINDOWS, as_of)
    scorer = bundle.load(classes.fit(case, folder, tmp_path / "model", Train(rounds=6)), case.name)
    table = tables.read(folder / "test.parquet")
    together = scorer.predict(table)
    assert len(together) > 50
    names = {c.name for c in case.known} | {h.name for h in case.aggregates}
    raw = {n: v for n, v in table.items() if n in names}
    for i in range(0, len(together), max(1, len(together) // 60)):
        event = {n: v[i : i + 1] for n, v in raw.items()}
        assert scorer.score(case, event).tobytes() == together[i : i + 1].tobytes()
    for event in kept.select([c.name for c in case.known]).slice(0, 40).to_pylist():
        request_check.check(case, event)
    if case.only:
        short = rows.filter(pc.less(rows["distance"], 500)).slice(0, 1)
        with pytest.raises(
            PlumblineError, match="the use case is about rows with distance from 500"
        ):
            request_check.check(case, short.select([c.name for c in case.known]).to_pylist()[0])
    if case.eligible:
        assert table["tailnum_count_7d"].min() >= 1


def bounded(**changes):
    """The use case flights with a bound on the distance, the band of the delay, and one history."""
    week = tuple(f for f in FLIGHTS.snapshots if f.name == "tailnum_count_7d")
    plain = ("dep_delay", "distance", "carrier_code", "hour", "tailnum_count_7d")
    parts = {"snapshots": week, "fresh": (), "slices": (), "features": plain}
    parts["rows"] = tuple(r for r in FLIGHTS.rows if r.name == "hour")
    columns = tuple(replace(c, min=10) if c.name == "distance" else c for c in FLIGHTS.columns)
    band = Column("band", "string", "-", "of the delay", allowed=("early", "on time", "late"), known=False)  # fmt: skip
    return replace(FLIGHTS, columns=(*columns, band), **{**parts, **changes})


def test_a_plain_table_of_departures_is_split_and_encoded_as_one_departure_is(departed, tmp_path):
    rows = departed[0].slice(0, 9_000)
    case = replace(
        FLIGHTS,
        time=None,
        label_delay=0,
        entities=(),
        snapshots=(),
        fresh=(),
        rows=tuple(r for r in FLIGHTS.rows if r.name in ("hour", "weekday")),
        encodings=(Encoding("dest_mean", "dest", "mean delay"),),
        split=Split(group="tailnum"),
        features=("dep_delay", "distance", "hour", "dest_mean"),
        slices=(),
        behaviours=(),
    )
    folder = classes.tables_of(case, rows, tmp_path)
    parts = {n: tables.read(folder / f"{n}.parquet") for n in splits.NAMES}
    planes = [set(p["tailnum"]) for p in parts.values()]
    assert all(a.isdisjoint(b) for a, b in itertools.combinations(planes, 2))
    fitted = classes.fit(case, folder, tmp_path / "model", Train(rounds=6))
    scorer, test = bundle.load(fitted, case.name), parts["test"]
    together = scorer.predict(test)
    raw = {n: v for n, v in test.items() if n in {c.name for c in case.known}}
    for i in range(0, len(together), max(1, len(together) // 60)):
        event = {n: v[i : i + 1] for n, v in raw.items()}
        assert scorer.score(case, event).tobytes() == together[i : i + 1].tobytes()


@pytest.mark.capability("C2", "C30", "C32")
@pytest.mark.no_cover
@pytest.mark.mltest("Monitor 3")
def test_payments(tmp_path):
    check(PAYMENTS, payments(300, 100), tmp_path)
