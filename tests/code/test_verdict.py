"""Findings to words: the gravest first, and when to retrain."""

from __future__ import annotations

import re

import pytest

from plumbline.config import load
from plumbline.core.errors import ParamsError
from plumbline.monitor import verdict
from plumbline.monitor.verdict import Finding


def finding(check, level="alert", column=None, size=1.0, importance=0.5):
    return Finding(check, level, size, "", "said", column, importance)


@pytest.mark.capability("K9")
def test_warning_above_alert_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    rest = "{data: {source: csv}, validate: {}, features: {}, tune: {}, train: {}, evaluate: {}"
    path.write_text(
        f"seed: 1\nusecases: [shop]\nshop: {rest}, monitor: {{quality: {{warning: 0.3, alert: 0.2}}}}}}\n"
    )
    with pytest.raises(ParamsError, match=re.escape("expected warning at most alert")):
        load("shop", path)


@pytest.mark.capability("K9")
def test_the_level_is_the_gravest_findings():
    assert verdict.level([]) == "ok"
    assert verdict.level([finding("drift", "warning")]) == "warning"
    assert verdict.level([finding("drift", "warning"), finding("unit")]) == "alert"


def test_a_fault_comes_before_the_drift_that_it_makes():
    result = [
        finding("prediction", size=9.0),
        finding("unit", column="amount", importance=0.1),
        finding("drift", "warning", "hour", importance=1.0),
        finding("null_share", column="size", importance=0.7),
    ]
    assert [f.check for f in verdict.order(result)] == ["null_share", "unit", "prediction", "drift"]
    assert verdict.order(result[::-1]) == verdict.order(result)


@pytest.mark.mltest("Monitor 4", "Monitor 7")
@pytest.mark.parametrize(
    ("findings", "judged", "stale", "now", "why"),
    [
        (
            [finding("unit", column="amount"), finding("quality")],
            True,
            "",
            False,
            "refused: repair",
        ),
        ([finding("quality")], True, "", True, "known labels show a loss"),
        ([finding("calibration")], True, "", True, "known labels show a loss"),
        ([], True, "the model is old", True, "the model is old"),
        ([finding("unit", column="a")], True, "the model is old", False, "refused: repair"),
        ([finding("drift", column="a")], False, "", True, "harm is to be expected: a moved"),
        ([finding("drift", column="a")], True, "", False, "a moved, but known labels"),
        ([finding("drift", "warning", "a")], False, "", False, "nothing that the model uses"),
        ([finding("quality", "warning")], True, "", False, "no loss that calls for it"),
        ([], True, "", False, "no loss of quality that reaches its limit"),
    ],
)
def test_when_to_retrain(findings, judged, stale, now, why):
    decided = verdict.retrain(findings, judged, stale)
    assert decided[0] is now
    assert decided[1].startswith(why) or why in decided[1]


def test_every_check_says_what_to_do_next():
    assert set(verdict.FAULTS) <= set(verdict.NEXT)
    assert finding("swapped").next == verdict.NEXT["swapped"]
