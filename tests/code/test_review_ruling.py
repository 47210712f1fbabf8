"""The gate's reasons, one by one, and what an override lifts."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import merge_gate, verdict_line
from tests.reviews import CASE, LOCK, RESULT, WORSE, comparison

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


def kinds(found: dict[str, Any]) -> list[str | None]:
    return [r["kind"] for r in merge_gate.ruling(found)["reasons"]]


def test_nothing_against() -> None:
    judged = merge_gate.ruling(comparison())
    assert (judged["verdict"], judged["reasons"]) == ("yes", [])


@pytest.mark.mltest("Infra 4")
@pytest.mark.parametrize(
    ("case", "kind", "text"),
    [
        ({"base": {"head": BAD_RESULT}}, "worse", "than base's beyond noise on head's test window"),
        ({"base": {"base": BAD_RESULT}}, "worse", "beyond noise on base's test window"),
        ({"release": {"head": BAD_RESULT}}, "worse", "than the last release's beyond noise"),
        ({"evaluate": {**EVALUATE, "below_floor": [LOW]}}, "slice", "size small is 0.1"),
        ({"evaluate": {"verdict": "fail", "reasons": ["why not"]}}, "evaluate", "why not"),
        ({"evaluate": {}}, "evaluate", "no verdict"),
        ({"blocked": 2}, "contract", "2 checks"),
        (
            {"base": {"head": BROKEN_SLICE}},
            "slice",
            "slice size small lost beyond noise: 0.5 → 0.3",
        ),
        ({"base": {"head": DEARER}}, "cost", "grew beyond noise: 100 → 120"),
        ({"base": {"head": LEAKED}}, "too-good", "more than 50% of what was left to gain"),
        ({"base": {"head": LEAKED_ERROR}, "primary": "mae"}, "too-good", "mae gains more than 50%"),
        ({"data": OLDER}, "older", "as of 2025-01-01, base's as of 2025-02-01"),
    ],
)
def test_a_use_case_s_reason(case: dict[str, Any], kind: str, text: str) -> None:
    found = comparison(case)
    [reason] = merge_gate.ruling(found)["reasons"]
    assert (reason["usecase"], reason["kind"]) == ("shop", kind)
    assert text in reason["text"]
    lifted = merge_gate.ruling(comparison({**case, "override": "agreed"}))
    assert lifted["verdict"] == "overridden"
    assert lifted["lifted"] == [reason]


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
    told = {"verdict": "fail", "reasons": ["slices"], "checks": {"slices": "fail"}}
    assert kinds(comparison({"evaluate": {**told, "below_floor": [LOW]}})) == ["evaluate"]


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
    found = comparison({"override": "agreed"}, lock={**LOCK, **lock})
    assert merge_gate.ruling(found)["verdict"] == "no"
    assert kinds(found) == [kind]


def test_a_failed_stage_comes_first() -> None:
    found = comparison(failed={"stage": "train@shop", "error": "no rows"}, usecases={})
    judged = merge_gate.ruling(found)
    assert judged["verdict"] == "failed"
    said = verdict_line.verdict({**found, "gate": judged})
    assert said == "FAILED: stage train@shop failed: no rows"


@pytest.mark.parametrize("found", [[], {}, comparison(format=2), comparison(usecases={"a": 1})])
def test_another_file_is_refused(found: Any) -> None:
    with pytest.raises(PlumblineError, match=r"in.json: (not a comparison|damaged)"):
        merge_gate.read(found, "in.json")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (comparison(), "May be merged: shop: average precision better (0.5 → 0.52)"),
        (comparison(usecases={}), "May be merged: no use case's outputs changed"),
        (comparison({"base": {}}), "May be merged: shop: new, nothing to compare with"),
        (comparison({"base": {"head": {"same": True}}}), "May be merged: shop: the same model"),
        (
            comparison({"base": {"head": {"comparable": False}}}),
            "May be merged: shop: not comparable",
        ),
        (comparison({"blocked": 1, "override": "so"}), "May be merged by an override: shop: so"),
    ],
)
def test_the_first_line(found: dict[str, Any], text: str) -> None:
    assert verdict_line.verdict({**found, "gate": merge_gate.ruling(found)}) == text


def test_the_first_line_counts_the_reasons() -> None:
    found = comparison({"blocked": 1, "evaluate": {}})
    said = verdict_line.verdict({**found, "gate": merge_gate.ruling(found)})
    assert said.startswith("Not to be merged: shop: 1 checks")
    assert said.endswith("(and 1 more)")
