"""Declared limits of gaps: passed, failed, or not to be told; by the threshold and by the decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plumbline.core.errors import ParamsError
from plumbline.evaluate import acceptance, declared_checks, fairness, gap_limits
from plumbline.evaluate.gap_params import GapLimit
from plumbline.evaluate.params import Evaluate
from plumbline.review import base_limits
from tests.code.test_base_limits import CLASSES, params
from tests.code.test_fairness import groups, window
from tests.evaluated import evaluated
from usecases.card_fraud.model import USECASE as FRAUD
from usecases.flights.model import USECASE as FLIGHTS


def limit(most: float, *names: str, rate: str = "recall") -> GapLimit:
    return GapLimit(by="n", rate=rate, most=most, groups=names)


def planted(missed: float, small: bool = False) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Three groups; of the cases of g2 a share is missed; with `small`, a fourth of ten rows."""
    built, number, score = window(2)
    number = number % 3
    random = np.random.default_rng(5)
    lost = (number == 2) & (built.label == 1) & (random.random(len(score)) < missed)
    score = np.where(built.label == 1, np.where(lost, 0.1, 0.9), score)
    if small:
        number = np.where(np.arange(len(score)) < 10, 9, number)
    return built, score, groups(number)


def verdict(limits: list[GapLimit], missed: float, small: bool = False, flagged: Any = None):
    built, score, pieces = planted(missed, small)
    treated = fairness.evidence(built, score, {"n": pieces}, flagged)
    return gap_limits.evidence(built, score, {"n": pieces}, treated, limits, flagged)[0]


@pytest.mark.capability("I3")
@pytest.mark.parametrize(
    ("most", "small", "word", "reason"),
    [
        (0.5, False, "pass", "at most"),
        (0.1, False, "fail", "beyond noise more than allowed (at most 10.0%)"),
        (0.31, False, "cannot tell", "and may be up to"),
        (0.5, True, "cannot tell", "fewer than 20 rows of g9"),
        (0.1, True, "fail", "beyond noise more than allowed"),
    ],
)
def test_a_limit_passes_fails_or_cannot_be_told(most: float, small: bool, word: str, reason: str):
    result = verdict([limit(most)], 0.3, small)
    assert result.word == word
    assert reason in result.reason
    [check] = declared_checks.gaps([result])
    assert check.passed == (word == "pass")
    assert check.word == word


def test_a_limit_of_chosen_groups_is_of_them_alone():
    assert verdict([limit(0.05, "g0", "g1")], 0.3, small=True).word == "pass"
    assert verdict([limit(0.05, "g0", "g2")], 0.3).word == "fail"
    assert verdict([limit(0.05, "g0", "gone")], 0.3).word == "cannot tell"


def test_where_events_are_decided_the_decisions_are_judged():
    built, score, pieces = planted(0.3)
    assert verdict([limit(0.1)], 0.3, flagged=built.label == 1).word == "pass"
    treated = fairness.evidence(built, score, {"n": pieces}, built.label == 1)["n"]
    assert treated.gaps["recall"].value > 0.2
    assert treated.decided["recall"].value == 0


def test_one_gap_that_cannot_be_told_refuses_the_model():
    told = [verdict([limit(most)], 0.3) for most in (0.5, 0.31)]
    gate = acceptance.AcceptanceVerdict(tuple(declared_checks.gaps(told))).document
    assert (gate.verdict, gate.checks) == ("fail", {"fairness": "cannot tell"})
    assert gate.reasons[0].startswith("cannot tell: gap of the recall by n is")


@pytest.mark.parametrize("noise", range(3))
def test_of_groups_alike_a_limit_is_not_broken(noise: int):
    built, number, score = window(200 + noise)
    treated = fairness.evidence(built, score, {"n": groups(number)})
    gap = treated["n"].gaps["recall"]
    assert gap_limits.judge(limit(0.1), gap)[0] != "fail"
    assert gap_limits.judge(limit(0.6), gap)[0] == "pass"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"by": "activty", "rate": "recall"}, "by: no groups 'activty' .* did you mean 'activity'"),
        ({"by": "activity", "rate": "mae"}, "expected recall or false_alarm_rate, found mae"),
        (
            {"by": "activity", "rate": "recall", "groups": ["under 40", "40 to 8"]},
            "no group '40 to 8'; did you mean '40 to 80'",
        ),
        (
            {"by": "category", "rate": "recall", "groups": ["food", "fuel"]},
            "no group 'food'",
        ),
    ],
)
def test_limits_of_what_there_is_not_are_refused(section: dict[str, Any], message: str):
    chosen = Evaluate.model_validate({"max_gaps": [{"most": 0.1, **section}]})
    with pytest.raises(ParamsError, match=message):
        gap_limits.check(FRAUD, chosen.max_gaps)


def test_of_a_regression_errors_are_compared():
    gap_limits.check(FLIGHTS, [GapLimit(by="carrier", rate="mae", most=3)])
    with pytest.raises(ParamsError, match="twice"):
        gap_limits.check(FLIGHTS, [GapLimit(by="carrier", rate="mae", most=3)] * 2)


@pytest.mark.parametrize("most", [-0.1, float("nan"), float("inf")])
def test_a_limit_is_a_size(most: float):
    with pytest.raises(ValueError, match="most"):
        GapLimit(by="n", rate="recall", most=most)
    with pytest.raises(ValueError, match="two different groups"):
        GapLimit(by="n", rate="recall", most=0.1, groups=("a",))


@pytest.mark.capability("I3")
def test_base_judges_a_gap_that_head_limits_no_more():
    built, score, pieces = planted(0.3)
    treated = fairness.evidence(built, score, {"activity": pieces})
    document = evaluated(**CLASSES, fairness={n: one.plain() for n, one in treated.items()})
    own = {"slice_floor": 0.1, "max_ece": 1.0}

    def refused(*limits: dict[str, Any]) -> list[str]:
        base = params(evaluate={**own, "max_gaps": limits})
        return base_limits.refusals({"evaluate": document}, base, params(evaluate=own))

    wide, narrow = ({"by": "activity", "rate": "recall", "most": m} for m in (0.5, 0.1))
    assert refused(wide) == []
    [reason] = refused(narrow)
    assert "beyond noise more than allowed" in reason
    assert "no longer measured" in refused({**wide, "groups": ["g0", "g1"]})[0]
    assert "no longer measured" in refused({**wide, "by": "distance"})[0]
