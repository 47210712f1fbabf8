"""Experiments: a declaration judged at every look on what was served, by entity; guardrails, assignment, the end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench import experiments as bench
from plumbline.__main__ import main
from plumbline.core import sealed_days
from plumbline.core.errors import PlumblineError
from plumbline.metrics import assignment
from plumbline.metrics.entity_means import EntitySums
from plumbline.ops.experiments import (
    declaration,
    event_rows,
    experiment_files,
    experiment_page,
    experimenting,
    observed_values,
    pilots,
    terms,
)
from plumbline.ops.experiments.event_rows import Outcome
from plumbline.ops.experiments.terms import Terms
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.rollback import journal
from plumbline.report import html, markdown
from plumbline.serve.routes import document
from plumbline.serve.routes.document import Arm
from plumbline.serve.routes.live import LiveRoutes
from tests import experimented, logged, promoted, sealed
from tests.experimented import FIRST, Traffic, declared
from tests.routed import router_of, three
from tests.small import SMALL

RAILS = {
    "latency": {"worse": "higher", "limit": 200.0},
    "decision:block": {"worse": "higher", "limit": 0.01},
}


@pytest.fixture(scope="module")
def fewer(tmp_path_factory):
    """A challenger that raises half the alarms."""
    return experimented.sealed(tmp_path_factory.mktemp("fewer"), Traffic(lift=0.5, blocked=0.3))


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory):
    """A shadow that raises seven of ten alarms, of which half are blocked."""
    traffic = Traffic(lift=0.7, shadow=True, blocked=0.5)
    return experimented.sealed(tmp_path_factory.mktemp("shadowed"), traffic)


def plan_terms(**changed):
    values = {
        "metric": "alarms", "effect": 0.1, "relative": True, "better": "lower", "treatments": {}, "control": "champion",
        "paired": False, "guardrails": {}, "hypothesis": None, "start": None, "days": 28, "power": 0.8, "alpha": 0.05,
        "past": DayRange(),
    }  # fmt: skip
    return Terms(**values | changed)


@pytest.mark.capability("I8")
def test_a_difference_is_found_and_the_arms_figures_are_those_served(fewer):
    report = experimenting.judged(fewer, "x", declared(guardrails=RAILS))
    (one,) = report.differences
    assert report.status == "better"
    assert one.interval.low < -0.1 < one.interval.high < 0
    assert one.decided is not None
    assert len(one.looks) == 4
    assert {arm.name for arm in report.arms} == {"champion", "challenger"}
    assert sum(arm.entities for arm in report.arms) == pytest.approx(300, abs=5)
    assert [rail.kept for rail in report.guardrails] == [True, True]
    assert not report.assignment.mismatch
    assert report.left_out == {}


def test_an_opposite_wish_makes_it_worse_and_a_broken_guardrail_comes_first(fewer):
    report = experimenting.judged(fewer, "x", declared(better="higher"))
    assert report.status == "worse"
    rails = {"alarms": {"worse": "lower", "limit": 0.01}}
    report = experimenting.judged(fewer, "x", declared(metric="score", guardrails=rails))
    assert report.status == "guardrail"
    assert "alarm" in report.verdict


def test_entities_that_do_not_come_as_planned_make_it_invalid(fewer):
    shares = {"champion": 20, "challenger": 80}
    report = experimenting.judged(fewer, "x", declared(shares=shares))
    assert report.status == "invalid"
    assert report.assignment.mismatch


def test_what_needs_a_label_counts_once_it_is_due(fewer):
    early = experimenting.judged(fewer, "x", declared(metric="label"), date(2025, 7, 7))
    assert [arm.events for arm in early.arms] == [0, 0]
    assert early.status == "running"
    later = experimenting.judged(fewer, "x", declared(metric="label"), date(2025, 7, 9))
    full = experimenting.judged(fewer, "x", declared(metric="label"))
    assert 0 < later.arms[0].events < full.arms[0].events
    assert full.status in ("better", "worse", "no difference")


def test_blocked_events_are_weighed_and_not_left_out(tmp_path):
    traffic = Traffic(blocked=0.9, passed=0.2, customers=500)
    project = experimented.sealed(tmp_path, traffic)
    report = experimenting.judged(project, "x", declared(metric="label", better="lower"))
    control = next(arm for arm in report.arms if arm.name == "champion")
    assert control.mean == pytest.approx(0.2 * 0.5 + 0.8 * 0.01, abs=0.03)
    assert report.left_out == {}


def test_an_event_let_through_counts_for_the_blocked_ones_of_its_own_arm():
    """Weights are those of the log, not shares of what is due so far: those change from look to look."""
    project = experimented.project(Path("."))
    n = 4
    rows = event_rows.joined([], [])
    own = {
        "action": np.array(["approve", "approve", "block", "approve"], object),
        "propensity": np.array([1.0, 0.01, 0.99, 0.01]), "key": np.array([1, 2, 3, 4], object),
        "unit": np.array([1, 2, 3, 4], object), "arm": np.array(["a", "a", "a", "b"], object),
    }  # fmt: skip
    rest = {
        f.name: np.zeros(n, getattr(rows, f.name).dtype)
        for f in fields(rows)
        if f.name != "columns"
    }
    outcomes = {key: Outcome(0, 0, key, {"is_fraud": 1}) for key in (1, 2)}
    seen = observed_values.observed(
        replace(rows, **rest | own), outcomes, project.judgement(), ["label"], 30
    )
    assert seen.metrics["label"].weight.tolist() == [1.0, 100.0, 0.0, 0.0]


def test_events_that_never_get_a_label_are_said(tmp_path):
    project = experimented.sealed(tmp_path, Traffic(blocked=0.9, passed=0.0))
    report = experimenting.judged(project, "x", declared(metric="label"))
    assert sum(report.left_out.values()) > 100
    assert any("no label can come" in warning for warning in report.warnings)


def test_a_paired_comparison_is_made_event_by_event(shadowed):
    report = experimenting.judged(shadowed, "x", declared(design="paired"))
    (arm,) = report.arms
    assert report.status == "better"
    assert arm.mean == pytest.approx(-0.06, abs=0.02)
    assert report.assignment is None
    cost = experimenting.judged(
        shadowed, "x", declared(design="paired", metric="cost", effect=100.0)
    )
    assert cost.differences[0].interval.low < cost.differences[0].interval.high


def test_an_entity_stays_in_the_arm_of_its_first_event():
    seen = replace(
        observed_values.nothing(["alarms"]),
        unit=np.array([1, 1, 2, 2]),
        arm=np.array(["a", "b", "b", "b"], object),
        day=np.array([1, 2, 1, 2]),
        metrics={},
    )
    kept, crossed = seen.without_crossing()
    assert kept.arm.tolist() == ["a", "b", "b"]
    assert crossed == 1


def test_the_log_and_sealed_days_say_the_same(tmp_path):
    """Each payer in one arm; the last day stays in the log."""
    rows = []
    for number in range(1, 241):
        arm, day = ("champion", "challenger")[number % 2], number // 80
        event = {**logged.EVENT, "number": number, "who_id": f"payer {number % 80}"}
        alarm = number % (5 if arm == "champion" else 3) == 0
        received = logged.NOON + day * logged.DAY
        rows.append(
            logged.row(number, received=received, event=event, arm=arm, alarm=alarm, micros=number)
        )
    root = sealed.project(tmp_path, rows)
    project = replace(experimented.project(root), usecase=SMALL)
    one = declared(
        start=sealed.FIRST, unit="who", better="higher", guardrails={"latency": RAILS["latency"]}
    )
    before = experimenting.judged(project, "x", one)
    assert [arm.entities for arm in before.arms] == [40, 40]
    assert sum(arm.events for arm in before.arms) == 240
    sealed.seal(root, now=sealed.FIRST + timedelta(days=2))
    assert sealed_days.listed(root / sealed.FOLDER)
    assert experimenting.judged(project, "x", one).plain() == before.plain()
    assert "cannot tell" in " ".join(experiment_page.lines(before))


def test_nothing_served_yet(fewer):
    report = experimenting.judged(fewer, "x", declared(start="2026-01-01"))
    assert report.status == "waiting"
    assert "2026-01-01" in report.verdict
    assert html.render(experiment_page.blocks(report))


def test_the_page_names_what_was_found(fewer):
    report = experimenting.judged(fewer, "x", declared(guardrails=RAILS))
    text = markdown.file(experiment_page.blocks(report))
    assert "Better: challenger is better than champion" in text
    assert "share of events with the decision block" in text
    assert "day by day" in html.render(experiment_page.blocks(report))
    assert next(experiment_page.lines(report)).startswith("card_fraud/x: Better")


def test_it_is_declared_looked_at_and_ended(tmp_path):
    project = experimented.sealed(tmp_path, Traffic(lift=0.5))
    with pytest.raises(PlumblineError, match=r"served already, .* expected 2025-07-05 or later"):
        experimenting.new(project, "fewer", declared())
    file = experiment_files.write(tmp_path, "card_fraud", "fewer", declared())
    assert experiment_files.load(tmp_path, "card_fraud", "fewer") == declared()
    with pytest.raises(PlumblineError, match="there is one already"):
        experimenting.new(project, "fewer", declared(start="2025-07-05"))
    before = experimenting.status(project, "fewer")
    report = experimenting.ending(project, "fewer", None)
    page, _ = experimenting.stop(project, report)
    assert report.keep == "challenger"
    assert "arm kept: challenger" in page.read_text()
    ended = experiment_files.load(tmp_path, "card_fraud", "fewer").ended
    assert (ended.keep, ended.verdict) == ("challenger", before.verdict)
    (entry,) = journal.experiments(tmp_path)
    assert (entry.action, entry.keep, entry.verdict) == ("stop", "challenger", before.verdict)
    assert entry.file_sha256 == sha256(file)
    assert file.read_text().startswith("# An experiment")
    with pytest.raises(PlumblineError, match="ended on 2025-07-04 already"):
        experimenting.ending(project, "fewer", None)
    assert experimenting.status(project, "fewer").differences == before.differences


def test_a_declaration_is_in_the_audit_log(fewer, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    file = experimenting.new(replace(fewer, root=tmp_path), "later", declared(start="2025-07-05"))
    (new,) = journal.experiments(tmp_path)
    assert (new.who, new.action, new.usecase, new.name) == ("Ada", "new", "card_fraud", "later")
    assert (new.arms, new.first) == ({"champion": 50, "challenger": 50}, "2025-07-05")
    assert (new.file, new.file_sha256) == ("experiments/card_fraud/later.yaml", sha256(file))
    assert journal.audit(tmp_path) == [], "no rollback"


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"metric": "alarm"}, "no metric 'alarm'; did you mean 'alarms'"),
        ({"guardrails": {"blocks": RAILS["latency"]}}, "no metric 'blocks'"),
        ({"unit": "custommer"}, "expected an entity of the use case; did you mean 'customer'"),
        ({"unit": "terminal"}, "arms are chosen by customer"),
        ({"design": "paired", "metric": "latency"}, "a shadow answers nobody"),
    ],
)
def test_a_declaration_that_does_not_fit_is_one_message(fewer, changed, text):
    with pytest.raises(PlumblineError, match=text):
        experimenting.check(fewer, "x", declared(**changed))


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"shares": {"champion": 50}}, "shares: expected one for each of champion, challenger"),
        ({"shares": {"champion": 60, "challenger": 50}}, "shares: expected percentages that sum to 100 at most, found 110"),
        ({"design": "paired"}, "shares: expected none"),
        ({"treatments": ["champion"]}, "treatments: expected arms of different names"),
        ({"treatments": []}, "treatments: "),
        ({"effect": 0}, "effect: Input should be greater than 0, found 0"),
        ({"days": 1000}, "days: "),
        ({"start": "soon"}, "start: .* found 'soon'"),
        ({"powr": 0.8}, "powr: unknown key; did you mean 'power'"),
        ({"metric": None}, "metric: "),
        ({"ended": {"day": "2025-06-01", "verdict": "x", "keep": "champion"}}, "ended.day: expected 2025-07-01"),
        ({"ended": {"day": "2025-07-09", "verdict": "x", "keep": "third"}}, "ended.keep: expected one of"),
    ],
)  # fmt: skip
def test_a_bad_declaration_is_one_message(changed, text):
    value = declared().model_dump(mode="json", exclude_none=True) | changed
    with pytest.raises(PlumblineError, match=f"^x.yaml, {text}"):
        declaration.parsed("x.yaml", value)


def test_a_file_that_is_no_declaration(tmp_path):
    folder = tmp_path / "experiments" / "card_fraud"
    folder.mkdir(parents=True)
    (folder / "list.yaml").write_text("- 1\n")
    (folder / "torn.yaml").write_text("a: [\n")
    for name, text in {
        "list": "expected keys like",
        "torn": "not valid YAML",
        "missing": "no such experiment; choose one of: list, torn",
        "../x": "expected a name of small letters",
    }.items():
        with pytest.raises(PlumblineError, match=text):
            experiment_files.load(tmp_path, "card_fraud", name)


def test_an_unquoted_day_is_taken(tmp_path):
    folder = tmp_path / "experiments" / "card_fraud"
    folder.mkdir(parents=True)
    experiment_files.write(tmp_path, "card_fraud", "a", declared())
    text = (folder / "a.yaml").read_text().replace("'2025-07-01'", "2025-07-01")
    (folder / "b.yaml").write_text(text)
    assert experiment_files.load(tmp_path, "card_fraud", "b").start == FIRST


def test_a_plan_says_days_and_events_and_that_cost_is_decided_paired(fewer, shadowed):
    plan = pilots.plan(fewer, plan_terms())
    assert plan.designs[0].days
    assert plan.designs[0].events == pytest.approx(
        plan.designs[0].days * plan.events_a_day, rel=0.01
    )
    cost = pilots.plan(fewer, plan_terms(metric="cost"))
    assert any("paired" in line for line in cost.advice)
    both = pilots.plan(shadowed, plan_terms())
    assert [one.design for one in both.designs] == [pilots.AB, pilots.PAIRED]
    assert both.designs[1].events < both.designs[0].events / 5
    assert any(line.startswith("decide it paired") for line in both.advice)
    with pytest.raises(PlumblineError, match="nothing was served from 2025-07-10"):
        pilots.plan(fewer, plan_terms(metric="label", past=DayRange(date(2025, 7, 10))))


def test_a_relative_effect_is_declared_in_the_metrics_unit(fewer):
    one = pilots.declared(fewer, plan_terms(treatments={"challenger": 20}, days=14))
    assert one.effect == pytest.approx(0.1 * one.baseline, rel=0.001)
    assert one.shares == {"champion": 80, "challenger": 20}
    assert one.start == date(2025, 7, 12)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda: terms.effect("some"), "expected a size above 0"),
        (lambda: terms.effect("-5%"), "expected a size above 0"),
        (lambda: terms.treatments(["a=0"], False), "from 1 to 99"),
        (lambda: terms.treatments(["a=60", "b=40"], False), "leave the control nothing"),
        (lambda: terms.treatments(["a=5"], True), "a shadow sees every event"),
        (lambda: terms.guardrails({"alarms": "0.1"}), "with the sign of worse"),
    ],
)
def test_bad_words_are_one_message(read, text):
    with pytest.raises(PlumblineError, match=text):
        read()


def test_entities_are_counted_and_not_their_events():
    """Ten entities whose ten events are all alike know as much as ten events."""
    random = np.random.default_rng(1)
    own = (random.random(400) < 0.3).astype(float)
    once = EntitySums.of(np.ones(400), own).moments()
    tenfold = EntitySums.of(np.full(400, 10.0), 10 * own).moments()
    assert tenfold.error == pytest.approx(once.error)
    assert tenfold.mean == once.mean


def test_shares_hold_at_every_look_under_the_plan_and_fail_without():
    random = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        challenged = random.binomial(50, 0.3, 100).cumsum()
        total = 50 * np.arange(1, 101)
        counts = zip((total - challenged).tolist(), challenged.tolist(), strict=True)
        alarms += any(assignment.mismatch(pair, (0.7, 0.3)) for pair in counts)
    assert alarms <= 1
    assert assignment.mismatch((6500, 3500), (0.7, 0.3))


@pytest.mark.capability("I8")
def test_runs_without_a_difference_alarm_as_seldom_as_declared():
    found = bench.aa(replace(bench.WORLDS["habits"], entities=300), 60)
    assert found[bench.WAYS[0]] <= 0.05
    assert found[bench.WAYS[1]] > 0.05
    assert found[bench.WAYS[2]] > 0.3


@pytest.mark.capability("I8")
def test_a_planted_difference_is_found_with_the_planned_power():
    one = bench.planted(bench.World(entities=8000, rate=1.0, alike=50.0), 0.2, 60)
    assert one.found[one.days] == pytest.approx(one.planned[one.days], abs=0.17)
    assert one.events == pytest.approx(one.planned_events, rel=0.15)


def test_the_command_plans_and_shows(fewer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("plumbline.ops.experiments.experimenting.Project.of", lambda *_: fewer)
    out = tmp_path / "plan.json"
    words = ["experiment", "plan", "card_fraud", "--metric", "alarms", "--effect", "10%"]
    assert main([*words, "--json", str(out)]) == 0
    assert json.loads(out.read_text())["designs"][0]["days"] > 0
    assert "looked at each day" in capsys.readouterr().out
    new = [
        "experiment",
        "new",
        "card_fraud",
        "x",
        "--metric",
        "alarms",
        "--effect",
        "10%",
        "--routes",
    ]
    assert main([*new, "--treatment", "challenger=50"]) == 2
    assert not (fewer.root / "experiments").exists(), "nothing is declared where the routes refuse"
    assert main(["experiment", "status", "card_fraud"]) == 2
    assert "expected the name" in capsys.readouterr().err


def test_the_routes_of_a_running_service_follow_its_experiment(tmp_path, monkeypatch, capsys):
    """Set when it is declared, kept where that fails, left to one arm when it ends, never beside a canary."""
    project = experimented.sealed(tmp_path, Traffic(lift=0.5))
    monkeypatch.setattr("plumbline.ops.experiments.experimenting.Project.of", lambda *_: project)
    router, md5s = router_of(tmp_path / "service", three(tmp_path))
    router.switch(
        document.with_arm(router.routes, Arm(name="challenger", bundle=md5s[1])),
        "add",
        {md5s[1]: router.load(md5s[1])},
    )
    live, words = (
        LiveRoutes(router, lambda _: None),
        ["--metric", "alarms", "--effect", "10%", "--treatment", "challenger=50"],
    )

    def weights():
        return {a.name: a.weight for a in router.routes.live}

    def run(action, *more):
        code = main(["experiment", action, "card_fraud", "fewer", *more])
        return code, capsys.readouterr().err

    monkeypatch.chdir(tmp_path)  # a socket's address is short
    with promoted.answering(tmp_path, "card_fraud", live):
        with monkeypatch.context() as full:
            full.setattr(experiment_files, "write", _no_room)
            code, message = run("new", *words, "--routes")
            assert (code, "No space left" in message) == (2, True)
        assert weights() == {"champion": 100, "challenger": 0}
        assert run("new", *words, "--routes")[0] == 0
        assert weights() == {"champion": 50, "challenger": 50}
        assert run("stop", "--keep", "challenger", "--routes")[0] == 0
        assert weights() == {"champion": 0, "challenger": 100}
        assert router.routes.champions == (md5s[1], md5s[0])


def _no_room(*_):
    raise OSError(28, "No space left on device")
