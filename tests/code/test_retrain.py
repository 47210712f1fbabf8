"""A retrain's plan and its words: as-of dates, outcomes, what the team reads. No run."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.data.params import Data
from plumbline.monitor.result import DayVerdict, MonitorResult
from plumbline.monitor.served.served_report import ServedReport
from plumbline.ops.retrain import (
    as_of,
    branches,
    faulty_days,
    outcomes,
    retrain_document,
    retrain_texts,
)
from plumbline.ops.retrain.retrain_document import RetrainDocument, RetrainRecord
from plumbline.review.comparison import GateVerdict
from plumbline.review.comparison_sections import RuleChange
from tests.reviews import comparison

TODAY = date(2025, 9, 1)
TEXT = """\
usecases: [shop, other]  # both
shop:
  data:
    source: csv  # a file
    as_of: "2025-07-01"  # midnight
other: {data: {source: simulate, as_of: '2025-01-01'}, train: {as_of: 3}}
"""
FAULT = {
    "check": "all_null",
    "level": "alert",
    "column": "size",
    "evidence": "no value",
    "next": "look",
    "size": 1.0,
}
DRIFT = {**FAULT, "check": "drift", "column": None}
SKEW = {**FAULT, "check": "skew"}


def seen(level: str = "ok", now: bool = False, findings: tuple[dict, ...] = ()) -> MonitorResult:
    retrain = {"now": now, "why": "labels say so"}
    given = {"level": level, "summary": f"{level}: told", "retrain": retrain, "findings": findings}
    return MonitorResult.model_validate(given)


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        ("csv", {}, TODAY),
        ("simulate", {}, date(2025, 7, 29)),
        ("simulate", {"days": 7}, date(2025, 7, 8)),
        ("csv", {"days": 0}, date(2025, 7, 1)),
        ("csv", {"day": date(2025, 8, 1)}, date(2025, 8, 1)),
    ],
)
def test_the_day(source: str, options: dict, expected: date) -> None:
    data = Data(source=source, as_of="2025-07-01")
    assert (
        as_of.target("shop", data, **{"day": None, "days": None, **options}, today=TODAY)
        == expected
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, date(2025, 7, 12)), ({"days": 3}, date(2025, 7, 4)), ({"day": TODAY}, TODAY)],
)
def test_what_was_served_is_known_to_the_end_of_the_last_sealed_day(
    options: dict, expected: date
) -> None:
    data = Data.model_construct(source="served", as_of=date(2025, 7, 1))
    given = {"day": None, "days": None, "sealed": date(2025, 7, 11), **options}
    assert as_of.target("shop", data, **given, today=TODAY) == expected


def test_nothing_is_newer_before_a_day_is_sealed() -> None:
    data = Data.model_construct(source="served", as_of=date(2025, 7, 1))
    with pytest.raises(PlumblineError, match="no day is sealed yet"):
        as_of.target("shop", data, day=None, days=None, today=TODAY)
    assert as_of.target("shop", data, day=None, days=0, today=TODAY) == data.as_of


def test_a_table_without_days() -> None:
    assert as_of.target("shop", Data(source="csv"), day=TODAY, days=None, today=TODAY) is None


def test_no_day_in_the_past() -> None:
    data = Data(source="csv", as_of="2025-07-01")
    with pytest.raises(
        PlumblineError, match=r"shop\.data\.as_of is 2025-07-01, later than 2025-06-01"
    ):
        as_of.target("shop", data, day=date(2025, 6, 1), days=None, today=TODAY)


@pytest.mark.parametrize("usecase", ["shop", "other"])
def test_a_day_moved_changes_nothing_else(usecase: str) -> None:
    text = as_of.moved(TEXT, usecase, TODAY)
    before, after = yaml.safe_load(TEXT), yaml.safe_load(text)
    assert after[usecase]["data"]["as_of"] == "2025-09-01"
    after[usecase]["data"]["as_of"] = before[usecase]["data"]["as_of"]
    assert after == before
    assert len(text) == len(TEXT)
    assert text.count("#") == TEXT.count("#")


def test_no_day_to_move() -> None:
    with pytest.raises(PlumblineError, match=r"nowhere\.data\.as_of: missing"):
        as_of.moved(TEXT, "nowhere", TODAY)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (seen(), "healthy"),
        (seen("warning", findings=({**DRIFT, "level": "warning"},)), "drift"),
        (seen("alert", findings=(DRIFT,)), "drift"),
        (seen("alert", findings=(FAULT,)), "bad-data"),
        (seen("alert", now=True, findings=(DRIFT, FAULT)), "bad-data"),
        (seen("alert", now=True, findings=(DRIFT,)), None),
        (seen("alert", now=True, findings=(DRIFT, SKEW)), "bad-serving"),
        (seen("alert", findings=(SKEW, FAULT)), "bad-data"),
        (seen("alert", findings=({**DRIFT, "check": "latency"},)), "healthy"),
        (seen("alert", findings=({**DRIFT, "check": "served_quality"},)), "drift"),
        (seen("alert", now=True, findings=(DRIFT, {**SKEW, "until": "2025-06-20"})), None),
    ],
)
def test_the_monitor_decides(result: MonitorResult, word: str | None) -> None:
    judged = outcomes.of_monitor(result)
    assert (judged.kind if judged else None) == word


@pytest.mark.parametrize(
    ("verdict", "word"), [("yes", "challenger"), ("no", "drift"), ("overridden", "drift")]
)
def test_only_a_plain_yes_makes_a_challenger(verdict: str, word: str) -> None:
    reason = {"usecase": "shop", "kind": "worse", "text": "it is worse"}
    gate = {"verdict": verdict, "reasons": [reason], "lifted": [], "overrides": {"shop": "because"}}
    gated = comparison().model_copy(update={"gate": GateVerdict.model_validate(gate)})
    judged = outcomes.of_comparison(gated)
    assert judged.kind == word
    if word == "drift":
        assert judged.reasons == ("challenger refused: shop: it is worse",)


@pytest.mark.parametrize(
    ("reason", "keys", "kinds", "word"),
    [
        ("days with faults", ["features.leave_out"], ["rules"], "challenger"),
        ("another", ["features.leave_out"], ["rules"], "drift"),
        ("days with faults", ["features.leave_out", "gate.max_loss"], ["rules"], "drift"),
        ("days with faults", ["features.leave_out"], ["rules", "worse"], "drift"),
    ],
)
def test_an_override_of_its_own_lifts_the_days_left_out_alone(
    reason: str, keys: list[str], kinds: list[str], word: str
) -> None:
    lifted = [{"usecase": "shop", "kind": kind, "text": "a text"} for kind in kinds]
    gate = {"verdict": "overridden", "reasons": [], "lifted": lifted, "overrides": {"shop": reason}}
    rules = [RuleChange(usecase="shop", key=key, base=None, head="x") for key in keys]
    update = {"gate": GateVerdict.model_validate(gate), "rules": rules}
    gated = comparison().model_copy(update=update)
    assert outcomes.of_comparison(gated, "days with faults").kind == word
    assert outcomes.of_comparison(gated).kind == "drift"


def test_days_with_faults_of_a_verdict() -> None:
    fault, drift = {**FAULT, "check": "unit", "column": "x"}, {**DRIFT, "check": "drift"}
    days = [
        {"day": "2025-06-01", "level": "alert", "rows": 5, "findings": [drift, fault]},
        {"day": "2025-06-08", "level": "alert", "rows": 0, "findings": [fault]},
        {"day": "2025-06-15", "level": "alert", "rows": 5, "findings": [drift]},
    ]
    verdict = seen("alert", findings=(fault,)).model_copy(
        update={"days": tuple(map(DayVerdict.model_validate, days)), "period_days": 7}
    )
    first, end = date(2025, 6, 3), date(2025, 6, 6)
    assert list(faulty_days.of(verdict, first, end)) == [date(2025, 6, d) for d in (3, 4, 5)]
    assert len(faulty_days.of(verdict)) == 7, "a day without rows is in no table"
    assert faulty_days.begin(verdict, end) == date(2025, 6, 1)


def test_many_days_with_faults_are_named_as_far_as_a_reason_goes() -> None:
    days = {date(2025, 6, 1) + timedelta(days=n): "amount: unit: " + "x" * 90 for n in range(100)}
    few = dict(list(days.items())[:20])
    assert "2025-06-20" in faulty_days.sentence(few)
    assert len(faulty_days.sentence(days)) == faulty_days.LONGEST


def record(outcome: str, **more: object) -> RetrainRecord:
    days = {"from": "2025-07-01", "to": "2025-07-29"}
    whole = {"usecase": "shop", "outcome": outcome, "reasons": ["a <b> @all"], "as_of": days}
    return RetrainRecord.model_validate(whole | more)


def test_the_body_holds_the_evidence_and_nothing_acts() -> None:
    report = record("challenger", monitor=seen("alert", True, (DRIFT,)), comparison=comparison())
    text = retrain_texts.body(report)
    assert retrain_texts.title(report) == "Retrain shop on data up to 2025-07-29"
    assert "As-of date: 2025-07-01 → 2025-07-29" in text
    assert "labels say so" in text
    assert "| drift |" in text
    assert "average precision" in text
    assert "@all" not in text
    assert "<b>" not in text


def test_the_body_says_what_was_served() -> None:
    parity = {
        "bundle": "b",
        "live": True,
        "this_model": True,
        "features": 3,
        "rows": 90,
        "equal": 88,
    }
    feedback = {"rows": 100, "due": 80, "known": 60, "withheld": 5, "passed": 1, "decisions": ()}
    served = ServedReport.model_validate(
        {
            "first": "2025-07-01", "last": "2025-07-28", "sealed": "2025-07-28", "events": 100, "shadows": 0,
            "matched": 90, "parity": [parity], "shares": (), "times": (), "arms": (), "shadow": (),
            "feedback": feedback, "quality": (),
        }
    )  # fmt: skip
    monitor = seen("alert", True, (DRIFT,)).model_copy(update={"served": served})
    text = retrain_texts.body(record("challenger", monitor=monitor, comparison=comparison()))
    assert (
        "Served from 2025-07-01 to 2025-07-28: 100 events; labels of 60 of 80 that are due." in text
    )
    assert "Logged features equal the batch's on 88 of 90. Sealed up to 2025-07-28." in text


@pytest.mark.parametrize("outcome", list(retrain_texts.TITLES))
def test_every_outcome_has_words(outcome: str) -> None:
    report = record(outcome)
    assert retrain_texts.body(report).startswith("**")
    assert "shop" in retrain_texts.title(report)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "x.json, the whole: .*found \\[\\]; write it again with `plumbline retrain`"),
        ({"format": 2, "base": "b", "usecases": []}, "x.json, format: .*found 2; write it again"),
        ({"base": "b", "usecases": [{"usecase": "shop"}]}, "usecases.0.outcome: missing key"),
        (
            {"base": "b", "usecases": [record("drift").plain() | {"comparison": {}}]},
            "x.json, usecases.0.comparison.format: missing key",
        ),
    ],
)
def test_what_is_no_retrain(tmp_path: Path, document: object, message: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(PlumblineError, match=message):
        retrain_document.read(tmp_path / "x.json")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = record("challenger", branch="retrain/shop", commit="c" * 40, comparison=comparison())
    whole = RetrainDocument(base="b", usecases=(one, record("drift")))
    documents.write(tmp_path / "x.json", whole)
    assert retrain_document.read(tmp_path / "x.json").usecases[0].challenger() == (
        "retrain/shop",
        "c" * 40,
    )
    with pytest.raises(PlumblineError, match="shop: a challenger without branch or commit"):
        record("challenger").challenger()


def test_the_token_goes_to_its_host_only() -> None:
    result = branches.credentials("https://github.com/acme/plumbline.git", "secret")
    assert result["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraheader"
    assert "secret" not in "".join(result.values())
    assert branches.credentials("/a/folder", "secret") == {}
    assert branches.credentials("https://github.com/a/b", None) == {}
