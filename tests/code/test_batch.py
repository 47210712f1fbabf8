"""Snapshots, fresh features and joins: windows by hand, by brute force, and what may not change."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.features import assemble, batch, ibis_session
from tests.examples import examples
from tests.small import AS_OF, DELAY, SMALL, START, brute, computed, event, lent, write

DAY = timedelta(days=1)
FEW = examples(5, nightly=60)
MOMENTS = st.integers(0, 12 * 24 * 4).map(lambda q: START + q * timedelta(minutes=15))
EVENT = st.fixed_dictionaries(
    {
        "at": st.one_of(MOMENTS, MOMENTS.map(lambda t: t.replace(hour=0, minute=0))),
        "who_id": st.sampled_from(["ann", "bob"]),
        "place_id": st.sampled_from([1, 2, None]),
        "cents": st.integers(-500, 500),
        "grams": st.one_of(st.none(), st.integers(0, 9)),
        "ok": st.booleans(),
        "bad": st.integers(0, 1),
        "loss": st.one_of(st.none(), st.integers(0, 99)),
    }
)
EVENTS = st.lists(EVENT, min_size=1, max_size=40).map(
    lambda drawn: [event(i, **one) for i, one in enumerate(drawn)]
)


def at(day: int, hour: int = 12, second: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, 0, second)


def of(rows, number: int, late=None) -> dict[str, float]:
    return computed(rows, late)[number]


@pytest.mark.mltest("Data 7", "Monitor 3")
@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (at(9, 23, 59), 1),  # the day before
        (at(9, 0), 1),  # at its first midnight
        (at(8, 23, 59), 0),  # a second too old
        (at(10, 0), 0),  # today is not a snapshot's
    ],
)
def test_one_day_ends_at_midnight(before, counted):
    rows = [event(0, before), event(1, at(10))]
    assert of(rows, 1)["who_count_1d"] == counted


@pytest.mark.parametrize(("day", "mean"), [(9, 100.0), (7, 100.0), (6, 0.0)])
def test_three_days_are_three(day, mean):
    assert of([event(0, at(day)), event(1, at(10))], 1)["who_mean_3d"] == mean


@pytest.mark.mltest("Data 7")
@pytest.mark.parametrize(
    ("settled", "rate"),
    [
        (at(10, 0), 0.5),  # at the midnight itself: not before it
        (datetime(2025, 3, 9, 23, 59, 59, 999_999), 1.0),
        (at(7, 0), 1.0),  # three days, the first midnight included
        (datetime(2025, 3, 6, 23, 59, 59, 999_999), 0.5),
    ],
)
def test_an_outcome_counts_once_known_and_for_its_days(settled, rate):
    rows = [event(0, settled - DELAY * DAY, bad=1), event(1, at(10))]
    assert of(rows, 1)["who_bad_3d"] == rate


def test_matured_features_take_event_and_outcome_columns_of_settled_events():
    rows = [event(0, at(7, 9), cents=300, loss=7), event(1, at(8, 9), cents=900), event(2, at(10))]
    result = of(rows, 2)
    assert result["place_cents_1d"] == 300.0  # known on the 9th; the other is not yet
    assert result["place_loss_5d"] == 7.0
    assert result["who_settled_5d"] == 1.0


def test_an_outcome_without_its_event_counts_for_nobody():
    late = [event(7, at(7), bad=1), event(1, at(10))]
    assert of([event(1, at(10))], 1, late)["who_settled_5d"] == 0.0


@pytest.mark.mltest("Data 7")
def test_fresh_is_today_strictly_earlier():
    rows = [
        event(0, at(9, 23)),
        event(1, at(10, 0), cents=10),
        event(2, at(10, 9), cents=20),
        event(3, at(10, 9), cents=40),
        event(4, at(10, 9, 1), cents=80),
    ]
    result = computed(rows)
    assert [result[i]["place_sum_today"] for i in range(5)] == [0.0, 0.0, 10.0, 10.0, 70.0]
    assert [result[i]["who_count_today"] for i in range(5)] == [0.0, 0.0, 1.0, 1.0, 3.0]


def test_a_null_is_nobodys_value_and_no_value():
    rows = [event(0, at(9), grams=None, place_id=None), event(1, at(10, 1), place_id=None)]
    rows.append(event(2, at(10, 2), place_id=None))
    result = of(rows, 2)
    assert result["who_grams_5d"] == -1.0
    assert result["place_sum_3d"] == 0.0
    assert result["place_sum_today"] == 0.0
    assert result["who_grams_today"] == 5.0


@pytest.mark.capability("C15")
@pytest.mark.mltest("Data 7", "Monitor 3")
@FEW
@given(EVENTS)
def test_equals_brute_force(rows):
    assert computed(rows) == brute(rows)


@pytest.mark.capability("C15")
@FEW
@given(EVENTS, st.data())
def test_nothing_known_after_an_event_changes_it(rows, data):
    cut = data.draw(MOMENTS)
    late = [r if r["known_at"] < cut else {**r, "bad": 1 - r["bad"], "loss": 77} for r in rows]
    spoilt = [r if r["at"] < cut else {**r, "cents": 9_999, "who_id": "bob"} for r in rows]
    spoilt += [event(1_000 + i, cut + i * DAY / 3, cents=5_555) for i in range(4)]
    late += [{**event(1_000 + i, cut + i * DAY / 3, bad=1)} for i in range(4)]
    data.draw(st.randoms(use_true_random=False)).shuffle(spoilt)
    before = {k: v for k, v in computed(rows).items() if _at(rows, k) < cut}
    after = {k: v for k, v in computed(spoilt, late).items() if k < 1_000 and _at(rows, k) < cut}
    assert after == before


def _at(rows, number: int) -> datetime:
    return next(r["at"] for r in rows if r["number"] == number)


def test_only_what_is_visible_at_as_of():
    rows = [event(0, at(17, 23)), event(1, at(18, 0)), event(2, at(19, 23)), event(3, at(20, 0))]
    with lent(rows) as (_, events, outcomes):
        seen, known = batch.visible(SMALL, events, outcomes, AS_OF)
        assert sorted(seen.number.to_pyarrow().to_pylist()) == [0, 1, 2]
        assert known.number.to_pyarrow().to_pylist() == [0]


def snapshots(rows, entity: str = "who", as_of: date = AS_OF):
    with lent(rows) as (backend, events, outcomes):
        seen, known = assemble.visible(backend, SMALL, events, outcomes, as_of)
        result = batch.snapshots(SMALL, SMALL.entity(entity), seen, known, as_of)
        return result.order_by("day", result.columns[0]).to_pyarrow().to_pylist()


def test_a_row_per_active_day_and_a_closing_row_of_defaults():
    days = snapshots([event(0, at(3), cents=8)])
    assert [r["day"].day for r in days] == [*range(4, 12)]  # settled on the 5th, five days, closed
    last = days[-1]
    assert (last["who_count_1d"], last["who_mean_3d"], last["who_grams_5d"]) == (0.0, 0.0, -1.0)
    assert (last["who_bad_3d"], last["who_settled_5d"]) == (0.5, 0.0)
    assert days[-2]["who_settled_5d"] == 1.0


def test_no_row_after_as_of():
    days = snapshots([event(0, at(18))])
    assert [r["day"].day for r in days] == [19, 20]


def test_no_rows_for_nobody():
    assert snapshots([event(0, at(3), place_id=None)], "place") == []


def test_a_gap_has_no_rows():
    days = [r["day"] for r in snapshots([event(0, datetime(2025, 2, 1)), event(1, at(15))])]
    assert datetime(2025, 2, 10) not in days
    assert datetime(2025, 3, 16) in days


@pytest.mark.capability("B2")
def test_label_is_null_until_known_and_keeps_rows():
    rows = [event(0, at(9), bad=1), event(1, at(10), bad=1)]
    with lent(rows, rows[:1]) as (_, events, outcomes):
        joined = batch.join_label(SMALL, events, outcomes).order_by("number")
        assert joined.bad.to_pyarrow().to_pylist() == [1, None]


def test_between_takes_whole_days():
    rows = [event(0, at(9, 23)), event(1, at(10, 0)), event(2, at(11, 23)), event(3, at(12, 0))]
    with lent(rows) as (_, events, _outcomes):
        inside = batch.between(SMALL, events, date(2025, 3, 10), date(2025, 3, 12))
        assert sorted(inside.number.to_pyarrow().to_pylist()) == [1, 2]


def many(count: int = 3_000):
    """Events in no order, several at the same moment."""
    draw = random.Random(5)
    return [
        event(
            i,
            START + timedelta(minutes=10 * draw.randrange(24 * 144)),
            who_id=f"p{draw.randrange(300)}",
            place_id=draw.randrange(40),
            cents=draw.randrange(10_000),
            bad=draw.randrange(2),
        )
        for i in range(count)
    ]


def bytes_of(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def written(rows, folder, as_of: date = AS_OF, threads: int = 1):
    source, out = write(rows, folder / "valid", as_of), folder / "out"
    out.mkdir()
    with ibis_session.connection(threads=threads) as backend:
        events, outcomes = ibis_session.read(backend, SMALL, source)
        events, outcomes = assemble.visible(backend, SMALL, events, outcomes, as_of)
        assemble.write_snapshots(backend, SMALL, events, outcomes, as_of, out)
    return bytes_of(out)


def test_snapshot_bytes_do_not_depend_on_threads_or_row_order(tmp_path):
    rows = many()
    one = written(rows, tmp_path / "one")
    random.Random(1).shuffle(rows)
    assert written(rows, tmp_path / "four", threads=4) == one
    assert set(one) == {f"{e}-2025-{m}.parquet" for e in ("who", "place") for m in ("02", "03")}


@pytest.mark.capability("C19", "C37")
def test_a_later_as_of_leaves_old_months_alone(tmp_path):
    rows = many()
    early = written(rows, tmp_path / "early", date(2025, 3, 4))
    late = written(rows, tmp_path / "late", AS_OF)
    assert early["who-2025-02.parquet"] == late["who-2025-02.parquet"]
    assert early["place-2025-02.parquet"] == late["place-2025-02.parquet"]
    assert early["who-2025-03.parquet"] != late["who-2025-03.parquet"]
