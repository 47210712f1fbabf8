"""The gate: each question, in both directions, and the verdict made of them."""

from __future__ import annotations

import math

import pytest

from plumbline.core.errors import ParamsError
from plumbline.evaluate import acceptance
from plumbline.evaluate.acceptance import AcceptanceVerdict, Check, Limits
from plumbline.evaluate.behaviour import BehaviourResult
from plumbline.metrics.bootstrap import Estimate

NAN = math.nan


@pytest.mark.capability("E14")
@pytest.mark.mltest("Model 5", "Infra 4")
@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ({"constant": "better", "linear": "better"}, True),
        ({"constant": "better", "linear": "within noise"}, False),
        ({"constant": "worse", "linear": "better"}, False),
    ],
)
def test_every_baseline_is_to_be_beaten_beyond_noise(words: dict, passed: bool):
    assert acceptance.beats("mae", words).passed is passed


def test_the_baseline_not_beaten_is_named():
    result = acceptance.beats("mae", {"constant": "better", "linear": "worse"})
    assert result.reason == "mean absolute error does not beat linear (worse)"


def judged(overall: float, groups: dict, limits: Limits, higher: bool) -> Check:
    return acceptance.slices(groups, acceptance.floors(overall, groups, limits, higher), higher)


@pytest.mark.mltest("Model 6", "Infra 4")
@pytest.mark.parametrize(
    ("estimate", "higher", "passed"),
    [
        (Estimate(0.30, 0.20, 0.39), True, False),  # wholly under the floor of 0.4
        (Estimate(0.30, 0.20, 0.41), True, True),  # within noise of it
        (Estimate(0.90, 0.85, 0.95), True, True),
        (Estimate(2.50, 2.10, 3.00), False, False),  # wholly over the ceiling of 0.8 / 0.5 = 1.6
        (Estimate(2.50, 1.50, 3.00), False, True),
        (Estimate(0.10, 0.05, 0.20), False, True),
        (Estimate(0.00, NAN, NAN), True, True),  # too few to tell
    ],
)
def test_a_slice_is_held_to_its_floor(estimate: Estimate, higher: bool, passed: bool):
    check = judged(0.8, {"kind": {"a": estimate}}, Limits(slice_floor=0.5), higher)
    assert check.passed is passed
    assert ("kind a" in check.reason) is not passed


@pytest.mark.capability("C25")
def test_a_slice_may_have_a_floor_of_its_own():
    groups = {"kind": {"a": Estimate(0.3, 0.25, 0.35)}, "size": {"b": Estimate(0.3, 0.25, 0.35)}}
    limits = Limits(slice_floor=0.5, slice_floors={"kind": 0.2})
    assert judged(0.8, groups, limits, True).reason == ("slice size b is 0.3, below its floor 0.4")


def test_a_floor_of_nothing_judges_no_slice():
    groups = {"kind": {"a": Estimate(99.0, 98.0, 100.0)}}
    assert judged(0.8, groups, Limits(slice_floor=0.0), False).passed


def test_a_floor_for_an_unknown_slice_is_refused():
    with pytest.raises(
        ParamsError, match=r"evaluate.slice_floors: there is no slice 'kint'.*'kind'"
    ):
        acceptance.floors(0.8, ["kind"], Limits(slice_floors={"kint": 0.2}), True)


@pytest.mark.mltest("Infra 4")
@pytest.mark.parametrize(
    ("ece", "noise", "positives", "passed"),
    [
        (0.002, 0.0, 0.01, True),  # a fifth of the positives' share
        (0.004, 0.0, 0.01, False),
        (0.004, 0.002, 0.01, True),  # half of it is noise
        (0.004, 0.0, 0.99, False),  # the rarer class counts
        (0.1, 0.0, 0.5, True),
        (0.001, 0.01, 0.01, True),
    ],
)
def test_calibration(ece: float, noise: float, positives: float, passed: bool):
    assert acceptance.calibrated(ece, noise, positives, Limits(max_ece=0.3)).passed is passed


@pytest.mark.parametrize(
    ("bias", "passed"),
    [
        (Estimate(6.0, 5.5, 6.5), False),
        (Estimate(-6.0, -6.5, -5.5), False),
        (Estimate(6.0, 4.0, 8.0), True),  # within noise of the limit of 5
        (Estimate(6.0, NAN, NAN), False),
        (Estimate(-3.0, NAN, NAN), True),
        (Estimate(1.0, -20.0, 22.0), True),
    ],
)
def test_bias(bias: Estimate, passed: bool):
    assert acceptance.unbiased(bias, 10.0, Limits(max_bias=0.5)).passed is passed


def test_a_perfect_model_is_unbiased():
    assert acceptance.unbiased(Estimate(0.0, 0.0, 0.0), 0.0, Limits()).passed


def outcome(share: float, pairs: int = 10) -> BehaviourResult:
    return BehaviourResult("larger", "larger is not lower", "not_lower", pairs, share, 0.9)


@pytest.mark.parametrize(
    ("outcomes", "passed"),
    [
        ([], True),
        ([outcome(0.9)], True),
        ([outcome(0.89)], False),
        ([outcome(1.0, pairs=0)], False),
    ],
)
def test_behaviours(outcomes: list[BehaviourResult], passed: bool):
    assert acceptance.behaves(outcomes).passed is passed


@pytest.mark.mltest("Infra 4")
def test_one_failed_check_fails_the_model_and_only_its_reason_is_given():
    good, bad = Check("a", True, "fine"), Check("b", False, "broken")
    assert AcceptanceVerdict((good, bad)).document.plain() == {
        "verdict": "fail",
        "checks": {"a": "pass", "b": "fail"},
        "reasons": ["broken"],
    }
    assert AcceptanceVerdict((good,)).document.plain() == {
        "verdict": "pass",
        "checks": {"a": "pass"},
        "reasons": ["fine"],
    }
