"""The bytes of answers: the fields of the batch's answers, and the same bytes for the same event."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from plumbline.core.declarations import Only
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.serve import scoring
from plumbline.serve.online import actions, answers
from plumbline.serve.online.answers import AnswerWriter
from plumbline.serve.online.refusals import EventRefused, Problem
from plumbline.serve.online.scorer import CompiledScorer
from tests import classes, requests
from tests.frames import FLIGHTS
from tests.small import SMALL

POLICY = DecisionPolicy(
    names=("approve", "review", "block"), review=True, otherwise=Cut(review=0.4, block=0.6)
)


@pytest.mark.parametrize(
    ("case", "parts"),
    [(SMALL, {"decisions": POLICY}), (SMALL, {}), (FLIGHTS, {}), (classes.days(), {})],
    ids=["decisions", "alarm", "value", "classes"],
)
def test_the_fields_and_numbers_of_the_batch(case: Any, parts: dict[str, Any]) -> None:
    scorer = requests.scorer(case, **parts)
    drawn, past = requests.events(case, 20), requests.histories(case, 20)
    batch = scoring.answers(scorer, requests.table(case, drawn, past))
    writer = AnswerWriter(case.key, scorer.bundle, "champion", "ab" * 16)
    scored = CompiledScorer(scorer).score(drawn, past)
    planned = [actions.planned(one) for one in scored]
    triples = zip(drawn, scored, planned, strict=True)
    written = [writer.write(e[case.key], one, action) for e, one, action in triples]
    body = json.loads(answers.response(written))
    assert list(body) == ["answers"]
    for i, answer in enumerate(body["answers"]):
        action = ["action"] if planned[i] else []
        assert list(answer) == [case.key, *batch, *action, "arm", "bundle", "flags"]
        assert [str(answer[name]) for name in action] == [planned[i]][: len(action)]
        assert answer[case.key] == drawn[i][case.key]
        assert {name: answer[name] for name in batch} == {n: v[i] for n, v in batch.items()}


def test_whole_numbers_as_classes_stay_numbers() -> None:
    case = classes.days()
    label = replace(case.column("sky"), type="int", allowed=(3, 1, 2))
    case = replace(case, columns=(*case.columns[:-1], label))
    scorer = requests.scorer(case)
    (one,) = CompiledScorer(scorer).score(requests.events(case, 1), requests.histories(case, 1))
    answer = json.loads(AnswerWriter("day_id", scorer.bundle, "a", "b").write(1, one, one.decision))
    assert answer["decision"] == answer["action"]
    assert answer["decision"] in (3, 1, 2)
    assert sum(answer[f"probability_{c}"] for c in (3, 1, 2)) == pytest.approx(1)


def test_an_event_that_is_not_scored() -> None:
    case = replace(SMALL, eligible=(Only("who_mean_3d", "active", low=10**9),))
    scorer = replace(requests.scorer(SMALL, decisions=POLICY), usecase=case)
    scored = CompiledScorer(scorer).score(requests.events(case, 1), requests.histories(case, 1))
    answer = json.loads(
        AnswerWriter("number", scorer.bundle, "a", "b").write(0, *scored, flags=["late"])
    )
    assert [answer[n] for n in ("score", "alarm", "decision", "action", "flags")] == [None] * 4 + [
        ["late"]
    ]
    assert "with who_mean_3d from 1e+09" in answer["ineligible"][0]


def test_a_key_that_would_be_overwritten_is_refused_at_load() -> None:
    with pytest.raises(SpecError, match="the key column 'score' has the name of an answer's field"):
        AnswerWriter("score", requests.scorer(SMALL).bundle, "a", "b")


def test_refusals() -> None:
    problem = Problem(3, "amount", "-1", "at least 0")
    assert json.loads(answers.refusal(EventRefused([problem] * 30))) == {
        "error": "the request is refused: " + "; ".join([str(problem)] * 20) + "; and 10 more",
        "problems": [msgspec.to_builtins(problem)] * 20,
        "unchecked": 0,
    }
    assert json.loads(answers.refusal(PlumblineError("no \ud800"))) == {"error": "no \\ud800"}
