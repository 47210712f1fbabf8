"""One event at a time in plain Python: the same windows, from histories."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given

from plumbline.core.errors import PlumblineError
from plumbline.serve import single_event
from tests.code.test_batch import EVENTS, at
from tests.examples import examples
from tests.small import NAMES, SMALL, brute, event


def known(rows, one, late=None):
    """The histories that one event meets."""
    built = single_event.histories(SMALL, rows, rows if late is None else late)
    result = {e.name: built[e.name].get(one[e.column]) for e in SMALL.entities}
    return {name: history for name, history in result.items() if history}


def of(rows, one, late=None) -> dict[str, float]:
    return single_event.features(SMALL, one, known(rows, one, late))


@pytest.mark.mltest("Data 7", "Monitor 3")
@examples(40, nightly=600)
@given(EVENTS)
def test_equals_brute_force(rows):
    built, wanted = single_event.histories(SMALL, rows, rows), brute(rows)
    for one in rows:
        own = {e.name: built[e.name].get(one[e.column]) for e in SMALL.entities}
        result = single_event.features(
            SMALL, one, {name: past for name, past in own.items() if past}
        )
        assert {name: result[name] for name in NAMES} == wanted[one["number"]]


@pytest.mark.mltest("Data 7", "Monitor 3")
@pytest.mark.parametrize(
    ("before", "counted"), [(at(9, 0), 1), (at(9, 23, 59), 1), (at(8, 23, 59), 0), (at(10, 0), 0)]
)
def test_one_day_ends_at_midnight(before, counted):
    assert of([event(0, before)], event(1, at(10)))["who_count_1d"] == counted


@pytest.mark.parametrize(
    ("settled", "rate"), [(at(10, 0), 0.5), (at(9, 23), 1.0), (at(7, 0), 1.0), (at(6, 23, 59), 0.5)]
)
def test_an_outcome_counts_once_known_and_for_its_days(settled, rate):
    rows = [event(0, settled - timedelta(2), bad=1)]
    assert of(rows, event(1, at(10)))["who_bad_3d"] == rate


def test_fresh_leaves_ties_out():
    rows = [event(0, at(10, 9)), event(1, at(10, 10)), event(2, at(10, 10))]
    assert of(rows, rows[2])["who_count_today"] == 1.0
    assert of(rows, event(3, at(10, 0)))["who_count_today"] == 0.0


@pytest.mark.capability("C25")
def test_an_unknown_entity_has_the_defaults():
    result = single_event.features(SMALL, event(1, at(10), place_id=None), {})
    assert (result["who_count_1d"], result["who_bad_3d"], result["who_grams_5d"]) == (
        0.0,
        0.5,
        -1.0,
    )
    assert (result["place_sum_3d"], result["place_loss_5d"]) == (0.0, -2.0)


@pytest.mark.capability("C32")
def test_row_features_and_codes_follow():
    rows = [event(0, at(9), cents=30), event(1, at(10), cents=7, kind="b")]
    result = of(rows, rows[1])
    assert (result["per_place"], result["kind_code"]) == (37.0, 1.0)
    assert list(result) == [*NAMES, "per_place", "heavy_today", "surprise", "kind_code"]
    assert {type(value) for value in result.values()} == {float}


def test_no_history_of_one_without_an_id():
    built = single_event.histories(SMALL, [event(0, at(9), place_id=None)], [])
    assert list(built["place"]) == []
    assert list(built["who"]) == ["ann"]


def test_sums_divide_as_floats():
    big = 2**60 + 1
    rows = [event(0, at(9), cents=big), event(1, at(9, 13), cents=0), event(2, at(9), cents=0)]
    assert of(rows, event(3, at(10)))["who_mean_3d"] == float(big) / 3.0


def test_an_event_without_a_column_is_refused():
    one = event(0, datetime(2025, 3, 1))
    one["cens"] = one.pop("cents")
    with pytest.raises(
        PlumblineError, match=r"no 'cents', which small declares; did you mean 'cens'"
    ):
        single_event.features(SMALL, one, {})
