"""Alerts as people get them: a real SMTP server, a real HTTP server, and a stand-in for GitHub's API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.core.safe_text import BREAK
from plumbline.monitor import page
from tests import alerts, browser, github
from tests.alerts import SECRET, finding, verdict

MAIL = {"to": ["team@example.com"], "from": "plumbline@example.com", "host": "127.0.0.1"}
SLACK = {"kind": "slack", "url": "SLACK_WEBHOOK_URL"}
TEAMS = {"kind": "teams", "url": "TEAMS_WEBHOOK_URL"}
PATH = "/services/T0/B0/a-secret-path"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project in which the command runs, and an environment that is put back."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("GITHUB_", "SMTP_"))]:
        del os.environ[name]
    os.environ["no_proxy"] = "*"
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Run:
    """The command: its exit code, what it printed, its warnings."""

    def act(*words: str, day: str = "2026-11-26") -> tuple[int, str, str]:
        caplog.clear()
        code = main(["alert", "--today", day, *words])
        out = capsys.readouterr()
        ours = [r.getMessage() for r in caplog.records if r.name == "plumbline"]
        return code, out.out, "\n".join(ours) + out.err

    return act


@pytest.fixture
def box() -> Iterator[alerts.Mailbox]:
    with alerts.smtp() as built:
        yield built


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[alerts.Hooks]:
    with alerts.hooks() as built:
        os.environ["SLACK_WEBHOOK_URL"] = built.url + PATH
        os.environ["TEAMS_WEBHOOK_URL"] = built.url + "/teams"
        yield built


def mail(box: alerts.Mailbox, **more: Any) -> dict[str, Any]:
    return {**MAIL, "port": box.port, "tls": "none", **more}


def text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def attached(message: EmailMessage) -> dict[str, str]:
    return {str(p.get_filename()): p.get_content() for p in message.iter_attachments()}


def test_a_mail_with_the_report_arrives(
    root: Path, run: Run, box: alerts.Mailbox, tmp_path: Path
) -> None:
    alerts.project(root, {"email": mail(box)})
    alerts.write(root, verdict(finding(cause="amount ×100 in 5 % of rows", since="2025-06-25")))
    code, out, warned = run()
    assert (code, warned) == (0, "")
    assert out == "alert: email: reported shop\n"
    (message,) = box.mails
    assert message["Subject"] == "Plumbline: shop: alert: amount: unit"
    assert (message["To"], message["From"]) == (MAIL["to"][0], MAIL["from"])
    for word in (
        "Likely cause: amount ×100 in 5 % of rows",
        "since 2025-06-25",
        "Concept drift cannot be seen until",
    ):
        assert word in " ".join(text(message).split())
    (page,) = attached(message).items()
    assert page[0] == "shop-monitor.html"
    (tmp_path / "page.html").write_text(page[1])
    dom, console = browser.opened(tmp_path / "page.html")
    assert "Alert. Investigate now" in dom
    assert console == []


def test_no_repeat_until_some_days_have_passed(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box), "repeat_days": 7})
    alerts.write(root, verdict(finding()))
    run()
    alerts.write(root, verdict(finding(size=0.07, evidence="7 %")))
    for day in ("2026-11-26", "2026-11-27", "2026-12-02"):
        assert run(day=day)[1] == "alerts: nothing to report\n"
    assert len(box.mails) == 1
    run(day="2026-12-03")
    assert "Reminder: no new findings" in text(box.mails[1])
    alerts.write(root, verdict(finding(), finding("rows", None)))
    run(day="2026-12-04")
    assert "rows" in box.mails[2]["Subject"]
    assert box.mails[0]["References"] == box.mails[2]["References"], "one thread"
    assert box.mails[0]["Message-ID"] != box.mails[2]["Message-ID"]


def test_a_warning_that_becomes_an_alert_is_sent(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box), "level": "warning"})
    alerts.write(root, verdict(finding(level="warning")))
    run()
    alerts.write(root, verdict(finding(level="alert")))
    run(day="2026-11-27")
    assert [m["Subject"].split(": ")[2] for m in box.mails] == ["warning", "alert"]


def test_what_is_over_is_told_once(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box)})
    alerts.write(root, verdict())
    run()
    assert box.mails == [], "health is no news"
    alerts.write(root, verdict(finding()))
    run()
    alerts.write(root, verdict(finding(level="warning")))
    run(day="2026-11-27")
    run(day="2026-11-28")
    assert [m["Subject"] for m in box.mails][1:] == ["Plumbline: shop: resolved"]


def test_several_use_cases_in_one_message(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box)}, ("shop", "dairy", "mill"))
    alerts.write(root, verdict(finding(), finding("drift", "weight")), "shop")
    alerts.write(root, verdict(finding("rows", None)), "dairy")
    alerts.write(root, verdict(), "mill")
    run()
    (message,) = box.mails
    assert message["Subject"] == "Plumbline: alert: shop, dairy"
    assert set(attached(message)) == {"shop-monitor.html", "dairy-monitor.html"}
    assert "mill" not in text(message)


@pytest.mark.parametrize(
    "silence",
    [
        {"silence_until": "2026-12-01"},
        {"silence": [{"until": "2026-12-01", "column": "amount", "check": "unit"}]},
        {"silence": [{"until": "2026-12-01", "usecase": "shop"}]},
    ],
)
def test_silence_ends_on_its_day(
    root: Path, run: Run, box: alerts.Mailbox, silence: dict[str, Any]
) -> None:
    alerts.project(root, {"email": mail(box), **silence})
    alerts.write(root, verdict(finding()))
    run(day="2026-11-30")
    assert box.mails == []
    run(day="2026-12-01")
    assert len(box.mails) == 1


def test_another_column_is_not_silenced(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(
        root, {"email": mail(box), "silence": [{"until": "2026-12-01", "column": "amount"}]}
    )
    alerts.write(root, verdict(finding(), finding("rows", None)))
    run()
    (message,) = box.mails
    assert message["Subject"].endswith("shop: alert: rows")
    assert "Silenced by params.yaml: 1 finding, until 2026-12-01" in text(message)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")  # implicit
@pytest.mark.parametrize("implicit", [False, True])
def test_encrypted_and_logged_in(root: Path, run: Run, tmp_path: Path, implicit: bool) -> None:
    context, authority = alerts.certificate(tmp_path)
    os.environ |= {"SSL_CERT_FILE": str(authority), "SMTP_USER": "plumb", "SMTP_PASSWORD": SECRET}
    with alerts.smtp(context, implicit=implicit) as box:
        alerts.project(root, {"email": mail(box, tls="implicit" if implicit else "starttls")})
        alerts.write(root, verdict(finding()))
        assert run()[2] == ""
        assert len(box.mails) == 1
        os.environ["SMTP_PASSWORD"] = "wrong-" + SECRET
        code, _, warned = run("--test")
    assert code == 1
    assert "email: not reached: 127.0.0.1: 535" in warned
    assert SECRET not in warned


def test_a_server_without_a_known_certificate_gets_no_password(
    root: Path, run: Run, tmp_path: Path
) -> None:
    context, _ = alerts.certificate(tmp_path)
    os.environ |= {"SMTP_USER": "plumb", "SMTP_PASSWORD": SECRET}
    with alerts.smtp(context) as box:
        alerts.project(root, {"email": mail(box, tls="starttls")})
        code, _, warned = run("--test")
    assert (code, box.mails) == (1, [])
    assert "CERTIFICATE_VERIFY_FAILED" in warned


def test_a_password_never_goes_in_the_open(root: Path, run: Run) -> None:
    os.environ |= {"SMTP_USER": "plumb", "SMTP_PASSWORD": SECRET}
    alerts.project(root, {"email": {**MAIL, "host": "mail.example.com", "tls": "none"}})
    assert "no password is sent without TLS" in run("--test")[2]


def test_slack_and_teams(root: Path, run: Run, hook: alerts.Hooks) -> None:
    alerts.project(root, {"webhooks": [SLACK, TEAMS]})
    alerts.write(root, verdict(finding()))
    code, out, warned = run()
    assert (code, warned) == (0, "")
    assert "slack (SLACK_WEBHOOK_URL): reported shop" in out
    (path, slack), (other, teams) = hook.posts
    assert (path, other) == (PATH, "/teams")
    assert slack["blocks"][0]["type"] == "header"
    assert slack["text"] == "Plumbline: shop: alert: amount: unit"
    (card,) = teams["attachments"]
    assert card["content"]["type"] == "AdaptiveCard"
    assert "100 times what they were" in json.dumps(card)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_fails_is_a_warning_without_its_address(
    root: Path, run: Run, hook: alerts.Hooks, box: alerts.Mailbox, status: int
) -> None:
    """The mail tells of it at once, then with the next alert; the webhook gets it all when it is well."""
    hook.status, hook.place = status, f"{hook.url}/elsewhere"
    hook.answer = f"no: {hook.url}{PATH}"
    alerts.project(root, {"email": mail(box), "webhooks": [SLACK]})
    alerts.write(root, verdict(finding()))
    code, _, warned = run()
    assert code == 0
    assert warned.count("not reached") == 1
    assert f"slack (SLACK_WEBHOOK_URL): not reached: answered {status}" in warned
    assert len(hook.posts) == 1, "it is followed nowhere"
    assert "a-secret-path" not in warned + (root / ".plumbline" / "alerts.json").read_text()
    assert box.mails[1]["Subject"].startswith("Plumbline: an alert was not delivered by slack")
    run(day="2026-11-27")
    assert len(box.mails) == 2, "once"
    alerts.write(root, verdict(finding(), finding("rows", None)))
    run(day="2026-11-28")
    assert "slack (SLACK_WEBHOOK_URL), since 2026-11-26: answered" in text(box.mails[2])
    hook.status = 200
    run(day="2026-11-29")
    assert len(box.mails) == 3
    assert "rows" in json.dumps(hook.posts[-1])
    assert run(day="2026-11-30")[2] == ""


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "SLACK_WEBHOOK_URL is not set"),
        ("ftp://x/hidden", "SLACK_WEBHOOK_URL holds no https address"),
        ("http://hooks.example.com/hidden", "use https"),
        ("http://127.0.0.1:9/hidden", "no answer"),
        ("https://[::hidden", "holds no https address"),
    ],
)
def test_a_webhook_that_cannot_be_called(root: Path, run: Run, address: str, message: str) -> None:
    os.environ["SLACK_WEBHOOK_URL"] = address
    alerts.project(root, {"webhooks": [SLACK]})
    alerts.write(root, verdict(finding()))
    code, _, warned = run()
    assert code == 0
    assert message in warned
    assert "hidden" not in warned
    assert len(warned.strip().splitlines()) == 1


def test_a_mail_server_that_refuses(
    root: Path, run: Run, box: alerts.Mailbox, hook: alerts.Hooks
) -> None:
    """The others are told; nothing counts as told that was not."""
    alerts.project(root, {"email": mail(box), "webhooks": [SLACK]})
    alerts.write(root, verdict(finding()))
    box.broken = "451 4.3.0 the disk is full"
    code, _, warned = run()
    assert code == 0
    assert "email: not reached: 127.0.0.1: 451 4.3.0 the disk is full" in warned
    assert "Channels not reached" in json.dumps(hook.posts[0]), "known before the webhook's turn"
    box.broken = ""
    run(day="2026-11-27")
    assert len(box.mails) == 1


def test_one_of_two_receivers_is_refused(root: Path, run: Run, box: alerts.Mailbox) -> None:
    box.refuse = {"gone@example.com"}
    alerts.project(root, {"email": mail(box, to=["team@example.com", "gone@example.com"])})
    alerts.write(root, verdict(finding()))
    assert "refused for gone@example.com" in run()[2]
    run(day="2026-11-27")
    assert len(box.mails) == 1, "the other one has it"


EVIL = "x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script> @channel <!channel> <@U1> [a](http://b) \u202e"


def test_what_stands_in_the_data_acts_nowhere(
    root: Path, run: Run, box: alerts.Mailbox, hook: alerts.Hooks
) -> None:
    """No header, no mention, no link, no HTML comes of a value."""
    with github.github() as hub:
        os.environ |= hub.environment()
        alerts.project(root, {"email": mail(box), "webhooks": [SLACK, TEAMS], "github": True})
        alerts.write(root, verdict(finding(column=EVIL, evidence=EVIL, cause=EVIL)))
        assert run()[2] == ""
    (message,) = box.mails
    assert message["Bcc"] is None
    assert [e.rcpt_tos for e in box.envelopes] == [MAIL["to"]]
    html = message.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content() + "".join(attached(message).values())
    (_, slack), (_, teams) = hook.posts
    assert "<!channel>" not in slack["text"]
    kinds = {e["type"] for b in slack["blocks"][1:] for e in _texts(b)}
    assert kinds == {"text"}, "nothing that Slack reads marks in"
    assert {b["type"] for b in teams["attachments"][0]["content"]["body"]} == {"RichTextBlock"}
    (issue,) = hub.issues
    for shown in ("<script", "<!channel", "@channel", "[a]("):
        assert shown not in issue["body"]
    assert "\n" not in issue["title"]
    assert "\u202e" not in issue["title"] + issue["body"] + json.dumps(hook.posts)


def _texts(block: Any) -> Iterator[Any]:
    """The innermost elements of Slack's rich text."""
    for element in block.get("elements", []):
        yield from _texts(element) if "elements" in element else iter([element])


def test_an_issue_is_opened_once_updated_and_closed(root: Path, run: Run) -> None:
    with github.github() as hub:
        os.environ |= hub.environment()
        alerts.project(root, {"github": True}, ("shop", "dairy"))
        alerts.write(root, verdict(finding()), "shop")
        alerts.write(root, verdict(), "dairy")
        assert "github: shop: issue #1 opened" in run()[1]
        alerts.write(root, verdict(finding(evidence="7 % of values")), "shop")
        assert "github: shop: issue #1 updated" in run(day="2026-11-27")[1]
        assert "7 % of values" in hub.issues[0]["body"]
        assert hub.notes == {}, "a changed size is no comment"
        alerts.write(root, verdict(finding(), finding("rows", None)), "shop")
        run(day="2026-11-28")
        assert "rows" in hub.bodies(1)[0]
        assert "amount" not in hub.bodies(1)[0], "only what is new"
        alerts.write(root, verdict(), "shop")
        assert "github: shop: issue #1 closed" in run(day="2026-11-29")[1]
        assert [i["state"] for i in hub.issues] == ["closed"]
        assert "Resolved: earlier" in hub.bodies(1)[-1]
        alerts.write(root, verdict(finding()), "shop")
        run(day="2026-12-09")
        assert len(hub.issues) == 2


def test_the_issue_remembers_for_a_fresh_machine(root: Path, run: Run, box: alerts.Mailbox) -> None:
    """On a runner no file is left: what was told by mail stands in the open issue."""
    with github.github() as hub:
        os.environ |= hub.environment()
        alerts.project(root, {"github": True, "email": mail(box)})
        alerts.write(root, verdict(finding()))
        run()
        (root / ".plumbline" / "alerts.json").unlink()
        run(day="2026-11-27")
        assert len(box.mails) == 1
        (root / ".plumbline" / "alerts.json").unlink()
        alerts.write(root, verdict())
        run(day="2026-11-28")
        assert box.mails[1]["Subject"] == "Plumbline: shop: resolved"


def test_a_token_that_may_not_write(root: Path, run: Run, box: alerts.Mailbox) -> None:
    with github.github() as hub:
        os.environ |= hub.environment(github.READ_ONLY)
        alerts.project(root, {"github": True, "email": mail(box)})
        alerts.write(root, verdict(finding()))
        code, _, warned = run()
    assert code == 0
    assert "github: not reached: " in warned
    assert "403" in warned
    assert box.mails[1]["Subject"] == "Plumbline: an alert was not delivered by github"


def test_the_test_command(root: Path, run: Run, box: alerts.Mailbox, hook: alerts.Hooks) -> None:
    """By every channel, though all is silenced; it leaves nothing behind."""
    with github.github() as hub:
        os.environ |= hub.environment()
        section = {"email": mail(box), "webhooks": [SLACK, TEAMS], "github": True}
        alerts.project(root, {**section, "silence_until": "2030-01-01"})
        code, out, warned = run("--test")
    assert (code, warned) == (0, "")
    assert len(out.splitlines()) == 4
    assert box.mails[0]["Subject"] == "Plumbline: test of alerts"
    assert len(hook.posts) == 2
    assert [i["state"] for i in hub.issues] == ["closed"]
    assert not (root / ".plumbline").exists()


def test_a_dry_run_sends_nothing(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box)})
    alerts.write(root, verdict(finding()))
    assert run("--dry-run")[1] == "alert: email: would report shop (new)\n"
    assert (box.mails, (root / ".plumbline").exists()) == ([], False)


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (None, "no such file"),
        ("{", "not valid JSON"),
        (
            {"level": "odd", "findings": []},
            "level: Input should be 'ok', 'warning' or 'alert', found 'odd'",
        ),
        ({"level": "alert", "findings": []}, "no finding's is"),
        ({"level": "ok"}, "findings: missing key"),
        (verdict(finding()) | {"days": 3}, "days: Input should be a valid tuple, found 3"),
        ([], "the whole: Input should be a valid dictionary"),
    ],
)
def test_a_verdict_that_is_not_there_is_an_alert(
    root: Path, run: Run, box: alerts.Mailbox, left: Any, message: str
) -> None:
    """Silence is not health."""
    alerts.project(root, {"email": mail(box)})
    if left is not None:
        alerts.write(root, left)
    if left == "{":
        (root / "metrics" / "shop" / "monitor.json").write_text("{")
    run()
    assert box.mails[0]["Subject"] == "Plumbline: shop: alert: monitor"
    assert message in " ".join(text(box.mails[0]).split())


def test_what_a_retrain_saw(root: Path, run: Run, box: alerts.Mailbox) -> None:
    alerts.project(root, {"email": mail(box)}, ("shop", "dairy", "mill"))
    keys = dict.fromkeys(("comparison", "branch", "commit", "failed", "monitor"))
    record = {**keys, "outcome": "drift", "reasons": [], "as_of": {"from": None, "to": None}}
    failed = {"stage": "validate@dairy", "error": "no column 'weight'"}
    records = [
        {**record, "usecase": "shop", "monitor": verdict(finding())},
        {**record, "usecase": "dairy", "failed": failed},
    ]
    path = root / "retrain.json"
    path.write_text(json.dumps({"format": 1, "base": "b", "usecases": records}))
    run("--retrain", str(path))
    report = text(box.mails[0])
    report = " ".join(report.replace(BREAK, "").split())
    assert "stage validate@dairy failed: no column 'weight'" in report
    assert "mill" not in report
    path.unlink()
    run("--retrain", str(path), "--state", "other.json")
    assert "the retrain left no verdict" in " ".join(text(box.mails[1]).split())


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}', '{"format": 1, "usecases": 3}'])
def test_a_damaged_memory_tells_all_anew(
    root: Path, run: Run, box: alerts.Mailbox, text: str
) -> None:
    alerts.project(root, {"email": mail(box)})
    alerts.write(root, verdict(finding()))
    (root / ".plumbline").mkdir()
    (root / ".plumbline" / "alerts.json").write_text(text)
    code, _, warned = run()
    assert (code, len(box.mails)) == (0, 1)
    assert "all is sent again" in warned
    assert run()[2] == "", "written whole again"


def test_none_is_set(root: Path, run: Run) -> None:
    alerts.project(root, {})
    assert run() == (
        0,
        "alerts: no channel is configured in params.yaml; see docs/monitoring.md\n",
        "",
    )
    assert run("--test")[0] == 0
    assert not (root / ".plumbline").exists()


def test_a_use_case_with_a_section_of_its_own(
    root: Path, run: Run, box: alerts.Mailbox, hook: alerts.Hooks
) -> None:
    import yaml

    alerts.project(root, {"email": mail(box)}, ("shop", "dairy"))
    whole = yaml.safe_load((root / "params.yaml").read_text())
    whole["dairy"] = {**whole["dairy"], "alerts": {"webhooks": [SLACK]}}
    (root / "params.yaml").write_text(yaml.safe_dump(whole))
    for name in ("shop", "dairy"):
        alerts.write(root, verdict(finding()), name)
    run()
    assert [m["Subject"] for m in box.mails] == ["Plumbline: shop: alert: amount: unit"]
    assert [p["text"] for _, p in hook.posts] == ["Plumbline: dairy: alert: amount: unit"]


def test_a_silence_for_what_is_not_there_is_a_warning(
    root: Path, run: Run, box: alerts.Mailbox
) -> None:
    silence = [
        {"until": "2027-01-01", "check": "drfit"},
        {"until": "2027-01-01", "column": "amout"},
    ]
    alerts.project(root, {"email": mail(box), "silence": silence})
    known = {"checks": ["drift", "unit"], "columns": [{"name": "amount", "level": "ok"}]}
    alerts.write(root, verdict(finding()) | known)
    _, _, warned = run()
    assert "alerts.silence.0.check: nothing is called 'drfit'; did you mean 'drift'?" in warned
    assert "alerts.silence.1.column: nothing is called 'amout'; did you mean 'amount'?" in warned
    assert len(box.mails) == 1


def test_a_page_that_cannot_be_drawn_stops_no_mail(
    root: Path, run: Run, box: alerts.Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ValueError("no such block")

    monkeypatch.setattr(page, "render", fail)
    alerts.project(root, {"email": mail(box)})
    alerts.write(root, verdict(finding()))
    code, _, warned = run()
    assert (code, len(box.mails), attached(box.mails[0])) == (0, 1, {})
    assert "no page to attach" in warned


def test_a_host_that_answers_oddly_stops_no_mail(
    root: Path, run: Run, box: alerts.Mailbox, hook: alerts.Hooks
) -> None:
    """An issues address that is another server's."""
    os.environ |= {"GITHUB_API_URL": hook.url, "GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": SECRET}
    for output in ("[1]", "[{}]", "hello", '{"number": 1}'):
        hook.answer = output
        alerts.project(root, {"github": True, "email": mail(box)})
        alerts.write(root, verdict(finding()))
        code, _, warned = run("--state", f"{len(output)}.json")
        assert code == 0
        assert "github: not reached" in warned
        assert SECRET not in warned
    assert len(box.mails) == 8, "the alert, and that the issue was not opened"
