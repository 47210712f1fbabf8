"""Head's documents by base's limits: what a wider limit lets pass is refused, what base allows is not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from plumbline.config import UseCaseParams
from plumbline.review import base_limits
from plumbline.validate import check_messages
from plumbline.validate.check import Broken, ContractCheck
from tests.conftest import ROOT
from tests.evaluated import INTERVAL, evaluated

WHOLE = yaml.safe_load((ROOT / "params.yaml").read_text())
CLASSES: dict[str, Any] = {
    "rows": {"test": 100, "positives": 20},
    "metrics": {
        "average_precision": INTERVAL,
        "ece": {"value": 0.1, "low": 0.08, "high": 0.12},
    },
    "calibration": {
        **{"kind": "none", "ece": INTERVAL, "relative": INTERVAL, "uncalibrated": INTERVAL},
        **{"noise": 0.02, "bins": [], "bins_uncalibrated": []},
    },
    "slices": {"size": {"small": {"value": 0.1, "low": 0.05, "high": 0.2, "rows": 9}}},
    "behaviours": {
        "rises": {"pairs": 40, "share": 1.0, "required": 0.9, "expect": "same", "holds": True}
    },
    "settings": {"level": 0.95, "bootstrap": 500, "k": 5, "false_alarm_rate": 0.01},
}
VALIDATED: dict[str, Any] = {
    "rows": {"events": {"in": 1000, "out": 970, "set_aside": 30}},
    "quarantined": {"events": {"amount.range": 30}},
    "warnings": [
        "events-2025-01.parquet: column 'amount', check 'range': expected at most 5, found in 30 rows: x.",
        "column 'amount', check 'mean': mean 3, was 2: +1.00 sd",
    ],
}
MONITORED: dict[str, Any] = {
    "level": "warning",
    "findings": [{"check": "quality", "level": "warning", "size": 0.3}],
    "quality": {"loss": {"value": 0.3, "low": 0.2, "high": 0.4}},
}


def params(**sections: Any) -> UseCaseParams:
    """card_fraud's, without costs, with some sections changed."""
    given = WHOLE["card_fraud"]
    evaluate = {**given["evaluate"], "slice_floors": {}, "min_pairs": 1}
    plain = {**given, "train": {"rounds": 9}, "evaluate": evaluate, "monitor": {}, "validate": {}}
    changed = {n: {**plain[n], **section} for n, section in sections.items()}
    return UseCaseParams.model_validate({"seed": 7, **plain, **changed})


def refused(stage: str, document: dict[str, Any], **base: Any) -> list[str]:
    """By base's own limits; head's are another's."""
    head = params(**{next(iter(base)): {}}) if base else params()
    return base_limits.refusals({stage: document}, params(**base), head)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ({"slice_floor": 0.5}, "slice size small is 0.1, below its floor 0.25"),
        ({"slice_floors": {"size": 0.3}}, "slice size small is 0.1, below its floor 0.3"),
        ({"slice_floors": {"gone": 0.3}}, None),
        ({"slice_floor": 0.3}, None),
        ({"max_ece": 0.39}, "is 0.4 of the rarer class's share (at most 0.39)"),
        ({"max_ece": 0.41}, None),
        ({"min_pairs": 41}, "behaviour rises was checked on 40 pairs, 41 are needed"),
        ({"level": 0.99}, "cannot tell: intervals at a level of 95.0%, 99.0% is set"),
        ({"bootstrap": 2000}, "cannot tell: 500 replicates for the intervals, 2000 are set"),
    ],
)
def test_acceptance(base: dict[str, Any], reason: str | None) -> None:
    section = {"slice_floor": 0.1, "max_ece": 1.0, **base}
    found = refused("evaluate", evaluated(**CLASSES), evaluate=section)
    assert [reason in text for text in found if reason] == ([True] if reason else [])
    assert len(found) == (reason is not None), found


def test_bias_of_a_regression() -> None:
    metrics = {"mae": INTERVAL, "bias": {"value": 0.3, "low": 0.2, "high": 0.4}}
    given = {**CLASSES, "problem": "regression", "primary": "mae", "metrics": metrics, "slices": {}}
    document = evaluated(**{k: v for k, v in given.items() if k != "calibration"})
    assert "bias is 0.6" in refused("evaluate", document, evaluate={"max_bias": 0.3})[0]
    assert refused("evaluate", document, evaluate={"max_bias": 0.45}) == []


LEAK: dict[str, Any] = {
    **{"key": "z", "text": "`z` alone nearly answers", "measure": "R²", "figure": 1.0},
    **{"harmless": "it is known by then"},
}


@pytest.mark.parametrize(("harmless", "count"), [({}, 1), ({"z": "it is known by then"}, 0)])
def test_what_head_declares_harmless_is_no_rule_of_base(
    harmless: dict[str, str], count: int
) -> None:
    leaks = {"columns": 3, "found": [LEAK], "persistence": None, "unused": []}
    base = {"slice_floor": 0.1, "max_ece": 1.0, "harmless": harmless}
    found = refused("evaluate", evaluated(**CLASSES, leaks=leaks), evaluate=base)
    assert ["`z` alone nearly answers" in text for text in found] == [True] * count


def test_other_costs_say_nothing() -> None:
    costs = {"unit": "cents", "false_negative": 5, "false_positive": 1}
    found = refused("evaluate", evaluated(**CLASSES), train={"costs": costs})
    assert "cannot tell: policies are judged by other costs" in found


@pytest.mark.parametrize(
    ("base", "reasons"),
    [
        ({"max_quarantine": 0.02}, ["30 of 1,000 rows of events were set aside (at most 2.0%)"]),
        ({"max_quarantine": 0.5}, []),
        ({"severity": {"range": "block"}}, ["the check amount.range failed, and it blocks"]),
        ({"severity": {"amount.mean": "block"}}, ["the check amount.mean failed, and it blocks"]),
        ({"severity": {"other.mean": "block"}}, []),
    ],
)
def test_contract(base: dict[str, Any], reasons: list[str]) -> None:
    assert refused("validate", VALIDATED, validate={"max_quarantine": 0.03, **base}) == reasons


def test_rows_that_base_sets_aside() -> None:
    used = {**VALIDATED, "quarantined": {"events": {}}, "rows": {}}
    found = refused("validate", used, validate={"max_quarantine": 0.02})
    assert found == ["rows that break amount.range are set aside, and here they were used"]


def test_the_names_are_those_of_the_warnings(tmp_path: Any) -> None:
    check = ContractCheck("events", "range", "amount", "warn", "at most 5", "amount")
    broken = Broken(check, 3, tmp_path / "events.parquet", (("x", "': column 'y', check 'z': "),))
    text = check_messages.warning(broken, None)
    match = base_limits.WARNED.search(text)
    assert match
    assert (match[1], match[2]) == ("amount", "range")


def test_monitor() -> None:
    limits = {"quality": {"warning": 0.05, "alert": 0.1}}
    wide = {"quality": {"warning": 0.2, "alert": 0.9}}
    head = params(monitor=wide)
    found = base_limits.refusals({"monitor": MONITORED}, params(monitor=limits), head)
    assert found == ["the monitor's quality is alert, not warning: 30.0%"]
    blind = {**MONITORED, "findings": []}
    found = base_limits.refusals({"monitor": blind}, params(monitor=limits), head)
    assert found == ["known labels show a loss of 30.0%, which the monitor does not report"]
    small = {**blind, "quality": {"loss": {"value": 0.3, "low": -0.1, "high": 0.6}}}
    assert base_limits.refusals({"monitor": small}, params(monitor=limits), head) == []


def test_the_same_limits_refuse_nothing_more() -> None:
    """Head's own stages have judged by them."""
    stages = {"evaluate": evaluated(**CLASSES), "validate": VALIDATED, "monitor": MONITORED}
    assert base_limits.refusals(stages, params(), params()) == []


WAIVER = {"check": "amount.range", "reason": "seen", "by": "anna", "expires": "2099-01-01"}


def test_what_base_lets_through_is_not_refused_by_base() -> None:
    document = {**VALIDATED, "quarantined": {}, "rows": {}}
    assert refused("validate", document, validate={"waivers": [WAIVER]}) == []
    gone = {**WAIVER, "expires": "2020-01-01"}
    assert len(refused("validate", document, validate={"waivers": [gone]})) == 1


def test_what_head_alone_lets_through_is_refused_by_base() -> None:
    document = {**VALIDATED, "quarantined": {}, "rows": {}}
    head = params(validate={"waivers": [WAIVER]})
    found = base_limits.refusals({"validate": document}, params(), head)
    assert found == ["rows that break amount.range are set aside, and here they were used"]
