"""The routes in a service: who answers, shadows, a canary that is watched, and commands by the control socket."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import BundleError, PlumblineError
from plumbline.model.threshold import Threshold
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.routes import arms as arm_loading
from plumbline.serve.routes import canary_watch, choice, document, routes_file
from plumbline.serve.routes.document import Arm
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.route_commands import RouteCommands
from tests.boosting import parcels
from tests.routed import events_table, retrained, router_of, three

EVENTS, AGGREGATES = arm_loading.plain_events(parcels(), events_table(60, seed=4))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return three(tmp_path_factory.mktemp("models"))


Opened = tuple[LiveRoutes, list[str], list[Callable[[], None]]]


def opened(folder: Path, models: list[Path], *, challenger: int = 0) -> Opened:
    """Live routes; with a challenger at so many percent."""
    router, md5s = router_of(folder, models)
    waiting: list[Callable[[], None]] = []
    live = LiveRoutes(router, waiting.append)
    if challenger:
        arm = Arm(name="b", bundle=md5s[1])
        routes = document.with_weights(document.with_arm(router.routes, arm), {"b": challenger})
        routes = routes.model_copy(update={"version": 2})
        router.switch(routes, "b", {md5s[1]: router.load(md5s[1])})
    return live, md5s, waiting


def do(live: LiveRoutes, do_: str, **request: Any) -> dict[str, Any]:
    """The answer of a control command."""

    async def ask() -> dict[str, Any]:
        handlers: dict[str, Any] = {}
        RouteCommands({"parcels": live}).register(handlers.__setitem__)
        found: dict[str, Any] = await handlers[do_]({"do": do_, "usecase": "parcels", **request})
        return found

    return asyncio.run(ask())


@pytest.mark.capability("J4")
def test_each_event_is_answered_by_the_arm_of_its_entity(tmp_path: Path, models: list[Path]):
    live, md5s, _ = opened(tmp_path, models, challenger=50)
    given = live.answer(EVENTS, AGGREGATES).ordered()
    for event, (arm, _) in zip(EVENTS, given, strict=True):
        expected = choice.choice(live.router.routes, event["sender"])
        assert (arm.name, arm.bundle) == (expected.name, expected.bundle)
    assert {arm.bundle for arm, _ in given} == set(md5s[:2])
    loaded = live.router.current.loaded
    alone = {m: loaded[m].compiled.score(EVENTS, AGGREGATES) for m in md5s[:2]}
    assert [s for _, s in given] == [alone[a.bundle][i] for i, (a, _) in enumerate(given)]


def test_the_champion_answers_for_an_arm_that_fails(
    tmp_path: Path, models: list[Path], monkeypatch
):
    live, md5s, _ = opened(tmp_path, models, challenger=50)
    broken = live.router.current.loaded[md5s[1]].compiled
    right = CompiledScorer.of

    def of(self: CompiledScorer, computed: Any) -> Any:
        if self is broken:
            raise ValueError("planted")
        return right(self, computed)

    monkeypatch.setattr(CompiledScorer, "of", of)
    given = live.answer(EVENTS, AGGREGATES).ordered()
    assert {(arm.name, arm.bundle) for arm, _ in given} == {("champion", md5s[0])}
    live.router.switch(document.to_bundle(live.router.routes, md5s[1]), "switch")
    with pytest.raises(ValueError, match="planted"):
        live.answer(EVENTS, AGGREGATES)


@pytest.mark.capability("J4")
def test_a_shadow_scores_the_same_vectors_after_the_answer(tmp_path: Path, models: list[Path]):
    live, md5s, waiting = opened(tmp_path, models)
    do(live, "routes", action="add", name="s", bundle=md5s[1], mode="shadow")
    found: list[Any] = []
    given = live.answer(EVENTS, AGGREGATES)
    live.shadow(given, lambda arm, places, scored: found.append((arm.name, list(places), scored)))
    assert {arm.bundle for arm, _ in given.ordered()} == {md5s[0]}
    assert not found
    while waiting:
        waiting.pop(0)()
    expected = live.router.current.loaded[md5s[1]].compiled.score(EVENTS, AGGREGATES)
    assert found == [("s", list(range(60)), expected)]
    assert do(live, "routes")["shadows"] == {"s": {"scored": 60, "dropped": 0, "failed": 0}}


@pytest.mark.capability("H8")
@pytest.mark.parametrize("place", [0, 1], ids=["the same bundle", "another of the same trees"])
def test_an_equal_challenger_becomes_the_champion(tmp_path: Path, models: list[Path], place: int):
    live, md5s, waiting = opened(tmp_path, models)
    assert watched(live, waiting, md5s[place]) == ("passed", [5, 25, 100])
    assert live.router.routes.champions[0] == md5s[place]
    assert live.router.current.alone is not None
    assert live.router.routes.canary is None
    what = [e.what for e in journal(live)]
    assert what[-1] == "canary passed"
    assert "canary at 25 %" in what


@pytest.mark.capability("H8")
def test_a_worse_challenger_is_left(tmp_path: Path, models: list[Path]):
    worse = retrained(models[0], tmp_path / "worse", threshold=Threshold(0.0001, "f1", 0.5, 1.0))
    live, md5s, waiting = opened(tmp_path / "s", [models[0], worse])
    status, steps = watched(live, waiting, md5s[1])
    assert status == "aborted"
    assert 100 not in steps
    assert live.router.routes.champions == (md5s[0],)
    assert live.router.current.alone is not None
    assert live.router.current.alone.bundle == md5s[0]
    said = do(live, "canary")["canary"]
    assert "alarm rate" in said["reason"]
    assert said["reason"] in said["lines"][0]


def test_only_so_many_of_the_champions_events_are_scored_by_the_challenger(
    tmp_path: Path, models: list[Path]
):
    live, md5s, waiting = opened(tmp_path, models)
    do(live, "canary", action="start", bundle=md5s[1])
    for _ in range(5):
        for start in range(0, 60, 20):
            live.answer(EVENTS[start : start + 20], AGGREGATES[start : start + 20])
    while waiting:
        waiting.pop(0)()
    counts = live.watch.stats().paired
    assert canary_watch.MORE - 20 < counts.events - counts.own <= canary_watch.MORE
    live.watch.tick()
    live.answer(EVENTS[:20], AGGREGATES[:20])
    while waiting:
        waiting.pop(0)()
    assert live.watch.stats().paired.events > counts.events


def watched(live: LiveRoutes, waiting: list[Callable[[], None]], md5: str) -> tuple[str, list[int]]:
    """Run a canary with traffic; its end, and the steps that it reached."""
    live.watch._clock = clock = Clock()
    plan = {"seconds": 5, "events": 5, "spare": 1e6}  # times are real, and the machine may be busy
    do(live, "canary", action="start", bundle=md5, plan=plan)
    routes = live.router.routes
    sizes = {a.name: a.weight for a in routes.arms}
    assert sizes == {"baseline": 1, "champion": 98, "canary": 1}
    steps: list[int] = []
    while live.watch.running and clock.now < 300:
        events = [{**e, "sender": e["sender"] * 1000 + int(clock.now)} for e in EVENTS * 4]
        live.answer(events, list(AGGREGATES) * 4)
        while waiting:
            waiting.pop(0)()
        clock.now += 1
        live.watch.tick()
        percent = live.watch.state.percent
        if percent not in (1, *steps):
            steps.append(percent)
    return live.watch.state.status, steps


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def journal(live: LiveRoutes) -> list[routes_file.RoutesEntry]:
    live.router.writer.flush(60)
    return routes_file.history(live.router.writer.folder)


@pytest.mark.capability("J5")
def test_the_red_button_ends_a_canary(tmp_path: Path, models: list[Path]):
    live, md5s, _ = opened(tmp_path, models)
    do(live, "canary", action="start", bundle=md5s[1])
    with pytest.raises(PlumblineError, match="a canary is under way, which sets the weights"):
        do(live, "routes", action="set", weights={"canary": 50})
    with pytest.raises(PlumblineError, match="a canary is under way; wait"):
        do(live, "canary", action="start", bundle=md5s[1])
    shutil.rmtree(tmp_path)  # the disk, the challenger's files, all gone
    state = do(live, "red-button")
    assert state["routes"]["champions"] == [md5s[0]]
    assert live.watch.state.status == "aborted"
    assert {a["bundle"] for a in state["routes"]["arms"]} == {md5s[0]}


def test_commands_of_a_running_service(tmp_path: Path, models: list[Path]):
    live, md5s, _ = opened(tmp_path, models)
    assert do(live, "routes", usecase="other") == {"served": False}
    do(live, "routes", action="add", name="b", bundle=md5s[1])
    state = do(live, "routes", action="set", weights={"b": 25})
    assert [a["weight"] for a in state["routes"]["arms"]] == [75, 25]
    assert state["unwritten"] == ""
    do(live, "routes", action="switch", bundle=md5s[2])
    assert live.router.current.alone.bundle == md5s[2]
    assert do(live, "red-button")["routes"]["champions"][0] == md5s[0]
    what = [e.what for e in journal(live)]
    assert what[-4:] == [f"add b {md5s[1]}", "set b=25", f"switch {md5s[2]}", "red-button"]


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        ({"action": "ad"}, "no action 'ad'; did you mean 'add'"),
        ({"action": "add", "name": "b"}, "routes add: expected bundle, found none"),
        ({"action": "add", "name": "b", "bundle": "../.."}, "routes add: not what it takes"),
        ({"action": "set", "weights": 5}, "routes set: not what it takes"),
        ({"action": "set", "weights": {"champion": "x"}}, "routes set: not what it takes"),
        ({"action": "add", "name": "b", "bundle": "0" * 32 + ".dir"}, "not in .*add it again"),
    ],
)
def test_what_cannot_be_changes_nothing(
    tmp_path: Path, models: list[Path], request_: dict[str, Any], match: str
):
    live, _, _ = opened(tmp_path, models[:1])
    before = live.router.current
    with pytest.raises(PlumblineError, match=match):
        do(live, "routes", **request_)
    assert live.router.current is before


def test_a_change_during_a_load_wins(tmp_path: Path, models: list[Path], monkeypatch):
    live, md5s, _ = opened(tmp_path, models, challenger=5)
    load = live.router.load

    def slow(md5: str) -> Any:
        live.router.red_button()  # pressed while the bundle is read
        return load(md5)

    monkeypatch.setattr(live.router, "load", slow)
    with pytest.raises(PlumblineError, match="changed meanwhile"):
        do(live, "routes", action="switch", bundle=md5s[2])
    assert live.router.current.alone.bundle == md5s[0]


def test_a_damaged_bundle_is_not_added(tmp_path: Path, models: list[Path]):
    live, md5s, _ = opened(tmp_path, models)
    (live.router.arms.store.model(md5s[1]) / "model.ubj").write_bytes(b"x")
    for request in ({"action": "add", "name": "b"}, {"action": "switch"}):
        with pytest.raises(BundleError, match="damaged"):
            do(live, "routes", bundle=md5s[1], **request)
    with pytest.raises(BundleError, match="damaged"):
        do(live, "canary", action="start", bundle=md5s[1])
    assert live.router.routes.version == 1
