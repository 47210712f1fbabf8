"""The check beside a service: quiet days are quiet, a planted fault is found in its first minute, and over when it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from plumbline.monitor.result import MonitorResult
from plumbline.ops.alerts import verdicts
from plumbline.ops.serving import live_checks, places
from plumbline.serve.http import gauges
from plumbline.serve.http.metrics import Metrics
from plumbline.serve.live_check import recorded
from plumbline.serve.live_check.check import LiveCheck
from plumbline.serve.live_check.distributions import exceeds, margin
from plumbline.serve.live_check.window import Baseline, Seen
from plumbline.serve.service import Service
from tests import serviced
from tests.boosting import COLUMNS, KINDS, Column, parcels
from tests.serviced import answers, body, parcel

START = datetime(2025, 3, 1)
SHARE = 0.02


def drawn(seed: int, count: int, hours: float = 24 * 30) -> list[Seen]:
    """Events over so many hours, answered by the bundle `md5`; the score follows the hour of the day."""
    r = np.random.default_rng(seed)
    result = []
    for place in range(count):
        at = START + timedelta(hours=hours * place / count)
        event = {
            "number": place,
            "at": at,
            "sender": int(r.integers(0, 20)),
            "height": int(r.integers(1, 200)),
            "kind": str(r.choice(KINDS)),
            "worth": int(r.integers(0, 5_000)),
        }
        score = float(r.uniform(0, 0.1) + 0.9 * (at.hour // 6 == 0) * r.uniform())
        result.append(Seen(event, "md5", score, bool(r.random() < SHARE)))
    return result


GOLDEN = drawn(1, 200)


def baseline(usecase=None, md5="md5") -> Baseline:
    scores = np.array([[one.score] for one in GOLDEN])
    known = recorded.distributions(usecase or parcels(), [one.event for one in GOLDEN], scores)
    return Baseline(md5, known, SHARE)


class Run:
    """A live check by a clock of its own."""

    def __init__(self, **changed) -> None:
        self.now, self.heard = 0.0, []
        known = baseline()
        self.check = LiveCheck(
            parcels(),
            lambda: "md5",
            lambda _: replace(known, **changed),
            lambda *one: self.heard.append(one),
            lambda: self.now,
        )

    def minute(self, events, refused: int = 0) -> list[str]:
        self.check.turn()
        self.check.seen(events)
        self.check.refused(refused)
        self.now += 61
        self.check.turn()
        return [one.check for one in self.check.state.findings]


@pytest.mark.capability("K19")
def test_quiet_days_have_no_finding():
    run = Run()
    quiet = [run.minute(drawn(seed, 200, 3 if seed % 2 else 240), 2) for seed in range(100, 220)]
    assert quiet == [[]] * 120
    assert len(run.heard) == 120
    assert run.check.state.unwatched == ()


def changed(**values):
    return lambda one: one._replace(event={**one.event, **values})


FAULTS = {
    "a unit": (
        lambda one: one._replace(event={**one.event, "worth": one.event["worth"] * 100}),
        ["worth"],
    ),
    "a default": (changed(worth=0), ["worth"]),
    "null": (changed(height=None), ["height"]),
    "one kind": (changed(kind="tube"), ["kind"]),
    "alarms": (
        lambda one: one._replace(alarm=one.alarm or one.event["number"] % 4 == 0),
        ["alarms"],
    ),
    "scores": (lambda one: one._replace(score=0.9 + one.score / 10), ["score"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_in_its_first_minute_and_over_when_it_is(fault):
    plant, expected = FAULTS[fault]
    run = Run()
    assert run.minute(drawn(7, 500, 5)) == []
    assert run.minute([plant(one) for one in drawn(8, 500, 5)]) == expected
    (found,) = run.check.state.findings
    assert found.found > found.tolerated
    assert run.minute(drawn(9, 500, 5)) == []
    assert [news for _, news in run.heard] == [False, True, True]


def test_refused_events_are_found_where_nothing_else_comes():
    run = Run()
    assert run.minute(drawn(7, 300, 5), refused=6) == []
    assert run.minute([], refused=250) == ["refused"]
    assert "250 events were refused, expected at most 2%" in run.check.state.findings[0].evidence


def test_a_window_waits_for_events_enough():
    run = Run()
    assert run.minute(drawn(7, 150)) == []
    assert run.check.state.at is None
    run.minute(drawn(8, 60))
    assert run.check.state.events == 210


def test_answers_of_other_bundles_are_no_scores_of_the_champion():
    run = Run()
    other = [one._replace(bundle="other", score=1.0, alarm=True) for one in drawn(8, 500, 5)]
    assert run.minute(other) == []


def test_a_new_champion_begins_a_new_window():
    champion, asked, now = ["a"], [], [0.0]

    def recorded_of(md5):
        asked.append(md5)
        return baseline(md5=md5)

    check = LiveCheck(parcels(), lambda: champion[0], recorded_of, clock=lambda: now[0])
    check.turn()
    check.seen(drawn(7, 500))
    check.turn()
    champion[0] = "b"
    now[0] += 61
    check.turn()
    assert (asked, check.state.at) == (["a", "b"], None)


def test_columns_of_the_calendar_are_not_watched():
    names = ("month", "day", "hour", "later")
    usecase = parcels(columns=(*COLUMNS, *(Column(n, "int", "-", n) for n in names)))
    events = [
        {**e, "day": e["at"].day, "month": e["at"].month, "hour": e["at"].hour, "later": place}
        for place, e in enumerate(one.event for one in GOLDEN)
    ]
    scores = np.array([[one.score] for one in GOLDEN])
    known = recorded.distributions(usecase, events, scores)
    watched = {name for name, one in known.items() if one.watched}
    assert watched == {"score", "height", "kind", "worth"}


def test_bounds_hold_what_they_say():
    r, chance = np.random.default_rng(5), 0.01
    for count in (200, 2000):
        hits = r.binomial(count, SHARE, 4000)
        assert np.mean([exceeds(int(h), count, SHARE, chance) for h in hits]) <= chance
    grid = np.arange(1, 201) / 200
    furthest = [np.abs(np.sort(r.random(200)) - grid).max() for _ in range(2000)]
    assert np.mean(np.array(furthest) > margin(200, chance)) <= 1.5 * chance


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return serviced.made(tmp_path_factory.mktemp("service"))


def test_a_service_notes_answers_and_refusals_and_shows_them(base, tmp_path):
    with serviced.serving(base, tmp_path / "s", max_age=9) as one:
        router, now = one.parts.live.router, [0.0]
        read = live_checks.baseline(router)
        check = LiveCheck(parcels(), lambda: router.routes.champion, read, clock=lambda: now[0])
        service, metrics = Service(replace(one.parts, live_check=check)), Metrics()
        gauges.register(metrics, service.parts)
        check.turn()
        answers(service, *(parcel(n, n / 100, worth=10**6, sender=n) for n in range(250)))
        assert service.score(body(parcel(900, 2, height=None)), "r").status == 422
        now[0] += 61
        check.turn()
        state = service.stats()["live_check"]
        assert (state["events"], round(state["shares"]["refused"], 4)) == (250, round(1 / 251, 4))
        assert state["distances"]["worth"] == 1.0
        text = metrics.text().decode()
        assert 'plumbline_live_column_distance{process="",usecase="parcels"} 1.0' in text
        assert json.dumps(state)


def test_findings_are_written_and_sent_as_alerts(tmp_path):
    folder = places.folder(tmp_path, "parcels")
    folder.mkdir(parents=True)
    run = Run()
    run.minute([FAULTS["a default"][0](one) for one in drawn(8, 500, 5)])
    live_checks._judged("parcels", folder, ".a", run.check.state, True)
    live_checks._judged("parcels", folder, ".b", run.check.state, False)
    (found,) = live_checks.current(tmp_path, "parcels")
    assert len((folder / "live_checks.jsonl").read_text().splitlines()) == 1
    whole = verdicts.with_live(MonitorResult(level="ok", findings=()), [found])
    assert (whole.level, whole.findings[0].check, whole.findings[0].column) == (
        "alert",
        "live_check",
        "worth",
    )
    later = run.check.state.at + timedelta(hours=2)
    assert live_checks.current(tmp_path, "parcels", later) == []
    assert verdicts.with_live(MonitorResult(level="ok", findings=()), []) == MonitorResult(
        level="ok", findings=()
    )
    (folder / "live_check.a.json").write_text("{")
    assert len(live_checks.current(tmp_path, "parcels")) == 1
