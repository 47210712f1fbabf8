"""The OpenAPI document: valid, its examples score, and it refuses what the service refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from plumbline.core.declarations import Only
from plumbline.serve.online import examples, explain, openapi, schemas, times
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.online.openapi import Served
from plumbline.serve.online.refusals import EventRefused
from plumbline.serve.online.scorer import CompiledScorer
from tests import classes, requests
from tests.code import test_online_explain
from tests.code.test_encodings import HOMES
from tests.code.test_online_answers import POLICY
from tests.code.test_online_checks import MORE, VALUES
from tests.frames import FLIGHTS, PAYMENTS
from tests.small import SMALL

NOW = datetime(2025, 3, 1, 12)
CASES = [PAYMENTS, FLIGHTS, SMALL, HOMES, classes.days(), classes.wine(), MORE]


def served(case: Any, **parts: Any) -> Served:
    return Served(CompiledScorer(requests.scorer(case, **parts)), "ab" * 16, 7)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    listed = [served(PAYMENTS, decisions=POLICY), *map(served, CASES[1:])]
    whole = openapi.document(listed, NOW, tokens=True)
    return json.loads(json.dumps(whole, allow_nan=False))


def schema(document: dict[str, Any], name: str) -> Any:
    """A validator of one component."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(whole)


@pytest.mark.capability("G10")
def test_it_is_valid_and_names_every_path(document: dict[str, Any]) -> None:
    assert [str(e) for e in OpenAPIV31SpecValidator(document).iter_errors()] == []
    for part in ("score", "outcomes", "features", "explain"):
        assert f"/v1/card_fraud/{part}" in document["paths"]
    assert "500" not in document["paths"]["/v1/card_fraud/score"]["post"]["responses"]
    openapi.document([], NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_example_scores_and_its_answer_is_as_described(case: Any, document: Any) -> None:
    raw = examples.event(case, NOW)
    check, now = CompiledCheck(case, 7), times.micros(NOW)
    event, late = check.event(raw, now)
    assert late is False
    schema(document, f"{case.name}_event").validate(raw)
    one = served(case, **({"decisions": POLICY} if case is PAYMENTS else {}))
    result, answer = one.example(NOW)
    assert result == raw
    assert answer is not None
    schema(document, f"{case.name}_answer").validate(json.loads(answer))
    outcome = examples.outcome(case, NOW)
    schema(document, f"{case.name}_outcome").validate(outcome)
    assert check.outcome(outcome, now)[0] == event[case.key]


def test_an_explanation_is_as_described() -> None:
    scorer = CompiledScorer(requests.scorer(FLIGHTS))
    record = explain.explain(scorer, test_online_explain.served(scorer)).plain()
    jsonschema.validate(record, schemas.explanation())


def test_it_refuses_what_the_service_refuses(document: dict[str, Any]) -> None:
    check, described = CompiledCheck(MORE, 7), schema(document, "orders_event")
    good = requests.as_json(MORE, requests.events(MORE, 1)[0])
    for name in good:
        for value in VALUES:
            changed = {**good, name: value}
            try:
                check.parsed(changed)
                passes = True
            except EventRefused as refused:
                passes = all("the use case is about" in p.expected for p in refused.problems)
            if (isinstance(value, float) and value.is_integer()) or name == "ordered_at":
                continue  # a schema's integer may be written 1.0; formats are not checked
            assert described.is_valid(changed) is passes, (name, value)
    assert not described.is_valid({**good, "more": 1})
    assert not described.is_valid({n: v for n, v in good.items() if n != "buyer"})


def test_examples_meet_the_rules() -> None:
    rules = (
        Only("amount_cents", "large", low=5_001, high=5_003),
        Only("channel", "", values=("shop",)),
    )
    example = examples.event(replace(MORE, only=rules), NOW)
    assert (example["amount_cents"], example["channel"]) == (5_001, "shop")


def test_a_later_example_has_another_key() -> None:
    keys = [examples.event(FLIGHTS, NOW + timedelta(seconds=s))["flight_id"] for s in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2]
    assert examples.outcome(FLIGHTS, NOW)["flight_id"] == keys[0]


def test_rules_are_said() -> None:
    rules = {"only": (Only("buyer", "", high=9),), "eligible": (Only("weight", "", low=1),)}
    assert openapi.rules_text(replace(MORE, **rules)) == (
        "Only events with buyer below 9 are taken. Events with weight from 1 are scored; others are answered with "
        "null and the reason, and count in histories."
    )
    assert openapi.rules_text(SMALL) == ""


def test_times_are_said() -> None:
    assert "local time, written without a zone" in openapi.times_text(served(FLIGHTS))
    assert "is UTC: a time with another zone is converted" in openapi.times_text(served(PAYMENTS))
    assert openapi.times_text(served(HOMES)) == "Events have no time."
