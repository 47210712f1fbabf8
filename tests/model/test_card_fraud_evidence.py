"""The committed metrics of card_fraud: calibrated, cheapest, well-behaved, and stated so."""

from __future__ import annotations

import json

import pytest

from plumbline.evaluate import policies
from plumbline.evaluate.evaluate_document import PolicyEvidence
from tests.conftest import ROOT

FIGURES = json.loads((ROOT / "metrics" / "card_fraud" / "evaluate.json").read_text())
if "policies" not in FIGURES:
    pytest.skip("metrics of an older version: run `dvc repro`", allow_module_level=True)


def test_the_calibration_error_is_small_for_certain() -> None:
    result = FIGURES["calibration"]
    assert result["ece"]["high"] <= 0.01
    assert result["relative"]["value"] <= 0.3


@pytest.mark.mltest("Model 2")
def test_the_threshold_is_cheaper_than_every_other_policy_beyond_noise() -> None:
    words = policies.rivals(PolicyEvidence.model_validate(FIGURES["policies"]))
    assert words == dict.fromkeys(("nothing", "best_rule", "plain_rule", "half"), "better")


@pytest.mark.capability("E14")
@pytest.mark.mltest("Model 5")
def test_a_simpler_model_is_not_better() -> None:
    words = {name: result["word"] for name, result in FIGURES["differences"].items()}
    assert words == dict.fromkeys(("constant", "naive", "linear", "tree"), "better")


@pytest.mark.capability("I5", "I6")
def test_every_behaviour_holds_on_a_thousand_pairs() -> None:
    result = FIGURES["behaviours"]
    assert {"same", "not_lower", "above", "below"} <= {b["expect"] for b in result.values()}
    assert all(b["holds"] and b["pairs"] >= 1_000 for b in result.values())


@pytest.mark.capability("I12")
@pytest.mark.mltest("Model 7")
def test_groups_are_compared_with_intervals() -> None:
    for piece in FIGURES["fairness"].values():
        for gap in piece["gaps"].values():
            assert gap["low"] <= gap["value"] <= gap["high"]
