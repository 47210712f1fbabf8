"""The simulated year in short: the world's drifts, what they cost, and the loop's decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.year import compare, money, picture, planted, policies, service, watch, world
from bench.year.calendar import START, Year
from bench.year.evidence import Diary
from bench.year.service import Service
from bench.year.traffic import Client

YEAR = Year(seed=3, customers=150, terminals=120, served=14, fault=2, fault_days=2, pattern=6)


def test_world_goes_on_the_same_from_any_day():
    whole = [d for d in world.days(YEAR) if d.day >= YEAR.day(5)]
    later = list(world.days(YEAR, YEAR.day(5)))
    assert [d.sent["payment_id"].tolist() for d in whole] == [
        d.sent["payment_id"].tolist() for d in later
    ]
    assert sum(int(d.pattern.sum()) for d in whole) > 0
    assert not any(d.pattern.any() for d in whole[:1])


def test_unit_error_changes_what_is_sent_and_not_what_it_costs():
    day = next(world.days(YEAR, YEAR.day(2)))
    wrong = day.wrong
    assert 0.3 < wrong.mean() < 0.7
    assert (day.sent["amount_cents"][wrong] == 100 * day.amount[wrong]).all()
    nothing = money.cost(day, np.zeros(day.rows, int))
    assert nothing.cents == np.maximum(day.amount, 0)[day.fraud == 1].sum()


def test_decisions_have_their_prices():
    day = next(world.days(YEAR, START))
    day = replace(day, fraud=np.arange(day.rows) % 2, amount=np.full(day.rows, 1_000))
    each = [money.cost(day, np.full(day.rows, place)) for place in range(3)]
    frauds = int(day.fraud.sum())
    honest = day.rows - frauds
    assert [c.missed for c in each] == [1_000 * frauds, 50 * frauds, 0]
    assert [c.stopped for c in each] == [0, 100 * honest, 500 * honest]


def test_blocked_payment_tells_nothing_unless_it_was_explored():
    served = Service()
    logged = served.serve(next(world.days(YEAR)), None)
    logged.action[:] = money.BLOCK
    logged.action[0] = money.APPROVE
    served.learn(logged, 7)
    assert np.isnan(logged.label).tolist() == [False] + [True] * (len(logged.label) - 1)
    passed = np.mean([service.explored(k) for k in range(100_000)])
    assert passed == pytest.approx(service.EXPLORED, rel=0.1)


@pytest.fixture(scope="module")
def played():
    """The three policies with a model in a tiny world."""
    return {name: compare.play(YEAR, name) for name in ("frozen", "loop")}


@pytest.mark.capability("B11")
def test_loop_sees_the_unit_error_and_learns_from_none_of_its_days(played):
    happenings = played["loop"].happenings
    faulty = {h["day"] for h in happenings if h["what"] == "fault"}
    assert {str(YEAR.day(2)), str(YEAR.day(3))} <= faulty
    assert all("amount_cents" in h["why"] for h in happenings if h["what"] == "fault")


def test_every_policy_lives_through_the_same_frauds(played):
    assert played["frozen"].nothing == played["loop"].nothing
    assert sum(played["frozen"].costs) < sum(played["frozen"].nothing)


def test_days_left_out_are_not_learned_from():
    from bench.year import training

    served = Service()
    for day in world.days(YEAR):
        if day.day == YEAR.first:
            break
        served.serve(day, None)
        if len(served.days) > 7:
            served.learn(served.days[-8], 7)
    windows = training.splits.windows(policies.USECASE, training.WINDOWS, START, YEAR.first)
    first = windows["train"].start
    whole = training.columns(served.days, windows["train"])
    without = training.columns(served.days, windows["train"], {first})
    days = [set(c["paid_at"].astype("datetime64[D]").tolist()) for c in (whole, without)]
    assert days[0] - days[1] == {first}


def test_picture_is_a_picture(played):
    runs = [compare.asdict(p) for p in played.values()]
    runs.append({**runs[0], "policy": "weekly"})
    drawn = picture.draw(YEAR, runs)
    assert drawn.count("<polyline") == 3
    assert "unit error" in drawn
    assert watch.LIMITS.min_history == 7


class Answering(Client):
    """A client whose service refuses amounts beyond the contract and blocks every tenth payment."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.taken: list[int] = []
        self.outcomes: list[int] = []

    def _post(self, path, body):
        if path == "outcomes":
            self.outcomes += [o["payment_id"] for o in body["outcomes"]]
            return 200, {}
        bad = [i for i, e in enumerate(body["events"]) if abs(e["amount_cents"]) > service.LIMIT]
        if bad:
            return 422, {"problems": [{"event": i} for i in bad]}
        keys = [e["payment_id"] for e in body["events"]]
        self.taken += keys
        decisions = ["block" if k % 10 == 0 else "approve" for k in keys]
        return 200, {"answers": [{"decision": d, "arm": "champion"} for d in decisions]}


def test_refused_events_are_left_out_and_the_others_sent_once():
    client, days = Answering(), world.days(YEAR, YEAR.day(2))
    sent = client.day(next(days))
    keys = sent.payments.sent["payment_id"]
    assert sent.refused.any()
    assert client.taken == keys[~sent.refused].tolist()
    assert (sent.action[sent.refused] == money.APPROVE).all()
    for _ in range(7):
        client.day(next(days))
    known = set(client.outcomes)
    assert known == set(keys[sent.action != money.BLOCK].tolist())
    assert set(keys[sent.refused].tolist()) <= known


def test_diary_measures_from_the_first_step_to_the_last():
    diary = Diary()
    for name in ("drift", "champion", "champion"):
        diary.note(START, name, "")
    assert 0 <= diary.seconds("drift", "champion") < 60
    assert np.isnan(diary.seconds("drift", "never"))


@pytest.mark.parametrize(
    ("status", "share", "seconds", "wrong"),
    [("failed", 0, 0.0, False), ("failed", 5, 60.0, False), ("promoted", 5, 9.0, True),
     ("failed", 25, 9.0, True), ("failed", 1, 61.0, True)],
)  # fmt: skip
def test_bad_challenger_may_have_five_percent_for_a_minute(status, share, seconds, wrong):
    assert planted.PlantedEnd("inverted", False, status, "", share, seconds).wrong is wrong
