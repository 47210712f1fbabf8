"""The few figures that `dvc metrics show` and `dvc metrics diff` print."""

from __future__ import annotations

import json

import pytest

from plumbline.evaluate import metrics_summary as of_evaluation
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.monitor import metrics_summary as of_monitor
from plumbline.monitor.result import MonitorResult, broken
from tests.conftest import ROOT

METRICS = ROOT / "metrics" / "card_fraud"


def test_an_evaluation_in_ten_lines() -> None:
    figures = json.loads((METRICS / "evaluate.json").read_text())
    figures |= {"decisions": None, "footprint": None}
    summary = of_evaluation.summary(EvaluateDocument.model_validate(figures))
    primary = figures["metrics"]["average_precision"]
    assert summary == {
        "average_precision": primary["value"],
        "average_precision_low": primary["low"],
        "average_precision_high": primary["high"],
        "ece": figures["metrics"]["ece"]["value"],
        "recall_at_false_alarm": figures["metrics"]["recall_at_false_alarm"]["value"],
        "cost": figures["metrics"]["cost"]["value"],
        "gate": figures["gate"]["verdict"],
    }


def test_a_regression_has_its_own_guards() -> None:
    figures = json.loads((METRICS / "evaluate.json").read_text())
    number = {"value": 1.0, "low": 0.5, "high": 2.0}
    figures |= {"problem": "regression", "primary": "mae", "decisions": None, "footprint": None}
    figures["metrics"] = dict.fromkeys(("mae", "rmse", "bias", "error_p90"), number)
    summary = of_evaluation.summary(EvaluateDocument.model_validate(figures))
    assert list(summary) == ["mae", "mae_low", "mae_high", "bias", "error_p90", "gate"]


def test_decisions_and_the_bundle_have_theirs() -> None:
    figures = json.loads((METRICS / "evaluate.json").read_text())
    summary = of_evaluation.summary(EvaluateDocument.model_validate(figures))
    assert list(summary)[3:] == [
        *("ece", "recall_at_false_alarm", "decisions_cost_a_day", "bundle_size", "bundle_work"),
        "gate",
    ]
    assert summary["decisions_cost_a_day"] == figures["decisions"]["cost_a_day"]["value"]


def test_a_monitor_in_three_lines() -> None:
    verdict = MonitorResult.model_validate_json((METRICS / "monitor.json").read_text())
    summary = of_monitor.summary(verdict)
    assert list(summary) == ["level", "findings", "quality_loss"]
    assert summary["level"] == verdict.level
    assert verdict.quality is not None
    assert verdict.quality.loss is not None
    assert summary["quality_loss"] == pytest.approx(verdict.quality.loss.value, rel=1e-5)
    assert of_monitor.summary(broken("none", "run it")) == {
        "level": "alert", "findings": 1, "quality_loss": None,
    }  # fmt: skip
