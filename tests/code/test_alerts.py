"""Alerts without a network: what is new, what a message holds, what fits, what is remembered."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from plumbline.config import Alerts, Email, Silence
from plumbline.core.safe_text import BREAK
from plumbline.ops.alerts import alert_blocks, alert_issue, mail, payloads, sent_log
from plumbline.ops.alerts import usecase_alerts as cases
from plumbline.ops.alerts.channel_error import redacted
from plumbline.ops.alerts.sent_log import Failure, Sent, SentLog
from plumbline.ops.alerts.usecase_alerts import UseCaseAlert
from plumbline.report import plain_text
from plumbline.report.blocks import Bullets, Graph, Heading, Text, Verdict
from tests.alerts import finding, result

TODAY = date(2026, 11, 26)


def case(*findings: Any, name: str = "shop", **alerts: Any) -> UseCaseAlert:
    return cases.case(name, result(*findings), Alerts(**alerts), TODAY)


@pytest.mark.parametrize(
    ("now", "reported", "day", "step"),
    [
        ([finding()], None, None, "new"),
        ([finding()], {"unit amount": "alert"}, TODAY, ""),
        ([finding()], {"unit amount": "warning"}, TODAY, "more"),
        ([finding()], {"unit amount": "alert", "rows": "alert"}, TODAY, ""),
        ([finding(), finding("rows", None)], {"unit amount": "alert"}, TODAY, "more"),
        ([finding()], {"unit amount": "alert"}, date(2026, 11, 20), ""),
        ([finding()], {"unit amount": "alert"}, date(2026, 11, 19), "again"),
        ([], {"unit amount": "alert"}, TODAY, "resolved"),
        ([], None, None, ""),
        ([finding(level="warning")], {"unit amount": "alert"}, TODAY, "resolved"),
    ],
)
def test_what_there_is_to_say(now: list[Any], reported: Any, day: date | None, step: str) -> None:
    assert cases.step(case(*now), reported, day, 7, TODAY) == step


@pytest.mark.parametrize(
    ("silence", "silenced"),
    [
        ({}, True),
        ({"column": "amount"}, True),
        ({"column": "weight"}, False),
        ({"check": "unit", "usecase": "shop"}, True),
        ({"check": "drift"}, False),
        ({"usecase": "dairy"}, False),
    ],
)
def test_what_a_silence_covers(silence: dict[str, str], silenced: bool) -> None:
    one = case(finding(), silence=[Silence(until=date(2026, 12, 1), **silence)])
    assert bool(one.silenced) == silenced
    assert bool(one.findings) != silenced
    assert not one.healthy
    assert cases.step(one, {"unit amount": "alert"}, TODAY, 7, TODAY) == "", "neither new nor over"
    past = case(finding(), silence=[Silence(until=TODAY, **silence)])
    assert past.findings, "it ends on its day"


def test_one_column_found_twice_keeps_its_gravest_level() -> None:
    one = case(finding(level="alert"), finding(level="warning"), level="warning")
    assert one.keys == {"unit amount": "alert"}


def test_a_message_names_the_rest_in_a_line() -> None:
    ill, quiet = case(finding()), case(finding("rows", None), name="dairy")
    well = case(name="mill")
    steps: dict[str, Any] = {"shop": "new", "dairy": "", "mill": "resolved"}
    built = alert_blocks.compose([ill, quiet, well], steps, {}, {"shop": "<p>", "dairy": "<p>"})
    assert built.title == "Plumbline: alert: shop; resolved: mill"
    assert built.pages == {"shop-monitor.html": "<p>"}
    text = plain_text.render(built.blocks)
    assert "Unchanged" in text
    assert "- dairy: alert: rows" in text
    assert "Resolved: earlier findings no longer occur." in text


def test_many_findings_are_cut() -> None:
    many = case(*(finding(column=f"c{i}") for i in range(alert_blocks.MOST + 5)))
    text = plain_text.render(alert_blocks.compose([many], {"shop": "new"}, {}, {}).blocks)
    assert "and 5 more, in the report" in text
    assert "and 13 more" in text.splitlines()[0]


def huge() -> alert_blocks.AlertMessage:
    evidence = "é" * 300
    many = [
        case(*(finding(column=f"c{i}", evidence=evidence) for i in range(10)), name=f"shop{n}")
        for n in range(40)
    ]
    return alert_blocks.compose(many, dict.fromkeys((t.name for t in many), "new"), {}, {})


def test_payloads_stay_within_the_limits() -> None:
    """Slack: 50 blocks, 150 characters of a header. Teams: 28 KB."""
    slack, teams = payloads.slack(huge()), payloads.teams(huge())
    assert len(slack["blocks"]) <= 50
    assert len(slack["blocks"][0]["text"]["text"]) <= 150
    assert len(json.dumps(slack)) < 16_000
    assert len(json.dumps(teams)) < 28_000
    for payload in (slack, teams):
        assert payloads.CUT in json.dumps(payload, ensure_ascii=False)


def test_nothing_is_mentioned_in_slack_s_fallback() -> None:
    built = payloads.slack(alert_blocks.AlertMessage("<!channel> & @here", [Text("t")]))
    assert built["text"] == "&lt;!channel&gt; &amp; @\u200bhere"


def test_what_a_payload_has_no_form_for_is_left_out() -> None:
    graph = Graph("x", [], [], frozenset())
    alert_message = alert_blocks.AlertMessage(
        "t", [Verdict("t", "plain"), graph, Heading("h"), Bullets(["", "b"]), Text("x")]
    )
    assert len(payloads.slack(alert_message)["blocks"]) == 4
    assert len(payloads.teams(alert_message)["attachments"][0]["content"]["body"]) == 5
    assert plain_text.render([graph]) == "\n"


def test_a_mail_has_one_line_per_header() -> None:
    settings = Email(to=("a@x.org", "b@x.org"), **{"from": "c@x.org"}, host="h")
    alert_message = alert_blocks.AlertMessage(
        "x\r\nBcc: d@x.org " + "y" * 500, [Text("t")], ["shop"]
    )
    built = mail.message(settings, alert_message)
    assert built["Bcc"] is None
    assert len(built["Subject"].replace(BREAK, "")) == 200
    assert built["To"] == "a@x.org, b@x.org"
    assert built["Auto-Submitted"] == "auto-generated"
    assert built["References"].endswith("@x.org>")


def test_memory_goes_through_a_file_and_an_issue(tmp_path: Path) -> None:
    known = SentLog(
        {"shop": {"email": Sent(day=TODAY, findings={"rows": "alert"})}},
        {"slack": Failure(since=TODAY, reason="-->")},
    )
    sent_log.write(tmp_path / "state" / "alerts.json", known)
    assert sent_log.read(tmp_path / "state" / "alerts.json") == known
    body = alert_issue.body(case(finding()), known)
    assert sent_log.unmark(body) == known
    assert body.startswith("<!-- plumbline-sent: ")
    assert body.splitlines()[0].count("-->") == 1, "no value ends the comment"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- plumbline-sent: e30= -->",
        "<!-- plumbline-sent: A -->",
        "<!-- plumbline-sent: aGk= -->",
    ],
)
def test_a_mark_that_is_damaged_says_nothing(body: str) -> None:
    assert sent_log.unmark(body) == SentLog()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"usecases": {"s": {"email": {"day": "x", "findings": {}}}}},
        {"failures": [1]},
        {"usecases": {"s": {"email": {"day": "2026-11-26", "findings": {"a": "odd"}}}}},
    ],
)
def test_a_memory_that_is_damaged_is_refused(change: dict[str, Any]) -> None:
    whole = {"format": 1, "usecases": {}, "failures": {}}
    assert sent_log.parse(whole) == SentLog()
    with pytest.raises((ValueError, TypeError, AttributeError)):
        sent_log.parse(whole | change)


def test_a_disk_that_refuses_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    sent_log.write(tmp_path / "file" / "alerts.json", SentLog())
    assert "not written" in caplog.text
    os.mkdir(tmp_path / "folder")
    assert sent_log.read(tmp_path / "folder") == SentLog()


def test_the_longest_secret_goes_first() -> None:
    assert redacted("at https://h/abc: abc\nno", ["abc", "https://h/abc", ""]) == "at ***: *** no"
