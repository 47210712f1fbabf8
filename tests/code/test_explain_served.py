"""`plumbline explain` of a served event: from its row of the log to features, reasons, shadows and outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import BundleError
from plumbline.ops.serving import logged
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.online import scorer as scorers
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.studies.explain import served
from tests import requests
from tests.logged import outcome, row
from tests.small import SMALL


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose service answered two events of one request, one of them beside a shadow."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(served, "_bundle", lambda *_: tmp_path)
    monkeypatch.setattr("plumbline.config.first", lambda: "small")
    scorer = CompiledScorer(requests.scorer(SMALL))
    monkeypatch.setattr(scorers, "load", lambda _: scorer)
    events, pasts = requests.events(SMALL, 2), requests.histories(SMALL, 2)
    answers = scorer.score(events, pasts)
    log = PredictionLog(logged.place(tmp_path, "small"), SMALL)
    for event, past, answer in zip(events, pasts, answers, strict=True):
        values = {name: getattr(answer, name) for name in ("computed", "derived", "raw", "score")}
        one = row(log.next_sequence(), event["number"], request_id="both", **values)
        log.append([type(one)(**{**fields(one), "event": event, "aggregates": tuple(past)})])
    first = events[0]["number"]
    log.append([row(3, first, request_id="both", mode="shadow", arm="next", score=(0.75,))])
    log.append([outcome(4, first)])
    log.close()
    return tmp_path, events


def fields(one):
    return {name: getattr(one, name) for name in one.__slots__}


@pytest.mark.capability("I10")
def test_a_served_event_is_explained_as_it_was(project, capsys):
    _, events = project
    assert main(["explain", "--key", str(events[0]["number"]), "--json", "why.json"]) == 0
    (one,) = json.loads(Path("why.json").read_text())["events"]
    assert one["event"]["cents"] == events[0]["cents"]
    assert set(one["aggregates"]) == {a.name for a in SMALL.aggregates}
    assert one["explanation"]["same_score"] is True
    reasons = one["explanation"]["reasons"]
    total = one["explanation"]["base"] + sum(r["contribution"] for r in reasons)
    assert total == pytest.approx(one["explanation"]["total"], abs=1e-4)
    assert one["shadows"][0]["score"] == [0.75]
    assert one["outcomes"][0]["values"] == {"bad": 1, "loss": None}
    assert one["lineage"]["note"]
    text = capsys.readouterr().out
    assert "scored from the log: the same again, to the bit" in text
    assert "shadow next" in text
    assert "outcome, received 2025-03-10T12:00:00+00:00: bad 1, loss null" in text


def test_a_request_has_all_its_events(project, monkeypatch):
    _, events = project
    monkeypatch.setattr(served, "MOST", 1)
    assert main(["explain", "both", "--json", "why.json"]) == 0
    record = json.loads(Path("why.json").read_text())
    assert (len(record["events"]), record["left_out"]) == (1, 1)
    assert main(["explain", "both", "--key", str(events[1]["number"]), "--json", "why.json"]) == 0
    (one,) = json.loads(Path("why.json").read_text())["events"]
    assert one["facts"]["sequence"] == 2


def test_without_its_bundle_what_was_logged_is_shown(project, monkeypatch, capsys):
    def gone(*_):
        raise BundleError("bundle bbb: neither here nor there")

    monkeypatch.setattr(served, "_bundle", gone)
    _, events = project
    assert main(["explain", "--key", str(events[0]["number"])]) == 0
    assert "no reasons: bundle bbb: neither here nor there" in capsys.readouterr().out


def test_what_was_never_served_is_one_message(project, capsys):
    assert main(["explain", "--key", "-5"]) == 2
    assert "the key -5: not in the prediction log of small" in capsys.readouterr().err
    assert main(["explain"]) == 2
    assert "expected the ID of an event or a request, or --key KEY" in capsys.readouterr().err
