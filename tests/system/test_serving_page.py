"""The page /docs in a real browser: offline, light and dark, accessible; its requests are taken as they stand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest

from plumbline.core.declarations import Only
from plumbline.serve.online import docs_page, times
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.online.openapi import Served
from plumbline.serve.online.scorer import CompiledScorer
from tests import browser, requests
from tests.browser import Scheme
from tests.frames import FLIGHTS, PAYMENTS

NOW = datetime(2025, 3, 1, 12)
COMMAND = re.compile(r"curl -s (\S+).*?-d '(.*?)'", re.DOTALL)


@pytest.fixture(scope="module")
def text() -> str:
    odd = replace(
        PAYMENTS, title="Cards <b>& more</b>", eligible=(Only("amount_cents", "", low=1),)
    )
    served = [
        Served(CompiledScorer(replace(requests.scorer(case), usecase=case)), "ab" * 16, 7)
        for case in (odd, FLIGHTS)
    ]
    return docs_page.page(served, "http://127.0.0.1:8400", NOW, tokens=True)


def test_its_requests_are_taken(text: str) -> None:
    commands = COMMAND.findall(unescape(text))
    assert [address.rsplit("/v1/")[1] for address, _ in commands] == [
        f"{name}/{part}"
        for name in ("card_fraud", "flights")
        for part in ("score", "outcomes", "explain")
    ]
    for case, at in ((PAYMENTS, 0), (FLIGHTS, 3)):
        check, now = CompiledCheck(case, 7), times.micros(NOW)
        event, _ = check.event(json.loads(commands[at][1]), now)
        assert check.outcome(json.loads(commands[at + 1][1]), now)[0] == event[case.key]


def test_it_says_what_a_request_must_know(text: str) -> None:
    for column in (*PAYMENTS.columns, *FLIGHTS.known):
        assert f">{column.name}<" in text
    assert "at least -500000 and at most 500000<" in text
    assert "Cards &lt;b&gt;&amp; more&lt;/b&gt;" in text
    assert "local time, written without a zone" in text
    assert text.count("why the model does not score the event") == 1
    assert '"score": ' in unescape(text)
    assert text.count("Content-Type: application/json") == 6  # curl's own type is refused
    assert "Authorization: Bearer $TOKEN" in unescape(text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_offline(text: str, tmp_path: Path, scheme: Scheme) -> None:
    path = tmp_path / "docs.html"
    path.write_text(text)
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    found = browser.axe(path, tmp_path, scheme)
    assert found["violations"] == []
    assert found["passes"] > 15
