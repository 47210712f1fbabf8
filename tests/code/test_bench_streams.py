"""MonitorBench's streams: the same past for all scenarios, true labels, labels that come in late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from bench.monitoring import streams
from bench.monitoring.populations import DELAY, Population, Size
from bench.monitoring.scenarios import BY_NAME, SCENARIOS
from sources.card_fraud.simulator import simulate

SMALL = Population(Size(400, train=21, valid=14, history=14, windows=3), 2)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Population]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONITORBENCH_CACHE", str(tmp_path_factory.mktemp("streams")))
        yield SMALL


def test_days_from_the_middle_are_as_in_the_whole() -> None:
    size = {"customers": 60, "terminals": 60}
    start, end, since = date(2025, 1, 1), date(2025, 1, 20), date(2025, 1, 16)
    whole = list(simulate(size, start, end, 7))
    assert list(simulate(size, start, end, 7, since=since)) == whole[15:]


def test_at_least_twenty_six_scenarios_and_twelve_faults() -> None:
    assert len(SCENARIOS) >= 26
    assert sum(s.fault for s in SCENARIOS) >= 12
    assert len(BY_NAME) == len(SCENARIOS)


def test_labels_of_the_last_days_are_not_known_at_the_start(population: Population) -> None:
    past = streams.past(population)
    assert len(past.days) == population.size.history
    assert all(np.isnan(d.label).all() for d in past.days[-DELAY:])
    assert not any(np.isnan(d.label).any() for d in past.days[:-DELAY])
    assert past.days[-1].last == np.datetime64(population.shock - timedelta(days=1))
    assert [d.last for d in past.unlabelled] == [d.last for d in past.days[-DELAY:]]


def test_without_a_change_a_stream_is_its_twin(population: Population) -> None:
    stream, twin = (f(population, BY_NAME["weekly"]) for f in (streams.stream, streams.twin))
    assert len(stream) == 3
    for one, other in zip(stream, twin, strict=True):
        np.testing.assert_array_equal(one.score, other.score)


def test_features_of_a_short_past_are_those_of_the_whole(population: Population) -> None:
    """A shock that does nothing is made by the short way: the same features and scores."""
    idle = BY_NAME["covariate_5"].__class__(
        "idle", "covariate", "nothing", ({"kind": "prices", "size": 0.0},)
    )
    for one, other in zip(
        streams.stream(population, idle), streams.twin(population, idle), strict=True
    ):
        for name in one.columns:
            np.testing.assert_array_equal(one.columns[name], other.columns[name], err_msg=name)
        np.testing.assert_array_equal(one.score, other.score)


def test_a_fault_leaves_the_labels_true(population: Population) -> None:
    faulty = streams.stream(population, BY_NAME["units"])[0]
    true = streams.twin(population, BY_NAME["units"])[0]
    np.testing.assert_array_equal(faulty.columns["payment_id"], true.columns["payment_id"])
    np.testing.assert_array_equal(faulty.label, true.label)
    wrong = faulty.columns["amount_cents"] != true.columns["amount_cents"]
    assert 0.01 < wrong.mean() < 0.12
    np.testing.assert_array_equal(
        faulty.columns["amount_cents"][wrong], 100 * true.columns["amount_cents"][wrong]
    )


def test_stale_snapshots_are_a_week_old(population: Population) -> None:
    stale = streams.stream(population, BY_NAME["stale"])[0].columns
    past = (
        streams.past(population).days[-7].columns
    )  # of the day a week before the first judged one
    known = dict(zip(past["customer_id"], past["customer_woe_7d"], strict=True))
    pairs = [
        (value, known[customer])
        for customer, value in zip(stale["customer_id"], stale["customer_woe_7d"], strict=True)
        if customer in known
    ]
    assert len(pairs) > 50
    assert all(one == other for one, other in pairs)


def test_faults_that_take_away(population: Population) -> None:
    assert [w.rows for w in streams.stream(population, BY_NAME["empty_day"])] == [0, 0, 0]
    assert "category" not in streams.stream(population, BY_NAME["missing_column"])[0].columns
    assert (
        streams.stream(population, BY_NAME["wrong_type"])[0].columns["amount_cents"].dtype == object
    )
    null = streams.stream(population, BY_NAME["all_null"])[0].columns["distance_m"]
    assert np.isnan(null.astype(float)).all()


def test_shuffled_days_hold_the_same_rows(population: Population) -> None:
    plain = streams.read(streams.prepare(population, "plain") / "history.parquet")
    shuffled = [
        streams.read(streams.prepare(population, "shuffled") / f"{n}.parquet")
        for n in ("history", "twin")
    ]
    days = np.concatenate([s["delivered"] for s in shuffled])
    counts = np.unique(days, return_counts=True)[1]
    assert len(counts) == population.size.history + population.size.windows
    assert counts.max() - counts.min() <= 1
    assert len(plain["payment_id"]) < len(days)


def test_hidden_windows_know_no_label(population: Population) -> None:
    hidden = streams.hide(streams.stream(population, BY_NAME["weekly"])[0])
    assert "is_fraud" not in hidden.columns
    assert not hidden.labelled.any()
    assert isinstance(pa.table(dict(hidden.columns)), pa.Table)
