"""The gate's reasons, one by one, and what an override lifts."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import verdict_line
from plumbline.review.comparison import Comparison, parse
from tests.reviews import CASE, LOCK, RESULT, WORSE, comparison, sections

LOW = {"slice": "size", "group": "small", "value": 0.1, "floor": 0.3}
BAD_RESULT = {**RESULT, "metrics": {"average_precision": WORSE}}
OLDER = {**CASE["data"], "as_of": {"base": "2025-02-01", "head": "2025-01-01"}}


def moved(base: float, head: float, word: str) -> dict[str, Any]:
    apart = {**WORSE["difference"], "value": head - base, "word": word}
    return {"base": base, "head": head, "difference": apart}


BROKEN_SLICE = {**RESULT, "slices": {"size": {"small": {"rows": 10, **moved(0.5, 0.3, "worse")}}}}
DEARER = {**RESULT, "metrics": {"cost": moved(100.0, 120.0, "worse")}}
LEAKED = {**RESULT, "metrics": {"average_precision": moved(0.5, 0.9, "better")}}
LEAKED_ERROR = {**RESULT, "metrics": {"mae": moved(10.0, 4.0, "better")}}
EVALUATE = {"verdict": "pass", "reasons": [], "checks": {}, "below_floor": []}


def kinds(results: Comparison) -> list[str]:
    return [r.kind for r in results.gate.reasons]


def test_nothing_against() -> None:
    gate = comparison().gate
    assert (gate.verdict, gate.reasons) == ("yes", [])


@pytest.mark.mltest("Infra 4")
@pytest.mark.parametrize(
    ("case", "kind", "text"),
    [
        ({"base": {"head": BAD_RESULT}}, "worse", "than base's beyond noise on head's test window"),
        ({"base": {"base": BAD_RESULT}}, "worse", "beyond noise on base's test window"),
        ({"release": {"head": BAD_RESULT}}, "worse", "than the last release's beyond noise"),
        (
            {"evaluate": {**EVALUATE, "below_floor": [LOW]}},
            "slice",
            "size small is 0.1, below its floor 0.3",
        ),
        (
            {"evaluate": {**EVALUATE, "verdict": "fail", "reasons": ["why not"]}},
            "evaluate",
            "why not",
        ),
        ({"evaluate": {**EVALUATE, "verdict": None}}, "evaluate", "no verdict"),
        ({"blocked": 2}, "contract", "2 blocking checks"),
        (
            {"base": {"head": BROKEN_SLICE}},
            "slice",
            "slice size small lost beyond noise: 0.5 → 0.3",
        ),
        ({"base": {"head": DEARER}}, "cost", "grew beyond noise: 100 → 120"),
        ({"base": {"head": LEAKED}}, "too-good", "more than 50% of what was left to gain"),
        (
            {"base": {"head": LEAKED_ERROR}, "primary": "mae"},
            "too-good",
            "mean absolute error gains more than 50%",
        ),
        ({"data": OLDER}, "older", "as of 2025-01-01, base's as of 2025-02-01"),
    ],
)
def test_a_use_case_s_reason(case: dict[str, Any], kind: str, text: str) -> None:
    [reason] = comparison(case).gate.reasons
    assert (reason.usecase, reason.kind) == ("shop", kind)
    assert text in reason.text
    gate = comparison({**case, "override": "agreed"}).gate
    assert gate.verdict == "overridden"
    assert gate.lifted == [reason]


@pytest.mark.parametrize(
    "result",
    [
        {**RESULT, "slices": {"size": {"small": {"rows": 10, **moved(0.5, 0.4, "worse")}}}},
        {**RESULT, "slices": {"size": {"small": {"rows": 10, **moved(0.5, 0.1, "within noise")}}}},
        {**RESULT, "metrics": {"cost": moved(100.0, 109.0, "worse")}},
        {**RESULT, "metrics": {"cost": moved(100.0, 130.0, "within noise")}},
        {**RESULT, "metrics": {"average_precision": moved(0.5, 0.7, "better")}},
    ],
)
def test_what_stays_within_the_limits(result: dict[str, Any]) -> None:
    assert kinds(comparison({"base": {"head": result}})) == []


def test_a_slice_is_named_once() -> None:
    failed = {"verdict": "fail", "reasons": ["slices"], "checks": {"slices": "fail"}}
    assert kinds(comparison({"evaluate": {**failed, "below_floor": [LOW]}})) == ["evaluate"]


@pytest.mark.parametrize(
    ("lock", "kind"),
    [
        ({"stale": list("abcdefg")}, "stale"),
        ({"unlocked": ["a"]}, "stale"),
        ({"uncommitted": ["a"]}, "uncommitted"),
        ({"bytes": ["x"]}, "bytes"),
    ],
)
def test_an_override_does_not_lift_a_wrong_lock(lock: dict[str, Any], kind: str) -> None:
    results = comparison({"override": "agreed"}, lock={**LOCK, **lock})
    assert results.gate.verdict == "no"
    assert kinds(results) == [kind]


def test_a_failed_stage_comes_first() -> None:
    results = comparison(failed={"stage": "train@shop", "error": "no rows"}, usecases={})
    assert results.gate.verdict == "failed"
    assert verdict_line.verdict(results) == "FAILED: stage train@shop failed: no rows"


@pytest.mark.parametrize("value", [[], {}, sections(format=2), sections(usecases={"a": 1})])
def test_another_file_is_refused(value: Any) -> None:
    with pytest.raises(PlumblineError, match=r"in.json: not a comparison, .*plumbline compare"):
        parse(value, "in.json")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (comparison(), "May be merged: shop: average precision better (0.5 → 0.52)"),
        (comparison(usecases={}), "May be merged: no use case's outputs changed"),
        (comparison({"base": {}}), "May be merged: shop: new, nothing to compare with"),
        (
            comparison({"base": {"head": {"comparable": True, "same": True}}}),
            "May be merged: shop: the same model",
        ),
        (
            comparison({"base": {"head": {"comparable": False, "reason": "another label"}}}),
            "May be merged: shop: not comparable",
        ),
        (comparison({"blocked": 1, "override": "so"}), "May be merged by an override: shop: so"),
    ],
)
def test_the_first_line(found: Comparison, text: str) -> None:
    assert verdict_line.verdict(found) == text


def test_the_first_line_counts_the_reasons() -> None:
    line = verdict_line.verdict(
        comparison({"blocked": 1, "evaluate": {**EVALUATE, "verdict": None}})
    )
    assert line.startswith("Not to be merged: shop: 1 blocking check of the contract failed")
    assert line.endswith("(and 1 more)")


def test_a_floor_of_an_error_is_a_limit() -> None:
    [reason] = comparison(
        {"primary": "mae", "evaluate": {**EVALUATE, "below_floor": [LOW]}}
    ).gate.reasons
    assert "size small is 0.1, above its limit 0.3" in reason.text
