"""A share of the events whose decision withholds the outcome pass all the same, with their probability beside them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from plumbline.core.errors import SpecError
from plumbline.serve.online.actions import Action, Actions, drawn
from plumbline.serve.online.scorer import Scored
from plumbline.serve.routes.choice import slot
from plumbline.serve.routes.document import Arm, changed
from tests import serviced
from tests.boosting import KINDS
from tests.serviced import answers, parcel

NAMES = ("approve", "review", "block")
SCORED = Scored((), (), (0.9,), (0.9,), True, "block")


def bundle(*names, threshold=0.5, classes=()):
    policy = SimpleNamespace(names=names) if names else None
    manifest = SimpleNamespace(decisions=policy)
    return SimpleNamespace(manifest=manifest, threshold=threshold, classes=classes)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return serviced.made(tmp_path_factory.mktemp("service"))


def done(actions, scored=SCORED, model=None, keys=20_000):
    model = model or bundle(*NAMES)
    return [actions.of(scored, key, model, "salt") for key in range(keys)]


def test_one_blocked_event_in_a_hundred_passes():
    found = done(Actions(0.01, ["block"]))
    passed = [one for one in found if one.name == "approve"]
    assert 150 <= len(passed) <= 250
    assert set(passed) == {Action("approve", 0.01)}
    assert set(found) - set(passed) == {Action("block", 0.99)}
    assert sum(1 / one.propensity for one in passed) == pytest.approx(20_000, rel=0.25)


@pytest.mark.parametrize(
    ("actions", "scored", "expected"),
    [
        (Actions(0.0, ["block"]), SCORED, {("block", 1.0)}),
        (Actions(0.5, ["block"]), replace(SCORED, decision="review"), {("review", 1.0)}),
        (
            Actions(0.5, ["alarm"]),
            replace(SCORED, decision=None),
            {("alarm", 0.5), ("none", 0.5)},
        ),
        (
            Actions(0.5, ["alarm"]),
            replace(SCORED, decision="approve"),
            {("approve", 0.5), ("pass", 0.5)},
        ),
        (Actions(0.5, ["alarm"]), replace(SCORED, alarm=False, decision=None), {("none", 1.0)}),
        (Actions(0.5, ["block"]), Scored((), (), (), (), None, None, ("why",)), {("", 1.0)}),
        (Actions(0.5, NAMES), SCORED, {("block", 0.5), ("pass", 0.5)}),
    ],
)
def test_what_is_done(actions, scored, expected):
    assert set(done(actions, scored, keys=200)) == expected


def test_the_draw_is_that_of_the_salt_and_the_key_alone():
    keys = range(5000)
    assert [drawn("a", k) for k in keys] == [drawn("a", k) for k in keys]
    assert sum(drawn("a", k) < 0.1 and drawn("b", k) < 0.1 for k in keys) < 90
    arm = [slot("a", k) for k in keys if drawn("a", k) < 0.2]
    assert 0.4 < sum(one < 50 for one in arm) / len(arm) < 0.6


def test_a_decision_that_the_model_does_not_make_is_refused():
    with pytest.raises(SpecError, match=r"serve.withhold: 'blck' is no decision .*block"):
        Actions(0.01, ["blck"]).check(bundle(*NAMES))
    with pytest.raises(SpecError, match=r"'block' is no decision of the model; the model decides"):
        Actions(0.01, ["block"]).check(bundle(threshold=None))
    Actions(0.0, ["block"]).check(bundle(threshold=None))
    Actions(0.01, ["block", "alarm"]).check(bundle(*NAMES))


def test_answers_and_rows_say_what_was_done(base, tmp_path):
    events = [parcel(n, 0.1, height=10 + 5 * n, kind=KINDS[n % 2], sender=n) for n in range(80)]
    settings = {"explore": 0.4, "withhold": ("alarm",), "max_age": 9}
    with serviced.serving(base, tmp_path / "s", **settings) as service:
        router = service.parts.live.router
        shadow = Arm(name="later", bundle=router.routes.champion, weight=0, mode="shadow")
        router.switch(changed(router.routes, [*router.routes.arms, shadow]), "a shadow")
        given = answers(service, *events)
        service.parts.live.shadows.finish()
        rows = list(service.parts.reader.rows())
        live = {row.key: row for row in rows if row.mode == "live"}
        shadows = {(row.action, row.propensity) for row in rows if row.mode == "shadow"}
        assert answers(service, *events) == given
    alarms = [one for one in given if one["alarm"]]
    assert {one["action"] for one in alarms} == {"alarm", "none"}
    assert {one["action"] for one in given if not one["alarm"]} <= {"none"}
    for one in given:
        row = live[one["number"]]
        chance = {"alarm": 0.6, "none": 0.4}[one["action"]] if one["alarm"] else 1.0
        assert (row.alarm, row.action, row.propensity) == (one["alarm"], one["action"], chance)
    assert shadows == {("", 1.0)}
    with serviced.serving(base, tmp_path / "again", **settings) as service:
        assert [one["action"] for one in answers(service, *events)] == [o["action"] for o in given]


def test_an_event_that_is_not_logged_is_treated_as_decided(base, tmp_path, monkeypatch):
    events = [parcel(n, 0.1, height=10 + 5 * n, sender=n) for n in range(80)]
    settings = {"explore": 0.5, "withhold": ("alarm",), "unlogged": True, "max_age": 9}
    with serviced.serving(base, tmp_path / "s", **settings) as service:
        monkeypatch.setattr(service.parts.log, "ready", lambda: False)
        given = answers(service, *events)
    assert {(one["alarm"], one["action"]) for one in given} <= {(True, "alarm"), (False, "none")}
