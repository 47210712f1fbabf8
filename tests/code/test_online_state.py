"""The online state: what it gives is `single_event` over the seed's and the log's rows, in whatever order they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import PlumblineError
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.state.embedded import open_memory
from plumbline.serve.state.fold import fold
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import compiled, micros
from tests.code.test_tiles import written
from tests.examples import examples
from tests.small import SMALL, computed, event
from tests.states import EVENTS, SMALL_HOURS, event_row, outcome_row, rows_of, wanted

PLAN = compiled(SMALL_HOURS)
AS_OF = date(2025, 3, 20)
NOON = datetime(2025, 3, 20, 12)


def folded(rows, plan=PLAN, late_days=43) -> MemoryState:
    state = MemoryState(plan, late_days)
    fold(state, rows)
    return state


@pytest.mark.capability("C28", "C30")
@examples(40, nightly=1000)
@given(EVENTS, st.randoms(use_true_random=False))
def test_any_order_gives_single_event(rows, chance):
    log = rows_of(rows)
    chance.shuffle(log)
    state, half = MemoryState(PLAN, 43), len(log) // 2
    fold(state, log[:half])
    probe = chance.choice(rows)
    assert state.values(probe) == wanted(log[:half], probe)
    fold(state, log[half:])
    for one in rows:
        assert state.values(one) == wanted(log, one)
    assert state.watermark == len(log)


@pytest.mark.capability("C28", "C30")
@examples(10, nightly=300)
@given(EVENTS)
def test_a_draft_counts_as_if_folded(rows):
    log = [row for row in rows_of(rows) if isinstance(row, LoggedEvent)]
    half = len(log) // 2
    state = folded(log[:half])
    draft = state.draft()
    for row in log[half:]:
        draft.add_event({**row.event, "surprise": row.derived[0]})
    for one in rows:
        assert state.values(one, draft) == wanted(log, one)


MIDNIGHT = datetime(2025, 3, 20)


def many():
    return [
        event(i, NOON - timedelta(hours=5 * i), who_id=f"p{i % 3}", place_id=i % 2, cents=i, bad=i % 2)
        for i in range(3, 90)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The seed of many()."""
    return written(tmp_path_factory.mktemp("tiles"), many(), SMALL, AS_OF)


@pytest.mark.capability("C28", "C30")
@pytest.mark.parametrize("hours", [0, 1, 25, 49, 24 * 7])
def test_the_seed_gives_what_the_batch_gives(kept, hours):
    one = event(0, NOON + timedelta(hours=hours), who_id="p1")
    settled = [r for r in many() if MIDNIGHT <= r["known_at"] < one["at"]]
    state = open_memory(SMALL, kept, [outcome_row(r, i) for i, r in enumerate(settled, 1)])
    assert state.values(one) == list(computed([*many(), one], as_of=date(2025, 4, 1))[0].values())
    assert state.unknown(one) == []


def test_what_the_seed_holds_counts_once(kept):
    log = [event_row({**r, "surprise": 1}, i) for i, r in enumerate(many(), 1)]
    one = event(0, datetime(2025, 3, 14, 12), who_id="p1")
    plain = open_memory(SMALL, kept).values(one)
    assert open_memory(SMALL, kept, log).values(one) == plain
    before = replace(event_row({**one, "at": datetime(2025, 3, 13), "surprise": 1}, 99), key=99)
    assert open_memory(SMALL, kept, [before]).values(one) == plain
    later = replace(before, received=micros(MIDNIGHT))
    assert open_memory(SMALL, kept, [later]).values(one)[0] == plain[0] + 1


def test_a_late_event_is_of_its_own_day():
    today = [event_row(event(1, NOON, cents=5) | {"surprise": None}, 1)]
    late = event_row(event(2, NOON - timedelta(days=1), cents=7) | {"surprise": None}, 2)
    state = folded([*today, late])
    one = event(3, NOON + timedelta(minutes=1))
    values = dict(zip((a.name for a in SMALL_HOURS.aggregates), state.values(one), strict=True))
    assert (values["who_count_today"], values["who_count_1d"], values["place_sum_3d"]) == (1, 1, 7)


def test_a_shadow_a_repeated_row_and_a_second_outcome_count_nowhere():
    one = event(1, NOON, bad=1) | {"surprise": None}
    row, late = event_row(one, 1), outcome_row(one, 3)
    state = folded([row, replace(row, sequence=2, mode="shadow", key=7), row, late])
    second = replace(late, sequence=4, values={"bad": 0, "loss": None})
    assert state.add_outcome(second)
    probe = event(2, NOON + timedelta(days=3))
    assert state.values(probe) == wanted([row, late], probe)
    assert state.watermark == 4


def test_unknown_names_the_entities_never_seen():
    state = folded([event_row(event(1, NOON, place_id=None) | {"surprise": None}, 1)])
    one = event(2, NOON)
    assert state.unknown(one) == ["place"]
    assert state.unknown(event(2, NOON, place_id=None, who_id="new")) == ["who"]
    draft = state.draft()
    draft.add_event(one | {"surprise": None})
    assert state.unknown(one, draft) == []


def test_days_without_a_row_are_missing(kept):
    state = open_memory(SMALL, kept)
    assert state.missing_days(event(0, NOON)) == 0
    later = event(0, NOON + timedelta(days=4))
    assert state.missing_days(later) == 4  # the seed's last day is that before its midnight
    fold(state, [event_row(event(200, NOON + timedelta(days=1)) | {"surprise": None}, 1)])
    assert state.missing_days(later) == 3
    assert state.missing_days(event(0, NOON + timedelta(days=400))) == 5


def test_old_rows_go_as_days_pass():
    rows = [
        event_row(event(i, NOON + timedelta(hours=i)) | {"surprise": 0}, i + 1) for i in range(2000)
    ]
    state = folded(rows, late_days=2)
    tiles = sum(
        len(one.at) for tile_table in state.histories.cumulative_sums for one in tile_table.values()
    )
    assert tiles < 500
    assert len(state.recent.events) < 200
    probe = event(9999, NOON + timedelta(hours=2000))
    assert state.values(probe) == wanted(rows[-900:], probe)


def test_a_seed_of_other_features_is_refused(kept):
    with pytest.raises(PlumblineError, match="the tiles of small are of other features"):
        open_memory(SMALL_HOURS, kept)


def test_a_table_without_time_has_no_histories():
    plain = replace(
        SMALL, time=None, snapshots=(), fresh=(), rows=(), derived=(), label_delay=0, features=("cents",)
    )  # fmt: skip
    state = MemoryState(compiled(plain))
    row = replace(event_row(event(1, NOON) | {"surprise": None}, 1), derived=())
    fold(state, [row])
    assert (state.values(row.event), state.unknown(row.event), state.missing_days(row.event)) == (
        [],
        [],
        0,
    )
    assert state.add_outcome(outcome_row(event(1, NOON), 2))


def test_an_outcome_that_comes_after_forty_days_finds_its_event(kept) -> None:
    first = event(90_001, NOON, surprise=0)
    last = event(90_002, NOON + timedelta(days=40), surprise=0)
    late = outcome_row({**first, "known_at": NOON + timedelta(days=40)}, 3)
    for days, found in ((45, True), (8, False)):
        seed = replace(kept, recent_from=AS_OF - timedelta(days=days))
        state = open_memory(SMALL, seed, [event_row(first, 1), event_row(last, 2)], 7)
        assert state.add_outcome(late) is found
