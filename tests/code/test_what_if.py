"""`plumbline replay` with another bundle, threshold or costs: decisions and money changed, with intervals."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from plumbline.__main__ import main
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.metrics.cost_matrix import Costs
from plumbline.model.decision_params import Decisions, Review
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.ops.replay import alternatives, money, replaying, what_if_options
from plumbline.ops.replay.pricing import Pricing
from plumbline.ops.replay.what_if import DecidedEvents
from plumbline.ops.replay.what_if_options import WhatIfOptions
from plumbline.ops.serving import places
from plumbline.serve.log.reader import LogReader
from tests import replays
from tests.boosting import parcels
from tests.serviced import serving

DELAYED = parcels(label_delay=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project that served three champions and was told what became of the first seven days' parcels."""
    root = tmp_path_factory.mktemp("whatif")
    md5s = replays.served(root, 240)
    replays.write_params(root)
    folder = places.folder(root, "parcels")
    with serving(folder, folder) as service:
        for number in range(190):
            told = {"number": number, "broken": label(number), "weight": 5}
            body = json.dumps({"outcomes": [told]}).encode()
            assert service.outcomes(body, f"outcome-{number}").status == 200
    return root, md5s


def label(number):
    """Whether a parcel broke: tall ones did."""
    drawn = replays.drawn(number, 0)
    return int(drawn["height"] + (60 if drawn["kind"] == "tube" else 0) > 170)


def live(root):
    rows = LogReader(places.log(root, "parcels")).rows()
    return [one for one in rows if getattr(one, "mode", "") == "live"]


def replayed(made, *, case=DELAYED, **options):
    root, md5s = made
    bundles, sources = replays.admitted(root, md5s), replays.sources(root)
    with (
        tempfile.TemporaryDirectory() as scratch,
        what_if_options.opened(
            root, case, sources, bundles, WhatIfOptions(**options), Path(scratch)
        ) as context,
    ):
        report = replaying.replayed(case, sources, bundles, what_if=context.counts)
        assert report.differing == 0
        return context.document()


def cost(event, alarm):
    broke = label(event["number"])
    return (0 if alarm else event["worth"]) if broke else (200 if alarm else 0)


ACTS = (lambda r: r.alarm, lambda r: r.score[0] >= 0.9)
"""How an event is decided: as it was, and by the other threshold."""


def share(rows, row):
    """How many events a labelled one counts for: those that are decided alike, or otherwise, have a label in part."""
    alike = [r for r in rows if (ACTS[0](r) == ACTS[1](r)) == (ACTS[0](row) == ACTS[1](row))]
    return len(alike) / sum(r.event["number"] < 190 for r in alike)


@pytest.mark.capability("D16")
def test_another_threshold_by_hand(made):
    root, _ = made
    rows = live(root)
    found = replayed(made, thresholds=["0.9"])
    assert found.events == len(rows) == 240
    assert found.changed == sum((r.score[0] >= 0.9) != r.alarm for r in rows)
    due = [r for r in rows if r.event["number"] < 190]
    assert (found.money.labelled, found.money.by) == (len(due), "entity")
    logged, other = (sum(cost(r.event, acts(r)) * share(rows, r) for r in due) for acts in ACTS)
    assert found.money.logged.value == pytest.approx(logged, rel=1e-5)
    assert found.money.other.value == pytest.approx(other, rel=1e-5)
    assert found.money.difference.value == pytest.approx(other - logged, rel=1e-4)
    assert found.money.difference.low <= found.money.difference.value <= found.money.difference.high


def test_another_bundle_scores_what_the_others_answered(made):
    root, md5s = made
    found = replayed(made, model=md5s[2])
    later = {r.key: r.alarm for r in live(root)}
    assert found.unanswered == 0
    assert found.score_moved > 0
    assert 0 < found.changed < 240
    assert sum(pair.events for pair in found.decisions) == 240
    assert found.money.verdict in ("cheaper", "dearer", "no difference beyond noise")
    assert len(later) == 240


def test_the_same_bundle_and_threshold_change_nothing(made):
    _, md5s = made
    found = replayed(made, model=md5s[0], case=DELAYED)
    assert found.changed < 240
    same = replayed(made, costs=["false_positive=200"])
    assert (same.changed, same.money.verdict) == (0, "the same")
    assert same.money.difference.value == 0


def test_other_costs_price_the_same_decisions(made):
    root, _ = made
    found = replayed(made, costs=["false_positive=1000"])
    assert found.changed == 0
    assert found.money.logged.value > found.money.as_declared
    both = replayed(made, costs=["false_positive=1000"], thresholds=["0.9"])
    alone = replayed(made, thresholds=["0.9"])
    assert both.money.difference.value < alone.money.difference.value
    (root / "other.yaml").write_text(
        "unit: euro\nfalse_negative: {column: worth, times: 0.5}\nfalse_positive: 1\n"
    )
    assert replayed(made, costs=[str(root / "other.yaml")]).money.unit == "euro"


def test_a_label_counts_once_its_delay_is_over(made):
    early = replayed(made, thresholds=["0.9"], until=date(2025, 3, 4))
    assert 0 < early.money.matured < 80
    assert early.money.labelled == 0  # known only when they were told, at the end
    assert early.money.verdict == "cannot tell"
    assert "5 are needed" in early.money.why


ODD = {
    "a word": ({"thresholds": ["high"]}, "expected a number like 0.7"),
    "another name": ({"thresholds": ["blok=0.5"]}, "did you mean 'block'"),
    "no review": ({"thresholds": ["review=0.5"], "model": 0}, "sends nothing to review"),
    "a cost": ({"costs": ["false_postive=5"]}, "did you mean 'false_positive'"),
    "a column": ({"costs": ["false_positive=wort"]}, "did you mean 'worth'"),
    "a broken value": ({"costs": ["false_positive=[1"]}, "expected KEY=VALUE"),
    "a review of alarms": ({"thresholds": ["review=0.5"]}, "sends nothing to review"),
    "a file": ({"costs": ["costs.yaml"]}, "no such file, and no KEY=VALUE"),
    "a value": ({"costs": ["false_positive=[1]"]}, "expected a number, a column's name"),
    "a model": ({"model": "nothing"}, "not a git repository"),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_words_are_one_message(made, what):
    options, words = ODD[what]
    given = {**options, "model": made[1][0]} if options.get("model") == 0 else options
    with pytest.raises(PlumblineError, match=words):
        replayed(made, **given)


def test_the_command_says_what_would_change(made, monkeypatch, capsys):
    root, _ = made
    monkeypatch.chdir(root)
    monkeypatch.setattr(usecase_loader, "load_features", lambda _: DELAYED)
    assert main(["replay", "parcels", "--threshold", "0.9", "--json", "out.json"]) == 0
    text = capsys.readouterr().out
    assert "what if: alarm from 0.9 on" in text
    assert "from alarm to no alarm" in text
    assert "difference" in text
    assert main(["replay", "parcels", "--as-of", "2025-03-04"]) == 2
    assert "is of a what-if" in capsys.readouterr().err
    assert json.loads((root / "out.json").read_text())["what_if"]["money"]["by"] == "entity"


REVIEWED = Decisions(review=Review(positive=10, negative=1, capacity=2))
PRICES = Costs(unit="cents", false_negative=100, false_positive=20)


def events(seed, days=60, a_day=100, explore=0.05):
    """A world where one way lets through what the other blocks; blocked events have a label where let through."""
    random = np.random.default_rng(seed)
    n = days * a_day
    day = np.repeat(np.arange(20_000, 20_000 + days), a_day)
    risk = random.beta(0.6, 6, n) * np.repeat(random.uniform(0.5, 1.5, days), a_day)
    label = (random.random(n) < risk).astype(float)
    logged, other = np.where(risk > 0.25, 2, 0), np.where(risk > 0.4, 2, 0)
    passed = (logged == 2) & (random.random(n) < explore)
    hidden = (logged == 2) & ~passed
    propensity = np.where(logged == 2, np.where(passed, explore, 1 - explore), 1.0)
    pricing = Pricing("cents", PRICES, Decisions())
    costs = [pricing.of({}, places) for places in (logged, other, np.zeros(n, int))]
    outcome = np.where(hidden, np.nan, label)
    time = day * 86_400_000_000 + np.arange(n)
    rows = DecidedEvents(day, time, np.arange(n) % 500, logged, other, costs[0], costs[1], costs[0], costs[2], outcome, hidden, propensity)  # fmt: skip
    truth = sum((costs[1] - costs[0])[i, int(v)] for i, v in enumerate(label))
    return rows, pricing, truth


@pytest.mark.capability("D16")
def test_intervals_hold_under_blocking(monkeypatch):
    monkeypatch.setattr(money, "REPLICATES", 200)
    inside = 0
    for seed in range(20):
        rows, pricing, truth = events(seed)
        found = money.changed(parcels(), rows, pricing, date(2026, 1, 1), repriced=False)
        inside += found.difference.low <= truth <= found.difference.high
    assert inside >= 17


def test_without_exploration_nothing_is_said_of_blocked_events():
    rows, pricing, _ = events(1, explore=0.0)
    found = money.changed(parcels(), rows, pricing, date(2026, 1, 1), repriced=False)
    assert (found.verdict, found.difference.value) == ("cannot tell", None)
    assert "0 like them were let through at random" in found.why
    assert found.uncounted > 0


def test_reviews_beyond_a_days_capacity_are_let_through():
    pricing = Pricing("cents", PRICES, REVIEWED)
    places = np.ones(6, int)
    costs = pricing.of({}, places)
    passed = pricing.of({}, np.zeros(6, int))
    days = np.repeat([20_000, 20_001], 3)
    rows = DecidedEvents(
        days, days * 86_400_000_000 + np.arange(6), np.arange(6), places, np.zeros(6, int), costs, passed, costs, passed,
        np.ones(6), np.zeros(6, bool), np.ones(6),
    )  # fmt: skip
    found = money.changed(parcels(), rows, pricing, date(2026, 1, 1), repriced=False)
    assert (found.logged.value, found.other.value) == (4 * 10 + 2 * 100, 600)


def test_thresholds_of_a_policy_move_in_every_segment():
    policy = DecisionPolicy(
        names=("approve", "review", "block"), review=True, otherwise=Cut(review=0.2, block=0.8),
        column="kind", segments={"box": Cut(review=0.5, block=0.6)},
    )  # fmt: skip
    found = alternatives.moved(policy, {"block": 0.4})
    assert (found.otherwise, found.segments["box"]) == (
        Cut(review=0.2, block=0.4),
        Cut(review=0.4, block=0.4),
    )
    with pytest.raises(PlumblineError, match=r"review from 0\.9 on lies above block from 0\.6"):
        alternatives.moved(policy, {"review": 0.9})
