"""The gate's reasons, one by one, and what an override lifts."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.errors import PlumblineError
from plumbline.review import ruling, summary
from tests.reviews import LOCK, RESULT, WORSE, comparison

LOW = {"slice": "size", "group": "small", "value": 0.1, "floor": 0.3}
BAD_RESULT = {**RESULT, "metrics": {"average_precision": WORSE}}
EVALUATE = {"verdict": "pass", "reasons": [], "checks": {}, "below_floor": []}


def kinds(found: dict[str, Any]) -> list[str | None]:
    return [r["kind"] for r in ruling.ruling(found)["reasons"]]


def test_nothing_against() -> None:
    judged = ruling.ruling(comparison())
    assert (judged["verdict"], judged["reasons"]) == ("yes", [])


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
    ],
)
def test_a_use_case_s_reason(case: dict[str, Any], kind: str, text: str) -> None:
    found = comparison(case)
    [reason] = ruling.ruling(found)["reasons"]
    assert (reason["usecase"], reason["kind"]) == ("shop", kind)
    assert text in reason["text"]
    lifted = ruling.ruling(comparison({**case, "override": "agreed"}))
    assert lifted["verdict"] == "overridden"
    assert lifted["lifted"] == [reason]


def test_a_slice_is_named_once() -> None:
    told = {"verdict": "fail", "reasons": ["slices"], "checks": {"slices": "fail"}}
    assert kinds(comparison({"evaluate": {**told, "below_floor": [LOW]}})) == ["evaluate"]


@pytest.mark.parametrize(
    ("lock", "kind"),
    [
        ({"stale": list("abcdefg")}, "stale"),
        ({"unlocked": ["a"]}, "stale"),
        ({"bytes": ["x"]}, "bytes"),
    ],
)
def test_an_override_does_not_lift_a_wrong_lock(lock: dict[str, Any], kind: str) -> None:
    found = comparison({"override": "agreed"}, lock={**LOCK, **lock})
    assert ruling.ruling(found)["verdict"] == "no"
    assert kinds(found) == [kind]


def test_a_failed_stage_comes_first() -> None:
    found = comparison(failed={"stage": "train@shop", "error": "no rows"}, usecases={})
    judged = ruling.ruling(found)
    assert judged["verdict"] == "failed"
    said = summary.verdict({**found, "gate": judged})
    assert said == "FAILED: stage train@shop failed: no rows"


@pytest.mark.parametrize("found", [[], {}, comparison(format=2), comparison(usecases={"a": 1})])
def test_another_file_is_refused(found: Any) -> None:
    with pytest.raises(PlumblineError, match=r"in.json: (not a comparison|damaged)"):
        ruling.read(found, "in.json")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (comparison(), "May be merged: shop: average_precision better (0.5 → 0.52)"),
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
    assert summary.verdict({**found, "gate": ruling.ruling(found)}) == text


def test_the_first_line_counts_the_reasons() -> None:
    found = comparison({"blocked": 1, "evaluate": {}})
    said = summary.verdict({**found, "gate": ruling.ruling(found)})
    assert said.startswith("Not to be merged: shop: 1 checks")
    assert said.endswith("(and 1 more)")
