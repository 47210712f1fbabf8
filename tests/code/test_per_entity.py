"""Precision among what each entity is shown: known items removed, each item once, in evaluate.json and in the card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumbline.core import documents
from plumbline.core.declarations import Column, TopK
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import model_card, per_entity
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.review import declared_rules
from tests.evaluated import evaluated

TOP = TopK("who", "item", k=2)
SHOP = UseCase(
    name="shop",
    title="Shop",
    owner="tests@example.com",
    problem="classification",
    key="id",
    label="bought",
    columns=(
        Column("id", "int", "-", "key"),
        Column("who", "string", "-", "customer", null=True),
        Column("item", "int", "-", "product"),
        Column("bought", "int", "0/1", "label", known=False),
    ),
    features=("item",),
    top=TOP,
)
SETTINGS = EvaluationSettings(Evaluate(bootstrap=100), None, 1)


def table(*rows: tuple[Any, int, int]) -> dict[str, Any]:
    who, item, bought = zip(*rows, strict=True)
    return {
        "who": np.array(who, object),
        "item": np.array(item),
        "bought": np.array(bought, float),
    }


def test_known_items_are_removed_and_each_item_is_shown_once():
    train = table(("ann", 1, 1), ("ann", 2, 0), ("bob", 3, 1))
    test = table(
        ("ann", 1, 1),  # the best, and known
        ("ann", 2, 1),
        ("ann", 2, 0),  # the same item again
        ("ann", 4, 0),
        ("ann", 5, 1),  # the third: not shown
        ("bob", 1, 1),
        (None, 1, 1),  # nobody
    )
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.99])
    result = per_entity.evidence(SHOP, SETTINGS, test, score, (train,))
    assert result is not None
    assert (result.entities, result.removed, result.k) == (2, 1, 2)
    assert result.precision.value == 0.75  # ann: one of two; bob: one of one
    assert result.any_order.value == 0.75  # ann: two of four; bob: one of one


def test_equal_to_a_plain_count_and_better_than_any_order():
    r = np.random.default_rng(3)
    n = 3_000
    who = r.integers(0, 60, n)
    test = {
        "who": np.array([f"c{w}" for w in who], object),
        "item": np.arange(n),
        "bought": (r.random(n) < 0.1).astype(float),
    }
    score = 0.5 * test["bought"] + r.random(n)
    result = per_entity.evidence(SHOP, SETTINGS, test, score, ())
    shares = []
    for one in range(60):
        own = np.flatnonzero(who == one)
        shares.append(test["bought"][own[np.argsort(-score[own])][:2]].mean())
    assert result is not None
    assert result.precision.value == pytest.approx(np.mean(shares), abs=1e-5)
    low, high = result.precision.low, result.any_order.high
    assert low is not None
    assert high is not None
    assert low > high


def test_the_card_tells_it_and_nothing_where_it_is_not_declared():
    assert per_entity.evidence(replace(SHOP, top=None), SETTINGS, {}, np.empty(0), ()) is None
    interval = {"value": 0.4, "low": 0.3, "high": 0.5}
    shown = {"entity": "who", "item": "item", "k": 2, "entities": 9, "removed": 3}
    shown |= {"precision": interval, "any_order": {"value": 0.1, "low": None, "high": None}}
    document = documents.parse(EvaluateDocument, evaluated(per_entity=shown), "evaluate.json")
    text = model_card.render(SHOP, document)
    assert "Of the 2 best `item` of each `who`" in text
    assert "What each is shown" not in model_card.render(
        SHOP, documents.parse(EvaluateDocument, evaluated(), "evaluate.json")
    )


def test_a_change_of_it_is_one_of_how_the_model_is_judged():
    other = replace(SHOP, top=replace(TOP, k=5))
    assert list(declared_rules.changes(declared_rules.of(SHOP), declared_rules.of(other))) == [
        "top"
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top": TopK("whom", "item")}, r"top: 'whom' is no known column of type .* mean 'who'"),
        ({"top": TopK("who", "bought")}, r"top: 'bought' is no known column"),
        ({"top": TopK("who", "item", k=0)}, r"top: k is 0; expected a whole number from 1 up"),
        ({"problem": "regression"}, r"a share of positives, and this is a regression"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_load(changes: dict[str, Any], message: str):
    with pytest.raises(SpecError, match=message):
        replace(SHOP, **changes)
