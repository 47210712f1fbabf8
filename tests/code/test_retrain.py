"""A retrain's plan and its words: as-of dates, outcomes, what the team reads. No run."""

from __future__ import annotations

import copy
from datetime import date

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.data.params import Data
from plumbline.ops.retrain import as_of, branches, messages, outcomes
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


def seen(level: str = "ok", now: bool = False, findings: tuple[dict, ...] = ()) -> dict:
    retrain = {"now": now, "why": "labels say so"}
    return {
        "level": level,
        "summary": f"{level}: told",
        "retrain": retrain,
        "findings": list(findings),
    }


@pytest.mark.parametrize(
    ("source", "asked", "expected"),
    [
        ("csv", {}, TODAY),
        ("simulate", {}, date(2025, 7, 29)),
        ("simulate", {"days": 7}, date(2025, 7, 8)),
        ("csv", {"days": 0}, date(2025, 7, 1)),
        ("csv", {"day": date(2025, 8, 1)}, date(2025, 8, 1)),
    ],
)
def test_the_day(source: str, asked: dict, expected: date) -> None:
    data = Data(source=source, as_of="2025-07-01")
    assert (
        as_of.target("shop", data, **{"day": None, "days": None, **asked}, today=TODAY) == expected
    )


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
    ("told", "word"),
    [
        (seen(), "healthy"),
        (seen("warning", findings=(DRIFT,)), "drift"),
        (seen("alert", findings=(DRIFT,)), "drift"),
        (seen("alert", findings=(FAULT,)), "bad-data"),
        (seen("alert", now=True, findings=(DRIFT, FAULT)), "bad-data"),
        (seen("alert", now=True, findings=(DRIFT,)), None),
    ],
)
def test_the_monitor_decides(told: dict, word: str | None) -> None:
    judged = outcomes.of_monitor(told)
    assert (judged.word if judged else None) == word


@pytest.mark.parametrize(
    ("verdict", "word"), [("yes", "challenger"), ("no", "drift"), ("overridden", "drift")]
)
def test_only_a_plain_yes_makes_a_challenger(verdict: str, word: str) -> None:
    reason = {"usecase": "shop", "kind": "worse", "text": "it is worse"}
    gate = {"verdict": verdict, "reasons": [reason], "lifted": [], "overrides": {"shop": "because"}}
    judged = outcomes.of_comparison(comparison(gate=gate))
    assert judged.word == word
    if word == "drift":
        assert judged.reasons == ("challenger refused: shop: it is worse",)


def record(outcome: str, **more: object) -> dict:
    empty = dict.fromkeys(("monitor", "failed", "comparison", "branch", "commit"))
    days = {"from": "2025-07-01", "to": "2025-07-29"}
    return {
        **empty,
        "usecase": "shop",
        "outcome": outcome,
        "reasons": ["a <b> @all"],
        "as_of": days,
        **more,
    }


def test_the_body_holds_the_evidence_and_nothing_acts() -> None:
    told = record("challenger", monitor=seen("alert", True, (DRIFT,)), comparison=comparison())
    text = messages.body(told)
    assert messages.title(told) == "Retrain shop on data up to 2025-07-29"
    assert "As-of date: 2025-07-01 → 2025-07-29" in text
    assert "labels say so" in text
    assert "| drift |" in text
    assert "average\\_precision" in text
    assert "@all" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("outcome", list(messages.TITLES))
def test_every_outcome_has_words(outcome: str) -> None:
    told = record(outcome)
    assert messages.body(told).startswith("**")
    assert "shop" in messages.title(told)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "not what a retrain of format 1 writes"),
        ({"format": 2, "usecases": []}, "not what a retrain"),
        ({"format": 1, "usecases": [{"usecase": "shop"}]}, "a record has no as_of, branch"),
        ({"format": 1, "usecases": [record("drift", comparison={})]}, "not a comparison"),
    ],
)
def test_what_is_no_retrain(found: object, message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        outcomes.read(copy.deepcopy(found), "x.json")


def test_the_token_goes_to_its_host_only() -> None:
    found = branches.credentials("https://github.com/acme/plumbline.git", "secret")
    assert found["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraheader"
    assert "secret" not in "".join(found.values())
    assert branches.credentials("/a/folder", "secret") == {}
    assert branches.credentials("https://github.com/a/b", None) == {}
