"""Payloads in what leaves the project as text: mails, issues, chats, lineage, scores, a terminal."""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from plumbline.cli import options
from plumbline.config import Email
from plumbline.core.safe_text import log_line
from plumbline.monitor.result import MonitorResult
from plumbline.ops.alerts import alert_blocks, alert_issue, mail, payloads
from plumbline.ops.alerts.alert_blocks import AlertMessage
from plumbline.ops.alerts.sent_log import SentLog
from plumbline.ops.alerts.usecase_alerts import UseCaseAlert
from plumbline.ops.hosting import open_issue
from plumbline.ops.lineage import render
from plumbline.ops.lineage.lineage_document import LineageDocument
from plumbline.report import markdown
from plumbline.runtime import runner
from plumbline.studies.mltest import scorecard_page
from plumbline.studies.mltest.scorecard import Scorecard
from tests.alerts import finding, verdict
from tests.code.test_payloads import ACTS, HIDDEN, tokens
from tests.conftest import ROOT
from tests.payloads import PAYLOADS

pytestmark = pytest.mark.no_cover  # counting the lines takes longer than they do

LINES = re.compile("[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
"""What ends a line beside a line feed."""


def alert(text: str) -> UseCaseAlert:
    """A use case whose findings hold the text in all that data can reach."""
    found = finding(
        column=text, evidence=text, cause=text, next=text, since="2025-06-20", unit=text
    )
    plain = {**verdict(found), "summary": text, "retrain": {"now": False, "why": text}}
    result = MonitorResult.model_validate(plain)
    return UseCaseAlert("shop", result, result.findings)


def message(text: str) -> AlertMessage:
    """The message about it, with a page."""
    return alert_blocks.compose([alert(text)], {"shop": "new"}, {}, {"shop": "<p>page</p>"})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_mail(payload: str) -> None:
    """Headers of one line; nothing to link in the text or in the HTML; no tag of the payload."""
    settings = Email.model_validate(
        {"host": "localhost", "from": "me@example.com", "to": ["you@example.com"]}
    )
    built = mail.message(settings, message(payload))
    plain, page, attached = _parts(built)
    assert not ACTS.search(f"{built['Subject']}\n{plain}")
    assert not HIDDEN.search(f"{built['Subject']}{plain}{page}")
    assert len(str(built["Subject"]).splitlines()) == 1
    other = mail.message(settings, message("**plain** `code`"))
    assert set(built.keys()) == set(other.keys())
    shown = Shown.of(page)
    assert shown.tags <= Shown.of(_parts(other)[1]).tags
    assert not ACTS.search(shown.text)
    assert attached == "<p>page</p>"


def _parts(built: Any) -> list[str]:
    parts = [p for p in built.walk() if not p.is_multipart()]
    return [p.get_content().strip() for p in parts]


class Shown(HTMLParser):
    """A page's text, and its tags with their attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self.inside = "", set(), ""

    @classmethod
    def of(cls, page: str) -> Shown:
        parser = cls()
        parser.feed(page)
        return parser

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, *sorted(name for name, _ in attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside != "style":
            self.text += data


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_issue(payload: str) -> None:
    title = markdown.title(alert_blocks.short(alert(payload)))
    text = alert_issue.body(alert(payload), SentLog()).split("\n", 1)[1]
    assert not ACTS.search(title)
    assert not HIDDEN.search(title + text)
    assert len(title.splitlines()) == 1
    assert _inert(text) == _inert(alert_issue.body(alert("plain"), SentLog()).split("\n", 1)[1])


def _inert(text: str) -> list[str]:
    """The blocks of a Markdown text, none of whose texts acts."""
    found = list(tokens(text))
    for token in found:
        assert token.type not in ("link_open", "image", "html_block", "html_inline"), token
        if token.type == "text":
            assert not ACTS.search(token.content), token.content
    return [token.type for token in found if token.block]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_quoted_log(payload: str, tmp_path: Path) -> None:
    """The nightly run's issue: the log's last lines are code, and stay it."""
    text = open_issue.quoted(payload)
    assert not HIDDEN.search(text)
    assert {token.type for token in tokens(f"start\n\n{text}")} - {"inline", "text"} <= {
        *("paragraph_open", "paragraph_close", "code_block")
    }


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("chat", ["slack", "teams"])
def test_a_chat(chat: str, payload: str) -> None:
    """No text of a payload is in a field that the chat reads markup in."""
    piece = payloads.PAYLOADS[chat](message(payload))
    for kind, text in _texts(piece):
        assert not HIDDEN.search(text)
        assert not LINES.search(text)
        if kind == "mrkdwn":
            assert not re.search(r"<|>|https?://|@\w", text), text
    assert json.loads(json.dumps(piece)) == piece


def _texts(value: Any, kind: str = "mrkdwn") -> Iterator[tuple[str, str]]:
    """Each text that is shown, with its kind: rich text and runs hold no markup."""
    if isinstance(value, list):
        for one in value:
            yield from _texts(one, kind)
    if isinstance(value, dict):
        own = {"text": "run", "plain_text": "run", "TextRun": "run"}.get(
            str(value.get("type")), kind
        )
        for name, one in value.items():
            if name == "text" and isinstance(one, str):
                yield own, one
            elif name not in ("$schema", "contentType", "type"):
                yield from _texts(one, own)


def traced(text: str) -> LineageDocument:
    """A chain of one stage, with the text in names, params and subjects."""
    stage = {
        "name": text,
        "command": text,
        "commit": {"commit": "a" * 40, "when": "2025-07-01T00:00:00", "subject": text},
        "params": {text: text, "list": [text]},
        "code": {"md5": "0" * 32, "files": {text: "0"}},
        "environment": {text: {text: text}},
        "sources": [{"path": text, "md5": "0", "imported": [{"path": text, "deps": [text]}]}],
        "reads": {text: "1" * 32},
        "writes": {text: "2" * 32},
        "facts": {"source": {"path": text}, "features": [text]},
        "runs": [text],
    }
    prediction = {"usecase": text, "key": text, "table": text, "md5": "3", "row": 1, "score": 0.5}
    return LineageDocument.model_validate(
        {
            "target": {"path": text, "member_md5": None, "out": text, "md5": "2" * 32},
            "revision": {"name": text[:200], "commit": "a" * 40},
            "prediction": {**prediction, "threshold": None},
            "stages": [stage],
            "versions": [{"number": "1", "aliases": [text]}],
            "breaks": [text],
            "notes": [text],
        }
    )


LABEL = r"(?:#\d+;|[^\"#<>`&@\x00-\x1f\x7f-\x9f\u2028\u2029]|<br/>)*"
MERMAID = re.compile(
    rf'flowchart LR|  n\d+\["{LABEL}"\]|  n\d+\("{LABEL}"\) --> n\d+|  n\d+ --> n\d+\("{LABEL}"\)'
    rf'|  n\d+\{{\{{"{LABEL}"\}}\}}|  n\d+\("{LABEL}"\) -- row \d+ --> n\d+'
    rf'|  n\d+\("{LABEL}"\) --> n\d+'
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_lineage(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in render.mermaid([traced(payload)]):
        assert MERMAID.fullmatch(line), line
    options.say(render.tree(traced(payload)) if "└" not in payload else [])
    _one_stream(capsys.readouterr().out)


def _one_stream(printed: str) -> None:
    """What a terminal or a CI runner shows as it is."""
    assert not HIDDEN.search(printed)
    assert not LINES.search(printed)
    assert not re.search(r"^\s*::|##\[|##vso\[", printed, re.MULTILINE)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_score_page(payload: str) -> None:
    run = {"node": payload, "outcome": payload, "when": payload}
    fault = {"mutant": payload, "file": payload, "verdict": payload, "node": payload, "kind": "x"}

    def page(text: str) -> Shown:
        row = {
            "id": text,
            "section": "data",
            "title": text,
            "point": 1,
            "lacks": text,
            "rests": text,
        }
        runs = [{k: v and text for k, v in run.items()}]
        faults = [{k: text if k != "kind" else v for k, v in fault.items()}]
        section = {"section": "data", "title": text, "sum": 1, "of": 7}
        whole = {"tests": [{**row, "ran": runs, "mutants": faults}], "sections": [section]}
        figures = {"total": 1, "of": 28, "score": 1, "exceptional": False, "commit": text}
        return Shown.of(scorecard_page.render(Scorecard.model_validate(whole | figures)))

    assert page(payload).tags <= page("**plain** `code`").tags
    assert not HIDDEN.search(page(payload).text)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_remark_of_ours_for_a_run(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is one command, and what it holds is none."""
    options.annotate("notice", payload)
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 1
    assert re.match(r"::notice::", printed)
    assert not re.search(r"%(?!25)", printed), "a runner reads %0A as a new line"
    assert not HIDDEN.search(printed)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_failure_that_nobody_caught(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback's message forges no line, nor does a library's warning."""
    try:
        raise ValueError(f"could not convert: {payload}\n{payload}\n::error::forged")
    except ValueError:
        runner.traceback_of(*sys.exc_info())  # type: ignore[arg-type]
    _one_stream(capsys.readouterr().err)


def test_warnings_go_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each is one line."""
    seen: list[str] = []
    record = logging.LogRecord(
        "py.warnings", logging.WARNING, "", 0, "%s", ("a\n::error::b",), None
    )
    seen.append(runner.SafeFormatter("%(message)s").format(record))
    assert seen == [log_line("a\n::error::b")]
    logging.captureWarnings(False)  # another test of this process may have left it on
    with warnings.catch_warnings():
        before = warnings.showwarning, sys.excepthook
        runner.prepare()
        try:
            assert warnings.showwarning is logging._showwarning  # type: ignore[attr-defined]
            assert sys.excepthook is runner.traceback_of
        finally:
            logging.captureWarnings(False)
            warnings.showwarning, sys.excepthook = before


ALLOWED: dict[str, Callable[[ast.Call], bool]] = {
    "plumbline/cli/options.py": lambda call: "log_line(" in ast.unparse(call),
    "plumbline/cli/app.py": lambda call: (
        re.search("VERSION|log_lines", ast.unparse(call)) is not None
    ),
}
"""Who may print a value: the functions that make it one line."""
SAFE = re.compile(
    r"log_lines?\(|\{line\}|dumps\(|\\x1b\[K|\{len\(|\\rhashed|_short\(name\)|trial\.number"
)


def printed(path: Path) -> Iterator[ast.Call]:
    """Calls that write to the terminal."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "print" or re.fullmatch(r"sys\.std(out|err)\.write(lines)?", name):
                yield node


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plumbline").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_no_value_is_printed_as_it_is(path: Path) -> None:
    """`say`, `annotate` and the log take what a terminal or a runner would act on out of it."""
    allowed = ALLOWED.get(path.relative_to(ROOT).as_posix(), lambda _: False)
    for call in printed(path):
        plain = all(isinstance(arg, ast.Constant) for arg in call.args)
        assert plain or allowed(call) or SAFE.search(ast.unparse(call)), ast.unparse(call)
