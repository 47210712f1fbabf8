"""The gate's reasons, one by one, and what an override lifts."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import verdict_line
from plumbline.review.comparison import Comparison, parse
from tests.reviews import CASE, LOCK, RESULT, UNKNOWN, WORSE, comparison, sections

LOW = {"slice": "size", "group": "small", "value": 0.1, "floor": 0.3}
BAD_RESULT = {**RESULT, "metrics": {"average_precision": WORSE}}
OLDER = {**CASE["data"], "as_of": {"base": "2025-02-01", "head": "2025-01-01"}}


def moved(base: float, head: float, word: str) -> dict[str, Any]:
    value = head - base
    half = abs(value) * (2 if word == "within noise" else 0.5)
    ends = {"value": value, "low": value - half, "high": value + half}
    return {"base": base, "head": head, "difference": {**ends, "relative": None, "word": word}}


BROKEN_SLICE = {**RESULT, "slices": {"size": {"small": {"rows": 10, **moved(0.5, 0.3, "worse")}}}}
DEARER = {**RESULT, "metrics": {"cost": moved(100.0, 120.0, "worse")}}
LEAKED = {**RESULT, "metrics": {"average_precision": moved(0.5, 0.9, "better")}}
LEAKED_ERROR = {**RESULT, "metrics": {"mae": moved(10.0, 4.0, "better")}}
UNSURE = {**RESULT, "metrics": {"average_precision": moved(0.5, 0.4667, "within noise")}}
NO_DAYS = {**RESULT, "metrics": {"average_precision": {**UNKNOWN, "base": 0.5, "head": 0.5}}}
RULE = {"usecase": "shop", "key": "gate.margin", "base": 0.01, "head": 1.0}
FILE = {"usecase": None, "key": "tests/code/test_a.py", "base": "9 lines", "head": "removed"}
EVALUATE = {"verdict": "pass", "reasons": [], "checks": {}, "below_floor": []}


def kinds(results: Comparison) -> list[str]:
    return [r.kind for r in results.gate.reasons]


def test_nothing_against() -> None:
    gate = comparison().gate
    assert (gate.verdict, gate.reasons) == ("yes", [])


@pytest.mark.capability("A13")
@pytest.mark.mltest("Infra 4")
@pytest.mark.parametrize(
    ("case", "kind", "text"),
    [
        (
            {"base": {"head": BAD_RESULT}},
            "worse",
            "average precision fell from 0.500 to 0.400, worse beyond noise",
        ),
        ({"base": {"base": BAD_RESULT}}, "worse", "-0.200 to -0.050), on base's test window"),
        (
            {"release": {"head": BAD_RESULT}},
            "worse",
            "since the last release, average precision fell",
        ),
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
            "slice size small: average precision fell from 0.500 to 0.300, worse beyond noise",
        ),
        ({"base": {"head": DEARER}}, "cost", "at the threshold, cost rose from 100 to 120"),
        (
            {"base": {"head": RESULT, "base": BROKEN_SLICE}},
            "slice",
            "-0.300 to -0.100), on base's test window",
        ),
        ({"base": {"head": RESULT, "base": DEARER}}, "cost", "on base's test window"),
        (
            {"seeds": {"replicates": 0, "base": 6, "reason": "none fitted"}},
            "cannot-tell",
            "no model of head was trained with other seeds: none fitted",
        ),
        (
            {"base": {"head": LEAKED}},
            "too-good",
            "from 0.500 to 0.900, more than 50% of what was left to gain",
        ),
        (
            {"base": {"head": LEAKED_ERROR}, "primary": "mae"},
            "too-good",
            "mean absolute error fell from 10.0 to 4.0, more than 50%",
        ),
        (
            {"base": {"head": {"comparable": False, "reason": "another label"}}},
            "not-comparable",
            "the models cannot be compared: another label",
        ),
        (
            {"base": {"head": UNSURE}},
            "cannot-tell",
            "so that 20.0% may be lost, and 5.0% at most",
        ),
        ({"base": {"head": NO_DAYS}}, "cannot-tell", "too few rows for an interval"),
        (
            {"base": {"head": RESULT, "base": RESULT, "lost": {"rows": 365, "of": 840}}},
            "rows",
            "365 of 840 rows of base's test window are missing from head's (at most 1.0%)",
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


@pytest.mark.capability("A13")
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


def test_where_the_cache_has_the_outs_a_checkout_comes_first() -> None:
    for held, repair in (
        (["a", "b"], "would run again; `dvc checkout` brings them from the cache"),
        (
            ["b"],
            "`dvc checkout` brings the outs of b from the cache; then run `dvc repro` and commit",
        ),
        ([], "would run again; run `dvc repro` and commit dvc.lock"),
    ):
        (reason,) = comparison(lock={**LOCK, "stale": ["a", "b"], "held": held}).gate.reasons
        assert repair in reason.text


def test_a_rule_of_a_use_case_that_has_no_figures_is_the_projects_to_lift() -> None:
    """Its own section's reason is read with its figures, and there are none."""
    rule = {**RULE, "usecase": "other", "key": "gate.max_loss"}
    [reason] = comparison(rules=[rule]).gate.reasons
    assert (reason.usecase, reason.kind) == (None, "rules")
    assert "judged: other.gate.max_loss; say why in gate.override" in reason.text
    assert comparison(rules=[rule], override="agreed").gate.verdict == "overridden"


@pytest.mark.parametrize("rules", [[RULE], [FILE], [RULE, FILE]])
def test_a_change_of_the_rules_needs_a_reason_of_its_owner(rules: list[dict[str, Any]]) -> None:
    """The reason of the use case lifts what is its own, the project's what is the project's."""
    owners = [rule["usecase"] for rule in rules]
    reasons = {None: "new tests", "shop": "a wider margin"}
    assert kinds(comparison(rules=rules)) == ["rules"] * len(rules)
    given = {"override": reasons[None]} if None in owners else {}
    case = {"override": reasons["shop"]} if "shop" in owners else {}
    gate = comparison(case, rules=rules, **given).gate
    assert (gate.verdict, len(gate.lifted)) == ("overridden", len(rules))
    assert sorted(gate.overrides.values()) == sorted(reasons[owner] for owner in owners)
    for other in (
        comparison({"override": "x"}, rules=[FILE]),
        comparison(rules=[RULE], override="x"),
    ):
        assert other.gate.verdict == "no"


def test_a_use_case_that_is_gone_needs_the_project_s_reason() -> None:
    gone = comparison(removed=["shop2"])
    assert gone.gate.verdict == "no"
    assert "the use case shop2 is removed" in gone.gate.reasons[0].text
    assert comparison(removed=["shop2"], override="sold").gate.verdict == "overridden"


def test_a_new_use_case_is_no_reason() -> None:
    assert comparison({"base": {}, "release": {}}).gate.verdict == "yes"


@pytest.mark.parametrize("word", ["better", "within noise", "within margin"])
def test_a_patched_word_does_not_survive(word: str) -> None:
    """The words of an artifact are said again from its values."""
    patched = {**WORSE, "difference": {**WORSE["difference"], "word": word}}
    slices = {"size": {"small": {"rows": 10, **moved(0.5, 0.3, "worse")}}}
    slices["size"]["small"]["difference"]["word"] = word
    result = {**RESULT, "metrics": {"average_precision": patched}, "slices": slices}
    judged = comparison({"base": {"head": result}})
    assert kinds(judged) == ["worse", "slice"]
    assert judged.usecases["shop"].base.head.metrics["average_precision"].difference.word == "worse"


def test_a_failed_stage_comes_first() -> None:
    results = comparison(failed={"stage": "train@shop", "error": "no rows"}, usecases={})
    assert results.gate.verdict == "failed"
    assert verdict_line.verdict(results) == "Do not merge: stage train@shop failed: no rows"


@pytest.mark.parametrize("value", [[], {}, sections(format=2), sections(usecases={"a": 1})])
def test_another_file_is_refused(value: Any) -> None:
    with pytest.raises(PlumblineError, match=r"in.json: not a comparison, .*plumbline compare"):
        parse(value, "in.json")


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ({"base": {}}, "a new use case, with nothing to compare it with"),
        (
            {"base": {"head": {"comparable": True, "same": True}}},
            "the model and its test table did not change",
        ),
    ],
)
def test_the_first_line_without_figures(case: dict[str, Any], text: str) -> None:
    line = verdict_line.verdict(comparison(case))
    assert line == f"Nothing against merging: shop: {text}"


@pytest.mark.parametrize(
    ("figures", "word", "text"),
    [
        (
            (3.57, 3.241, -0.41, -0.25),
            "better",
            "fell from 3.57 to 3.24 minutes, better beyond noise",
        ),
        (
            (3.57, 3.573, -0.1, 0.11),
            "within noise",
            "stayed at 3.57 minutes, no difference beyond noise",
        ),
        (
            (3.57, 3.61, 0.01, 0.08),
            "within margin",
            "to 3.610 minutes, by less than the 1.5% that count",
        ),
    ],
)
def test_the_first_line_says_what_became_of_the_metric(
    figures: tuple[float, ...], word: str, text: str
) -> None:
    base, head, low, high = figures
    change = {"value": head - base, "low": low, "high": high, "word": word}
    result = {**RESULT, "metrics": {"mae": {"base": base, "head": head, "difference": change}}}
    case = {"primary": "mae", "units": {"label": "minutes"}, "base": {"head": result}}
    if word == "within margin":
        case |= {"margin": 0.015, "seeds": {"replicates": 0, "reason": "no tables"}}
    line = verdict_line.verdict(comparison(case))
    assert line.startswith("Nothing against merging: shop: mean absolute error")
    assert text in line
    assert "(95% interval of the difference: " in line


def test_the_first_line_of_other_ends() -> None:
    nothing = verdict_line.verdict(comparison(usecases={}))
    assert nothing == "Nothing against merging: no use case's outputs changed"
    overridden = verdict_line.verdict(comparison({"blocked": 1, "override": "so"}))
    assert overridden.startswith("May be merged by an override (shop: so): shop: average precision")


def test_the_first_line_counts_the_reasons() -> None:
    line = verdict_line.verdict(
        comparison({"blocked": 1, "evaluate": {**EVALUATE, "verdict": None}})
    )
    assert line.startswith("Do not merge: shop: 1 blocking check of the contract failed")
    assert line.endswith("; 1 more reason below")


def test_a_floor_of_an_error_is_a_limit() -> None:
    [reason] = comparison(
        {"primary": "mae", "evaluate": {**EVALUATE, "below_floor": [LOW]}}
    ).gate.reasons
    assert "size small is 0.1, above its limit 0.3" in reason.text
