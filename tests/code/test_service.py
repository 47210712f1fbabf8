"""Requests without HTTP: answered whole or refused whole, counted once, logged as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.serve import single_event
from plumbline.serve.protocols import LogError, LoggedOutcome, StateError
from plumbline.serve.requests.waves import waves
from plumbline.serve.routes.document import Arm, changed
from plumbline.serve.state import plan, redis_seeding
from plumbline.serve.state.redis_keys import Keys
from plumbline.serve.state.redis_state import RedisState
from tests import servers, serviced
from tests.boosting import parcels
from tests.examples import examples
from tests.serviced import answers, body, counts, parcel
from tests.small import SMALL


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return serviced.made(tmp_path_factory.mktemp("service"))


@pytest.fixture
def service(base, tmp_path):
    with serviced.serving(base, tmp_path / "s", max_age=9) as one:
        yield one


def logged(service):
    service.parts.log.flush()
    return list(service.parts.reader.rows())


DAYS = [0, 0, 1, 1.2, 2, 0.5, 3]  # one is late
EVENTS = [parcel(i, days, sender=i % 2) for i, days in enumerate(DAYS)]


@pytest.mark.capability("C16")
def test_events_of_one_request_are_answered_as_one_by_one(base, tmp_path, service):
    together = answers(service, *EVENTS)
    with serviced.serving(base, tmp_path / "other", max_age=9) as other:
        assert together == [answers(other, one)[0] for one in EVENTS]
        assert [r.aggregates for r in sorted(logged(other), key=lambda r: r.key)] == [
            r.aggregates for r in sorted(logged(service), key=lambda r: r.key)
        ]


def test_an_answer_is_the_bundles_score_of_single_events_features(service):
    given_ = answers(service, *EVENTS)
    rows = {row.key: row for row in logged(service)}
    usecase, loaded = parcels(), next(iter(service.parts.live.router.current.loaded.values()))
    for place, one in enumerate(EVENTS):
        row = rows[one["number"]]
        before = [rows[e["number"]].event for e in EVENTS[:place]]
        known = single_event.histories(usecase, before, [])
        own = single_event.own_histories(usecase, row.event, known)
        columns = single_event.features(usecase, row.event, own)
        assert row.aggregates == (columns["sender_mean_7d"],)
        arrays = {
            n: np.array([v], object if isinstance(v, str) else None) for n, v in row.event.items()
        }
        table = {**arrays, "sender_mean_7d": np.array([columns["sender_mean_7d"]])}
        assert loaded.scorer.score(table).tolist() == [given_[place]["score"]] == list(row.score)


def test_a_retry_has_the_same_bytes_and_counts_nothing(service):
    first = service.score(body(*EVENTS), "a")
    before = counts(service)
    assert service.score(body(*EVENTS), "b").body == first.body
    service.parts.log.flush()
    assert service.score(body(*EVENTS), "c").body == first.body
    mixed = service.score(body(parcel(50, 3), *EVENTS[:2], parcel(50, 3)), "d")
    assert json.loads(mixed.body)["answers"][1:3] == json.loads(first.body)["answers"][:2]
    assert counts(service) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([parcel(1, height=3)], 409),
        ([parcel(7), parcel(7, height=3)], 409),
        ([parcel(8), parcel(9, height="x")], 422),
        ([parcel(8), parcel(9, 30), parcel(10)], 422),
        ([parcel(8), {**parcel(9), "more": 1}], 422),
        ([parcel(i) for i in range(100, 1101)], 422),
        ([], 422),
    ],
)
def test_what_is_refused_is_refused_whole(service, events, status):
    answers(service, parcel(1, 1))
    before = counts(service)
    reply = service.score(body(*events), "r")
    assert reply.status == status
    assert json.loads(reply.body)["problems"]
    assert counts(service) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from([*parcel(1), "events", "known_at"])
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(FIELDS, JSON, max_size=3).map(lambda some: body({**parcel(1), **some})),
)


@examples(60, nightly=1_000)
@given(data=BODIES)
def test_no_body_is_an_error_of_ours(service, data):
    for work in (service.score, service.outcomes, service.features, service.explain):
        assert work(data, "r").status in (200, 400, 404, 409, 422)


def test_outcomes_count_once(service):
    answers(service, *EVENTS)
    outcomes = json.dumps(
        {
            "outcomes": [
                {"number": 1, "broken": 1, "weight": 5},
                {"number": 999, "broken": 0, "weight": 5},
            ]
        }
    )
    first = service.outcomes(outcomes.encode(), "o")
    before = counts(service)
    assert (first.status, first.body) == (200, b'{"accepted":2,"repeated":0,"unknown":1}')
    again = b'{"accepted":2,"repeated":2,"unknown":0}'
    assert service.outcomes(outcomes.encode(), "p").body == again
    service.parts.log.flush()
    assert service.outcomes(outcomes.encode(), "q").body == again
    assert counts(service) == before
    rows = [row for row in logged(service) if isinstance(row, LoggedOutcome)]
    assert [(row.key, row.matched, dict(row.values)) for row in rows] == [
        (1, True, {"broken": 1, "weight": 5}),
        (999, False, {"broken": 0, "weight": 5}),
    ]


def test_a_restart_is_the_fold_of_the_log(base, tmp_path):
    with serviced.serving(base, tmp_path / "s") as one:
        answers(one, *EVENTS[:4])
        asked = one.features(body(*EVENTS[4:])).body
        first = one.score(body(*EVENTS[:4]), "r").body
    with serviced.serving(base, tmp_path / "s") as again:
        assert again.features(body(*EVENTS[4:])).body == asked
        assert again.score(body(*EVENTS[:4]), "r").body == first
        assert counts(again) == (4, 4)


def broken(service, monkeypatch):
    monkeypatch.setattr(service.parts.log, "_broken", "the disk is full")


def test_a_broken_log_refuses(service, monkeypatch):
    broken(service, monkeypatch)
    reply = service.score(body(parcel(1)), "r")
    assert (reply.status, reply.reason) == (503, "log")
    assert "the disk is full" in json.loads(reply.body)["error"]
    assert service.outcomes(b'{"number": 1, "broken": 1, "weight": 5}', "r").status == 503
    assert counts(service) == (0, 0)
    assert "the disk is full" in service.problem()


def test_a_broken_log_may_be_gone_without(base, tmp_path, monkeypatch):
    with serviced.serving(base, tmp_path / "s", unlogged=True) as service:
        whole = answers(service, *EVENTS[:2])
        broken(service, monkeypatch)
        assert answers(service, EVENTS[0]) == whole[:1]
        assert answers(service, EVENTS[2])[0]["flags"] == ["unlogged"]
        assert counts(service) == (2, 2)
        assert service.outcomes(b'{"number": 1, "broken": 1, "weight": 5}', "r").status == 503


@pytest.mark.parametrize(("stale", "status"), [("flag", 200), ("refuse", 503)])
def test_missing_days_are_flagged_or_refused(base, tmp_path, stale, status):
    with serviced.serving(base, tmp_path / "s", stale=stale, max_age=2) as service:
        answers(service, parcel(1))
        reply = service.score(body(parcel(2, 5)), "r")
        assert reply.status == status
        if status == 200:
            assert json.loads(reply.body)["answers"][0]["flags"] == ["stale"]
        else:
            assert "stale" in json.loads(reply.body)["error"]
            assert counts(service) == (1, 1)


def test_flags_say_what_was_not_known(service):
    first, again, other = answers(service, parcel(1), parcel(2), parcel(3, sender=9))
    assert [first["flags"], again["flags"], other["flags"]] == [["unknown"], [], ["unknown"]]
    late = answers(service, parcel(4, 2), parcel(5, 1))
    assert late[1]["flags"] == ["late"]


def test_a_shadow_scores_after_the_answer(service):
    router = service.parts.live.router
    other = router.arms.store.known()[-1]
    routes = changed(
        router.routes, [*router.routes.arms, Arm(name="next", bundle=other, mode="shadow")]
    )
    router.switch(routes, "a shadow", {other: router.load(other)})
    given_ = answers(service, *EVENTS[:3])
    assert {one["arm"] for one in given_} == {"champion"}
    service.parts.live.shadows.finish()
    rows = logged(service)
    assert [(r.sequence, r.mode) for r in rows] == [
        *((i, "live") for i in (1, 2, 3)),
        *((i, "shadow") for i in (4, 5, 6)),
    ]
    assert sorted(r.key for r in rows[3:]) == [0, 1, 2]
    assert rows[3].bundle == other
    assert answers(service, EVENTS[0]) == given_[:1]


def test_a_served_event_is_explained(service):
    (given_,) = answers(service, EVENTS[0])
    reply = service.explain(b'{"number": 0}')
    (found,) = json.loads(reply.body)["explanations"]
    assert (found["score"], found["same_score"]) == ([given_["score"]], True)
    by_request = json.loads(service.explain(b'{"request_id": "request"}').body)["explanations"]
    assert by_request == [found]
    assert service.explain(b'{"number": 77}').status == 404
    for odd in (
        b"{}",
        b'{"number": "0"}',
        b'{"number": true}',
        b'{"height": 1}',
        b'{"number": 1e30}',
    ):
        assert service.explain(odd).status in (404, 422), odd


def test_the_features_endpoint_counts_nothing(service):
    answers(service, *EVENTS[:3])
    before = counts(service)
    assert service.features(body(parcel(70, 300))).status == 200  # nor does it move the clock
    (found,) = json.loads(service.features(body(EVENTS[4])).body)["features"]
    assert counts(service) == before
    answers(service, EVENTS[4])
    row = logged(service)[-1]
    assert list(found["features"].values()) == [*row.aggregates, *row.computed]


def test_waves_keep_the_order_of_events_that_share_an_entity():
    events = [
        {"who_id": "ann", "place_id": 1},
        {"who_id": "bob", "place_id": 1},
        {"who_id": "eve", "place_id": 2},
        {"who_id": "eve", "place_id": 1},
        {"who_id": "dan", "place_id": None},
    ]
    assert waves(SMALL, events) == [[0, 2, 4], [1], [3]]
    assert waves(parcels(), [{"sender": 1}] * 3) == [[0], [1], [2]]


def test_what_cannot_be_folded_twice_is_logged_with_what_was(service, monkeypatch):
    add = service.parts.state.add_event

    def failing(row):
        if row.key == 1:
            raise LogError("planted")
        return add(row)

    monkeypatch.setattr(service.parts.state, "add_event", failing)
    assert service.score(body(*EVENTS[:2]), "r").status == 503
    assert [row.key for row in logged(service)] == [0]
    monkeypatch.undo()
    answers(service, *EVENTS[:2])
    assert [row.key for row in logged(service)] == [0, 1]


@pytest.mark.capability("C28")
def test_processes_that_share_the_state_count_an_event_once(base, tmp_path):
    keys = Keys(plan.compiled(parcels()), "d" * 32, 7, 9)
    with servers.redis() as address:
        host, _, password = address.partition(",password=")
        client = redis_seeding.connect(f"redis://:{password}@{host}/0")
        client.set(keys.of("seeded"), "{}")

        def process(name):
            state = RedisState(client, keys, 20148, 20148, name)
            return serviced.serving(
                base, tmp_path / "s", shared=lambda: state, writer=name, max_age=9
            )

        with process("w0") as one, process("w1") as other:
            first = answers(one, *EVENTS[:4])
            assert answers(other, *EVENTS[:4]) == first
            rest = answers(other, *EVENTS[4:])
            assert answers(one, *EVENTS[4:]) == rest
            assert other.score(body(parcel(0, height=3)), "r").status == 409
            logged(one)
            assert [r.sequence for r in logged(other)] == list(range(1, len(EVENTS) + 1))
            outcome = b'{"number": 1, "broken": 1, "weight": 5}'
            assert one.outcomes(outcome, "o").status == 200
            assert logged(one)[-1].sequence == len(EVENTS) + 1
        client.close()
    with serviced.serving(base, tmp_path / "alone", max_age=9) as alone:
        assert answers(alone, *EVENTS[:4]) + answers(alone, *EVENTS[4:]) == [*first, *rest]


def test_a_state_that_is_gone_refuses(service, monkeypatch):
    def gone(*_):
        raise StateError("Redis cannot be reached")

    monkeypatch.setattr(service.parts.state, "values", gone)
    reply = service.score(body(parcel(1)), "r")
    assert (reply.status, reply.reason, counts(service)) == (503, "state", (0, 0))
