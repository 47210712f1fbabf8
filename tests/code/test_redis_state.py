"""The online state in Redis: the embedded state's histories, from several processes, each event counted once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from plumbline.serve.protocols import Claim, StateError
from plumbline.serve.state import redis_seeding
from plumbline.serve.state.embedded import open_memory
from plumbline.serve.state.fold import fold
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import compiled, micros
from plumbline.serve.state.redis_keys import Keys
from plumbline.serve.state.redis_seeding import open_redis
from plumbline.serve.state.redis_state import RedisState
from tests import servers
from tests.code.test_online_state import AS_OF, MIDNIGHT, NOON, many
from tests.code.test_tiles import written
from tests.examples import examples
from tests.small import SMALL, event
from tests.states import EVENTS, SMALL_HOURS, event_row, outcome_row, rows_of, stream, wanted

PLAN = compiled(SMALL_HOURS)


@pytest.fixture(scope="module")
def url():
    with servers.redis() as address:
        host, _, password = address.partition(",password=")
        yield f"redis://:{password}@{host}/0"


@pytest.fixture
def client(url):
    client = redis_seeding.connect(url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return written(tmp_path_factory.mktemp("tiles"), many(), SMALL, AS_OF)


def opened(client, late_days=43) -> RedisState:
    """An empty state."""
    keys = Keys(PLAN, "d" * 32, late_days, late_days + 2)
    client.set(keys.of("seeded"), "{}")
    return RedisState(client, keys, -1_000_000, -1_000_000)


@pytest.mark.capability("C28", "C30")
@examples(25, nightly=400)
@given(EVENTS, st.randoms(use_true_random=False))
def test_any_order_in_two_processes_gives_single_event(url, rows, chance):
    client = redis_seeding.connect(url)
    client.flushall()
    states, log, done = [opened(client), opened(client)], rows_of(rows), []
    chance.shuffle(log)
    for i, row in enumerate(log):
        fold(chance.choice(states), [row])
        done.append(row)
        if i in (len(log) // 2, len(log) - 1):
            for one in rows[:6]:
                state = chance.choice(states)
                state._reads.clear()
                assert state.values(one) == wanted(done, one)
    client.close()


@pytest.mark.capability("C28", "C30")
@pytest.mark.parametrize(("seed", "late_days"), [(1, 1), (2, 7)])
def test_over_weeks_both_states_give_single_event(client, seed, late_days):
    embedded, shared, log = MemoryState(PLAN, late_days), opened(client, late_days), []
    for i, (one, rows) in enumerate(stream(seed, 120, late_days)):
        if i % 4 == 0:
            assert embedded.values(one) == shared.values(one) == wanted(log, one)
            assert embedded.unknown(one) == shared.unknown(one)
        fold(embedded, rows)
        fold(shared, rows)
        log += rows
    assert len(embedded.recent.events) < 100


def one_row(number=1, at=NOON, sequence=1, **other):
    return event_row(event(number, at, **other) | {"surprise": None}, sequence)


def test_a_key_is_claimed_once(client):
    first, second = opened(client), opened(client)
    row = replace(one_row(), digest=b"a" * 16, answer=b"first")
    assert first.find(row.key, 0) is None
    assert first.add_event(row) is None
    assert (first.watermark, second.newest_time) == (1, micros(NOON))
    claim = Claim(b"a" * 16, b"first")
    assert second.find(row.key, 0) == claim
    assert second.add_event(replace(row, digest=b"b" * 16, answer=b"second")) == claim
    probe = event(9, NOON + timedelta(days=1))
    assert second.values(probe) == wanted([row], probe)


@pytest.mark.capability("C28")
def test_retries_from_many_processes_count_once(client, url):
    opened(client)
    rows = [one_row(i % 20, NOON + timedelta(minutes=i % 20), i) for i in range(200)]
    counted = []

    def serve(part):
        state = opened(redis_seeding.connect(url))
        counted.extend(row.key for row in part if state.add_event(row) is None)
        state.client.close()

    threads = [threading.Thread(target=serve, args=(rows[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counted) == list(range(20))
    probe = event(99, NOON + timedelta(days=1))
    assert opened(client).values(probe) == wanted(rows[:20], probe)


def test_an_outcome_that_comes_first_waits(client):
    state, one = opened(client), event(1, NOON, bad=1) | {"surprise": None}
    outcome = outcome_row(one, 1)
    assert not state.add_outcome(outcome)
    row = event_row(one, 2)
    assert state.add_event(row) is None
    assert state.add_outcome(replace(outcome, values={"bad": 0, "loss": None}))
    probe = event(2, NOON + timedelta(days=3))
    assert state.values(probe) == wanted([row, outcome], probe)


def test_a_shadow_takes_a_sequence_and_counts_nowhere(client):
    state, row = opened(client), one_row()
    state.add_event(row)
    state.add_event(replace(row, key=7, mode="shadow"))
    assert state.watermark == 2
    assert state.find(7, 0) is None
    probe = event(9, NOON + timedelta(days=1))
    assert state.values(probe) == wanted([row], probe)


def test_unknown_and_missing_days_are_those_of_all_processes(client):
    first, second = opened(client), opened(client)
    assert second.unknown(event(2, NOON)) == ["who", "place", "all"]
    first.add_event(one_row(1, NOON - timedelta(days=1), place_id=None))
    assert second.unknown(event(3, NOON)) == ["place"]
    assert second.missing_days(event(3, NOON)) == 29
    draft = second.draft()
    draft.add_event(event(2, NOON) | {"surprise": None})
    assert second.unknown(event(3, NOON), draft) == []


def test_large_amounts_stay_exact(client):
    rows = [
        one_row(i, NOON, i, cents=cents) for i, cents in enumerate([2**63 - 1, 2**63 - 1, -7], 1)
    ]
    state = opened(client)
    fold(state, rows)
    probe = event(9, NOON + timedelta(days=1))
    assert state.values(probe) == wanted(rows, probe)


def test_an_outcome_of_the_far_future_removes_nothing(client):
    state = opened(client, late_days=2)
    log = [one_row(i, NOON + timedelta(days=i), i) for i in range(1, 60)]
    fold(state, log)
    tile_table = next(b for b in PLAN.tile_tables if b.name == "who.day")
    for i in range(3):
        state.add_event(one_row(100 + i, NOON + timedelta(days=59), 100 + i))
        known_at = NOON + timedelta(days=40_000 + i)
        state.add_outcome(outcome_row(event(100 + i, NOON) | {"known_at": known_at}, 200 + i))
    assert client.hlen(state.keys.tiles(tile_table, "ann")) > 12
    probe = event(999, NOON + timedelta(days=60))
    log += [one_row(100 + i, NOON + timedelta(days=59), 100 + i) for i in range(3)]
    assert state.values(probe) == wanted(log, probe)


def test_old_tiles_go(client):
    state = opened(client, late_days=2)
    fold(state, [one_row(i, NOON + timedelta(days=i), i) for i in range(60)])
    tile_table = next(b for b in PLAN.tile_tables if b.name == "who.day")
    assert client.hlen(state.keys.tiles(tile_table, "ann")) < 25
    assert 0 < client.pttl(state.keys.tiles(tile_table, "ann")) <= 20 * 86_400_000
    probe = event(99, NOON + timedelta(days=60))
    log = [one_row(i, NOON + timedelta(days=i), i) for i in range(60)]
    assert state.values(probe) == wanted(log, probe)


@pytest.mark.capability("C28", "C30")
def test_the_seed_gives_what_the_embedded_state_gives(client, url, kept):
    settled = [r for r in many() if r["known_at"] >= MIDNIGHT]
    log = [outcome_row(r, i) for i, r in enumerate(settled, 1)]
    log += [one_row(500 + i, NOON + timedelta(hours=i), 100 + i, who_id="p1") for i in range(9)]
    log += [event_row({**many()[0], "surprise": 3}, 200)]  # the seed has it
    state, embedded = open_redis(SMALL, kept, url), open_memory(SMALL, kept, log)
    fold(state, log)
    for hours in (-30, 0, 5, 30, 170):
        for who in ("p0", "p1", "new"):
            probe = event(0, NOON + timedelta(hours=hours), who_id=who)
            assert state.values(probe) == embedded.values(probe)
            assert state.unknown(probe) == embedded.unknown(probe)
            assert state.missing_days(probe) == embedded.missing_days(probe)


def test_it_is_filled_once_and_others_wait(client, url, kept, monkeypatch):
    monkeypatch.setattr(redis_seeding, "POLL", 0.01)
    fills = []
    fill = redis_seeding._fill
    monkeypatch.setattr(redis_seeding, "_fill", lambda *a: fills.append(1) or fill(*a))
    states = []
    threads = [
        threading.Thread(target=lambda: states.append(open_redis(SMALL, kept, url))) for _ in range(4)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(fills), len(states)) == (1, 4)
    probe = event(0, NOON, who_id="p1")
    assert {tuple(s.values(probe)) for s in states} == {
        tuple(open_memory(SMALL, kept).values(probe))
    }


def test_who_looked_before_it_was_filled_does_not_fill_it_again(client, url, kept, monkeypatch):
    first = []

    class Late(redis.Redis):
        def set(self, *words, **options):
            if not first:
                first.append(open_redis(SMALL, kept, url))  # another, between the look and the lock
                fold(first[0], [one_row(500, NOON - timedelta(days=1), 1, who_id="p1")])
            return super().set(*words, **options)

    late = Late.from_url(url)
    connect = iter([late])
    plain = redis_seeding.connect
    monkeypatch.setattr(redis_seeding, "connect", lambda url: next(connect, None) or plain(url))
    probe = event(0, NOON + timedelta(hours=1), who_id="p1")
    assert open_redis(SMALL, kept, url).values(probe) == first[0].values(probe)
    assert first[0].values(probe) != open_memory(SMALL, kept).values(probe)
    assert not client.exists(Keys(compiled(SMALL), "seed", 8, 10).of("seeding"))


def test_one_who_lost_the_lock_writes_nothing(client, url, kept):
    keys = Keys(compiled(SMALL), "seed", 8, 10)
    client.set(keys.of("seeding"), "another's")
    redis_seeding._fill(client, keys, kept, "mine")
    assert client.keys("*") == [keys.of("seeding").encode()]


def test_rows_that_redis_lacks_are_counted_again(client, url, kept):
    log = [one_row(500 + i, NOON + timedelta(hours=i), i, who_id="p1") for i in range(1, 9)]
    first = open_redis(SMALL, kept, url)
    fold(first, log[:5])
    state = open_redis(SMALL, kept, url, lambda after: log[after:])
    assert state.watermark == 8
    again = open_redis(SMALL, kept, url, lambda after: log, writer="b")
    assert again.watermark == 8
    probe = event(0, NOON + timedelta(hours=20), who_id="p1")
    wanted = open_memory(SMALL, kept, log).values(probe)
    assert state.values(probe) == again.values(probe) == wanted
    for name in client.scan_iter(f"{first.keys.of('')}*"):  # newer tiles: claims and sequence stay
        client.delete(name)
    newer = open_redis(SMALL, kept, url, lambda after: log[after:])
    assert (newer.watermark, newer.values(probe)) == (8, wanted)
    assert newer.find(log[0].key, 0) == Claim(log[0].digest.ljust(16, b"\0"), log[0].answer)


def test_a_server_that_lost_the_state_is_an_error_not_defaults(client):
    state = opened(client)
    state.add_event(one_row())
    client.flushall()
    for call in (
        lambda: state.values(event(2, NOON)),
        lambda: state.add_event(one_row(2)),
        lambda: state.add_outcome(outcome_row(event(3, NOON), 2)),
    ):
        with pytest.raises(StateError, match="does not have the online state any more; restart"):
            call()


def test_a_server_that_went_back_is_an_error(client):
    state = opened(client)
    fold(state, [one_row(1), one_row(2)])
    client.set(state.keys.sequence, 1)  # as from a copy that it wrote before the second row
    with pytest.raises(StateError, match="does not have the online state any more; restart"):
        state.add_event(one_row(3))
    with pytest.raises(StateError, match="restart"):
        state.values(event(9, NOON))


def test_a_server_that_drops_keys_is_refused(client, url, kept):
    client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(
        StateError, match=r"\(maxmemory-policy allkeys-lru\); the online state needs"
    ):
        open_redis(SMALL, kept, url)
    client.config_set("maxmemory-policy", "noeviction")


def test_a_server_that_is_not_there_is_one_message(kept):
    with pytest.raises(StateError, match=r"cannot be reached: Error 111 connecting to 127.0.0.1:9"):
        open_redis(SMALL, kept, "redis://:secret@127.0.0.1:9/0")
    with pytest.raises(StateError, match="expected redis://"):
        open_redis(SMALL, kept, "127.0.0.1:6379")
