"""Policies in money: who is alarmed, what it costs, and what the paired difference says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.evaluate import acceptance, policies
from plumbline.evaluate.evaluate_document import PolicyEvidence
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.policies import Known
from plumbline.metrics import metrics
from plumbline.metrics.cost import Money

RANDOM = np.random.default_rng(2)
ROWS, DAYS = 3_000, 20
DAY = np.datetime64("2025-01-01") + np.arange(ROWS) % DAYS
LABEL = (RANDOM.random(ROWS) < 0.1).astype(float)
SCORE = np.clip(0.5 * LABEL + 0.5 * RANDOM.random(ROWS), 0, 1)
AMOUNT = np.where(LABEL == 1, 100.0, 50.0) + RANDOM.random(ROWS)
MONEY = Money(AMOUNT, 5.0)
KNOWN = Known(LABEL, SCORE, AMOUNT, DAYS, MONEY)
WINDOW = LabelledWindow(
    "classification",
    LABEL,
    DAY,
    100,
    0.95,
    1,
    metrics.RankSettings(k=4),
    threshold=0.5,
    money=MONEY,
)


def evidence_of(window: LabelledWindow = WINDOW, rule: float | None = 60.0) -> dict:
    built = policies.policies(window, SCORE, SCORE / 3, AMOUNT, KNOWN, rule)
    return policies.evidence(window, MONEY, "cents", built).plain()


def test_the_k_highest_of_each_day_and_no_more():
    alarm = SCORE >= 0.6
    top = policies.top(DAY, SCORE, alarm, 4)
    for day in np.unique(DAY):
        rows = day == DAY
        assert top[rows].sum() == min(4, alarm[rows].sum())
        left = SCORE[rows & alarm & ~top]
        if len(left):
            assert SCORE[rows & top].min() >= left.max()


def test_of_equal_scores_the_first_rows_are_taken():
    top = policies.top(np.full(5, DAY[0]), np.ones(5), np.ones(5, bool), 2)
    assert top.tolist() == [True, True, False, False, False]


@pytest.mark.parametrize("alarms", [1, 7, 80, ROWS])
def test_a_threshold_for_so_many_alarms(alarms: int):
    score = np.round(SCORE, 2)  # with ties
    held = (score >= policies.at_most(score, alarms)).sum()
    lower = np.unique(score)
    more = [(score >= v).sum() for v in lower]
    assert held == max((m for m in more if m <= alarms), default=0)


def test_each_cost_is_the_matrix_summed():
    report = evidence_of()
    for name, alarm in (
        ("model", SCORE >= 0.5),
        ("nothing", np.zeros(ROWS, bool)),
        ("plain_rule", AMOUNT >= 60),
        ("half", SCORE / 3 >= 0.5),
    ):
        cost = metrics.cost(LABEL, alarm, MONEY).sum()
        one = report["policies"][name]
        assert one["cost"]["value"] == pytest.approx(cost, rel=1e-5)
        assert one["cost_a_day"]["value"] == pytest.approx(cost / DAYS, rel=1e-5)
        assert one["cost"]["low"] <= one["cost"]["value"] <= one["cost"]["high"]
        assert one["alarms_a_day"] == pytest.approx(alarm.sum() / DAYS, rel=1e-5)


def test_the_best_rule_is_the_cheapest_amount_on_validation():
    """Amounts tell the cases apart here: the rule that is found is perfect, and beats the model."""
    report = evidence_of(replace(WINDOW, threshold=0.9))
    best = report["policies"]["best_rule"]
    assert 51 < best["threshold"] < 100
    assert best["cost"]["value"] == 0
    assert report["differences"]["best_rule"]["word"] == "worse"
    assert policies.rivals(PolicyEvidence(**report))["best_rule"] == "worse"
    assert "best rule" in acceptance.pays(policies.rivals(PolicyEvidence(**report))).reason
    assert not acceptance.pays(policies.rivals(PolicyEvidence(**report))).passed


def test_paired_differences_say_who_is_cheaper():
    report = evidence_of()
    assert report["differences"]["nothing"]["word"] == "better"
    own, other = (report["policies"][n]["cost"]["value"] for n in ("model", "nothing"))
    assert report["differences"]["nothing"]["value"] == pytest.approx(own - other, rel=1e-4)
    few = report["policies"]["capacity"]["cost"]["value"]
    assert report["limited"]["nothing"]["value"] == pytest.approx(few - other, rel=1e-4)
    assert set(report["limited"]) == set(policies.rivals(PolicyEvidence(**report)))
    assert set(policies.rivals(PolicyEvidence(**report))).isdisjoint(policies.VARIANTS)


def test_the_verdict_names_policies_as_people_do():
    result = acceptance.pays({"nothing": "better", "best_rule": "better", "half": "within noise"})
    assert result.passed
    assert result.reason == (
        "the model costs less, beyond noise, than no alarms, best rule; "
        "its cost is within noise of score over 0.5"
    )


def test_a_table_without_time_has_no_capacity_a_day():
    report = evidence_of(replace(WINDOW, day=None), rule=None)
    assert set(report["policies"]) == {"model", "nothing", "best_rule", "half"}


def test_a_rule_that_never_pays_is_none():
    known = replace(KNOWN, money=Money(0.0, 5.0))
    built = policies.policies(WINDOW, SCORE, SCORE, AMOUNT, known, None)
    [rule] = [p for p in built if p.name == "best_rule"]
    assert not rule.alarm.any()
